import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Entry } from '../../../core/runbook/journal.ts'
import type { RunbookKind } from '../../../core/runbook/runbook-kind.ts'
import { createRunner, type RunbookRunner } from '../../../core/runbook/runner.ts'
import type { Runbook } from '../../../core/runbook/step.ts'
import { type FakeClock, fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'

let home: string
let folder: string
let clock: FakeClock
/** The version that serves, and what was done to it. */
let world: { version: string; done: string[] }
let told: string[]
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-broken-off-'))
  folder = join(home, 'runbooks')
  clock = fakeClock()
  world = { version: 'A', done: [] }
  told = []
})
afterEach(() => rm(home, { recursive: true, force: true }))

type Memory = { to: string; from: string }
/** Changes the version; `meanwhile` is what happens while it does so. */
const change = (memory: Memory, meanwhile = async (): Promise<void> => {}): Runbook<object> => ({
  name: 'change',
  title: `From ${memory.from} to ${memory.to}`,
  memory,
  steps: [
    {
      id: 'swap',
      title: 'Swap',
      why: '',
      check: async () => false,
      async apply() {
        world.done.push(`apply ${memory.to}`)
        world.version = memory.to
        await meanwhile()
        return { ok: true }
      },
      async undo() {
        world.done.push(`undo ${memory.to}`)
        world.version = memory.from
        return { ok: true }
      },
    },
  ],
})
const to = (version: string, meanwhile?: () => Promise<void>): Runbook<object> =>
  change({ to: version, from: world.version }, meanwhile)

const kind = (resumes: boolean): RunbookKind => ({
  deserialize: memory => change(memory as unknown as Memory),
  resumes: () => resumes,
})
const create = (resumes = false): RunbookRunner =>
  createRunner({
    home,
    clock,
    kinds: { change: kind(resumes) },
    report: ({ file }) => told.push(`set aside ${file}`),
    onClosed: ({ title }) => told.push(`closed ${title}`),
    log: () => {},
    onChange: () => {},
  })

const names = async (): Promise<string[]> => (await readdir(folder)).sort()
const entriesOf = async (name: string): Promise<Entry[]> =>
  (await readFile(join(folder, name), 'utf8'))
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Entry)

/** The newest journal cannot be written, nor read; gives back what ends that. */
async function breakJournal(): Promise<() => Promise<void>> {
  const file = join(folder, (await names()).at(-1) ?? '')
  await rename(file, join(home, 'hidden'))
  await mkdir(file)
  return async () => {
    await rmdir(file)
    await rename(join(home, 'hidden'), file)
  }
}

/** A run to B that broke off while it changed the version. */
async function brokenOff(runbooks: RunbookRunner): Promise<() => Promise<void>> {
  let mend = async (): Promise<void> => {}
  const begun = await runbooks.start(
    to('B', async () => {
      mend = await breakJournal()
    }),
    'cli',
  )
  if (!begun.ok) throw new Error(begun.error.code)
  await eventually(() => runbooks.current()?.question)
  return mend
}

