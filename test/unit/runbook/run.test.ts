import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Journal, openJournal } from '../../../core/runbook/journal.ts'
import {
  dryRun,
  type Outcome,
  type RunEvent,
  type RunOptions,
  runRunbook,
} from '../../../core/runbook/run.ts'
import type { Runbook, Step, StepResult } from '../../../core/runbook/step.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-runbook-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** The world that steps change: effects that hold, and how often each was brought about. */
interface World {
  holds: Set<string>
  applied: string[]
  undone: string[]
}
const world = (): World => ({ holds: new Set(), applied: [], undone: [] })
interface Memory {
  seen: string[]
}

function step(id: string, in_: World, more: Partial<Step<Memory>> & { fails?: boolean } = {}): Step<Memory> {
  const { fails, ...rest } = more
  return {
    id,
    title: `Do ${id}`,
    why: 'because',
    check: async () => in_.holds.has(id),
    apply: async ({ memory }) => {
      in_.applied.push(id)
      if (fails) return { ok: false, error: { code: 'broke', words: `${id} broke` } }
      in_.holds.add(id)
      memory.seen.push(id)
      return { ok: true }
    },
    undo: async () => {
      in_.undone.push(id)
      in_.holds.delete(id)
      return { ok: true }
    },
    ...rest,
  }
}

const book = (steps: Step<Memory>[]): Runbook<Memory> => ({
  name: 'test',
  title: 'a test',
  steps,
  memory: { seen: [] },
})
const options = (journal: Journal, more: Partial<RunOptions> = {}): RunOptions => ({
  journal,
  clock: { now: () => 1 },
  emit: () => {},
  ask: async () => true,
  signal: new AbortController().signal,
  ...more,
})
const open = () => openJournal(join(folder, 'run.jsonl'))
const run = async (steps: Step<Memory>[], more: Partial<RunOptions> = {}): Promise<Outcome> =>
  runRunbook(book(steps), 'r1', options(await open(), more))

describe('a run', () => {
  it('applies every step in order, and remembers what they found', async () => {
    const w = world()
    const found: string[] = []
    const last = step('c', w, {
      apply: async ({ memory }) => {
        found.push(...memory.seen)
        return { ok: true }
      },
    })
    expect(await run([step('a', w), step('b', w), last])).toEqual({ result: 'done' })
    expect(found).toEqual(['a', 'b'])
    expect(await run([step('a', w), step('b', w), last])).toEqual({ result: 'done' })
    expect(w.applied).toEqual(['a', 'b'])
  })

  it('skips what holds already, and does not undo it', async () => {
    const w = world()
    w.holds.add('a')
    const outcome = await run([step('a', w), step('b', w), step('c', w, { fails: true })])
    expect(outcome).toEqual({ result: 'rolled-back', error: { code: 'broke', words: 'c broke' } })
    expect(w.undone).toEqual(['c', 'b'])
    expect([...w.holds]).toEqual(['a'])
  })

  it('takes a thrown error for a failure of the step', async () => {
    const w = world()
    const outcome = await run([step('a', w), step('b', w, { apply: () => Promise.reject(new Error('bug')) })])
    expect(outcome).toMatchObject({ result: 'rolled-back', error: { code: 'unexpected' } })
    expect(w.holds.size).toBe(0)
  })

  it('takes a full volume for one, and not for a fault of Zotbar', async () => {
    for (const about of [{ path: '/volume/zot' }, { path: '/elsewhere/zot', dest: '/volume/zot' }]) {
      const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', ...about })
      const outcome = await run([step('a', world(), { apply: () => Promise.reject(full) })])
      expect(outcome.error).toEqual({
        code: 'no-space',
        words: 'There is too little space: the volume is full.',
        detail: '/volume/zot',
      })
    }
  })

  it('ends with what could not be taken back', async () => {
    const w = world()
    const undo = async (): Promise<StepResult> => ({ ok: true, words: 'A key is gone.' })
    const outcome = await run([step('a', w, { undo }), step('b', w), step('c', w, { fails: true })])
    expect(outcome).toMatchObject({ result: 'rolled-back', remains: ['A key is gone.'] })
    expect((await open()).entries.at(-1)).toMatchObject({ kind: 'ended', changed: ['A key is gone.'] })
  })

  it('undoes nothing past the point of no return', async () => {
    const w = world()
    const outcome = await run([
      step('a', w),
      step('b', w, { pointOfNoReturn: true }),
      step('c', w, { fails: true }),
    ])
    expect(outcome.result).toBe('failed')
    expect(w.undone).toEqual([])
  })

  it('says when it could not go back', async () => {
    const w = world()
    const stuck: Partial<Step<Memory>> = {
      undo: async () => ({ ok: false, error: { code: 'stuck', words: 'no way' } }),
    }
    const outcome = await run([step('a', w, stuck), step('b', w, { fails: true })])
    expect(outcome).toEqual({ result: 'failed', error: { code: 'stuck', words: 'no way' } })
  })

  it('goes back when it is cancelled, in the middle of a step that allows it', async () => {
    const w = world()
    const user = new AbortController()
    const slow = (signal: AbortSignal): Promise<StepResult> =>
      new Promise(done =>
        signal.addEventListener('abort', () => done({ ok: false, error: { code: 'stopped', words: '' } })),
      )
    const waiting = step('b', w, {
      cancellable: true,
      apply: ({ signal }) => {
        queueMicrotask(() => user.abort())
        return slow(signal)
      },
    })
    expect(await run([step('a', w), waiting, step('c', w)], { signal: user.signal })).toEqual({
      result: 'cancelled',
    })
    expect(w.undone).toEqual(['b', 'a'])
  })

  it('ignores a cancel past the point of no return', async () => {
    const w = world()
    const user = new AbortController()
    const edge = step('b', w, {
      pointOfNoReturn: true,
      apply: async () => {
        user.abort()
        return { ok: true }
      },
    })
    expect(await run([step('a', w), edge, step('c', w)], { signal: user.signal })).toEqual({ result: 'done' })
  })

  it('tells each phase, progress and question as it happens', async () => {
    const w = world()
    const events: RunEvent[] = []
    const asks = step('a', w, {
      apply: async ({ ask, progress }) => {
        progress({ label: 'bytes', done: 1, total: 2 })
        const agreed = await ask({ id: 'sure', title: 'Sure?', body: '', confirm: 'Yes' })
        return agreed ? { ok: true } : { ok: false, error: { code: 'declined', words: 'no' } }
      },
    })
    await run([asks], { emit: event => events.push(event) })
    expect(events.map(each => each.phase)).toEqual(['check', 'apply', 'apply', 'wait', 'done'])
  })

  it('plans without changing anything', async () => {
    const w = world()
    w.holds.add('a')
    expect(await dryRun(book([step('a', w), step('b', w)]))).toEqual([
      { id: 'a', title: 'Do a', why: 'because', holds: true },
      { id: 'b', title: 'Do b', why: 'because', holds: false },
    ])
    expect(w.applied).toEqual([])
  })
})