describe('a run that broke off', () => {
  it('is told as failed to who follows it, and is the one under way: nothing else begins', async () => {
    const runbooks = create()
    await brokenOff(runbooks)
    expect(await runbooks.lines(undefined, 0, 0)).toMatchObject({
      value: { end: { result: 'failed', error: { code: 'journal-unwritable' } } },
    })
    expect(runbooks.current()).toMatchObject({
      title: 'From A to B',
      question: { confirm: 'Bring it to its end', triesAgain: true },
    })
    expect(await runbooks.start(to('C'), 'cli')).toEqual({
      ok: false,
      error: {
        code: 'run-broken-off',
        run: runbooks.current()?.run,
        title: 'From A to B',
        reason: 'What is done cannot be written down, so nothing more is done.',
      },
    })
    expect(world.done).toEqual(['apply B'])
  })

  it.each([
    [true, 'done', 'B', ['apply B', 'apply B']],
    [false, 'cancelled', 'A', ['apply B', 'undo B']],
  ])('is brought to its end by itself, resumes: %s', async (resumes, result, version, done) => {
    const runbooks = create(resumes)
    const mend = await brokenOff(runbooks)
    await clock.advance(2_000)
    await eventually(() => clock.pending().length === 1)
    expect(world.done).toEqual(['apply B'])
    await mend()
    await clock.advance(4_000)
    await eventually(() => runbooks.current() === undefined)
    expect(world).toEqual({ version, done })
    expect(await runbooks.history()).toMatchObject([{ result }])
    expect(clock.pending()).toEqual([])
    expect((await runbooks.start(to('C'), 'cli')).ok).toBe(true)
    await eventually(() => runbooks.current() === undefined)
    expect(await create().interrupted()).toBeUndefined()
    expect(world.version).toBe('C')
  })

  it('is brought to its end at once when that is asked for', async () => {
    const runbooks = create(true)
    const mend = await brokenOff(runbooks)
    await mend()
    expect(runbooks.answer(runbooks.current()?.question?.id ?? '', true, { by: 'the window' }).ok).toBe(true)
    await eventually(() => runbooks.current() === undefined)
    expect(world.version).toBe('B')
  })

  it('goes back when it is cancelled meanwhile', async () => {
    const runbooks = create(true)
    const mend = await brokenOff(runbooks)
    expect(runbooks.cancel().ok).toBe(true)
    await mend()
    await clock.advance(2_000)
    await eventually(() => runbooks.current() === undefined)
    expect(world).toMatchObject({ version: 'A', done: ['apply B', 'undo B'] })
  })

  it('is tried again less and less often, and not any more once the app ends', async () => {
    const runbooks = create()
    await brokenOff(runbooks)
    const waits: number[] = []
    for (let at = clock.now(); waits.length < 7; at = clock.now()) {
      const [next = 0] = await eventually(() => (clock.pending().length === 1 ? clock.pending() : undefined))
      waits.push(next - at)
      await clock.advance(next - at)
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    await eventually(() => clock.pending().length === 1)
    runbooks.close()
    expect(clock.pending()).toEqual([])
  })
})

describe('the next start of the app', () => {
  it('never takes up a run that a later one overtook: it is closed as it was left, and told', async () => {
    const first = create()
    const mend = await brokenOff(first)
    first.close()
    await mend()
    // Written by a version of the app that let another run begin.
    const [older = ''] = await names()
    await writeFile(
      join(folder, '99990101T000000000Z-change-aaaa.jsonl'),
      `${await readFile(join(folder, older), 'utf8')}{"kind":"ended","at":1,"result":"done"}\n`,
    )
    world = { version: 'C', done: [] }
    const runbooks = create()
    expect(await runbooks.interrupted()).toBeUndefined()
    expect(runbooks.current()).toBeUndefined()
    expect(world).toEqual({ version: 'C', done: [] })
    expect((await entriesOf(older)).at(-1)).toMatchObject({
      kind: 'ended',
      result: 'failed',
      error: { code: 'overtaken', words: expect.stringContaining('nothing of it is taken back') },
    })
    expect(told).toEqual(['closed From A to B'])
    told = []
    expect(await create().interrupted()).toBeUndefined()
    expect(told).toEqual([])
  })

  it('does not begin a run from its start whose journal cannot be read, and sets it not aside', async () => {
    const first = create()
    const mend = await brokenOff(first)
    first.close()
    world.done = []
    const runbooks = create()
    expect(await runbooks.interrupted()).toBeUndefined()
    expect(runbooks.blocked()).toMatchObject({
      code: 'run-broken-off',
      reason: expect.stringContaining('it is a folder'),
    })
    expect(world.done).toEqual([])
    expect(told).toEqual([])
    await mend()
    await clock.advance(2_000)
    await eventually(() => runbooks.current() === undefined)
    expect(world).toEqual({ version: 'A', done: ['undo B'] })
  })

  it('sets nothing aside, and begins nothing, where the folder of journals cannot be read', async () => {
    await writeFile(folder, 'no folder')
    const runbooks = create()
    expect(await runbooks.interrupted()).toBeUndefined()
    expect(await runbooks.start(to('B'), 'cli')).toMatchObject({ error: { code: 'run-broken-off' } })
    await rm(folder)
    await clock.advance(2_000)
    await eventually(() => runbooks.current() === undefined)
    expect((await runbooks.start(to('B'), 'cli')).ok).toBe(true)
    await eventually(() => runbooks.current() === undefined)
  })

  it('finds the newest run also after the clock was set back', async () => {
    const runbooks = create()
    for (const version of ['B', 'C']) {
      expect((await runbooks.start(to(version), 'cli')).ok).toBe(true)
      await eventually(() => runbooks.current() === undefined)
      clock = fakeClock(clock.now() - 3_600_000)
    }
    const later = create()
    expect((await later.start(to('D'), 'cli')).ok).toBe(true)
    await eventually(() => later.current() === undefined)
    const last = await entriesOf((await names()).at(-1) ?? '')
    expect(last[0]).toMatchObject({ title: 'From C to D' })
  })
})