/** Dies as a kill does: the write of entry number `at` is the last thing that happens, or no longer happens. */
function dying(journal: Journal, at: number, written: boolean): Journal & { died: Promise<void> } {
  let writes = 0
  const { promise: died, resolve: die } = Promise.withResolvers<void>()
  return {
    died,
    entries: journal.entries,
    async add(entry) {
      writes += 1
      if (writes < at) return journal.add(entry)
      if (writes === at && written) await journal.add(entry)
      die()
      return new Promise(() => {})
    },
  }
}

describe('killed before and after every journal write, forth and back', () => {
  const forth = (w: World) => [step('a', w), step('b', w), step('c', w)]
  const back = (w: World) => [step('a', w), step('b', w), step('c', w, { fails: true })]
  for (const [name, steps, result, holding] of [
    ['a run that succeeds', forth, 'done', ['a', 'b', 'c']],
    ['a run that is undone', back, 'rolled-back', []],
  ] as const) {
    const cases = Array.from({ length: 14 }, (_, n) => [n + 1, true, false] as const)
    it.each(cases.flatMap(([at]) => [[at, true] as const, [at, false] as const]))(
      `${name}: the next start ends it whole (write %d, written: %s)`,
      async (at, written) => {
        const w = world()
        const journal = dying(await open(), at, written)
        await Promise.race([runRunbook(book(steps(w)), 'r1', options(journal)), journal.died])
        expect(await run(steps(w))).toMatchObject({ result })
        expect([...w.holds].sort()).toEqual(holding)
        // Nothing that holds is brought about twice.
        if (result === 'done')
          for (const id of holding) expect(w.applied.filter(each => each === id)).toHaveLength(1)
      },
    )
  }
})

describe('the journal', () => {
  it('cuts off a torn last line, and refuses any other', async () => {
    const w = world()
    await run([step('a', w)])
    const file = join(folder, 'run.jsonl')
    const whole = await readFile(file, 'utf8')
    await writeFile(file, `${whole}{"kind":"app`)
    expect((await open()).entries.map(entry => entry.kind)).toEqual(['begun', 'applying', 'applied', 'ended'])
    expect(await readFile(file, 'utf8')).toBe(whole)
    await writeFile(file, `nonsense\n${whole}`)
    await expect(open()).rejects.toThrow(/line 1/)
  })
})
