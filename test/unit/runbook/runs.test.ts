import { appendFile, copyFile, mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noticeMessage } from '../../../contract/messages/notice-message.ts'
import type { ProcessState } from '../../../contract/registry-state.ts'
import { ok } from '../../../contract/result.ts'
import type { Notice } from '../../../contract/snapshot.ts'
import type { RunbookKind } from '../../../core/runbook/runbook-kind.ts'
import { createRuns, type Runs } from '../../../core/runbook/runs.ts'
import type { Runbook, StepResult } from '../../../core/runbook/step.ts'
import { type Clock, systemClock } from '../../../lib/clock.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'
import { servingState } from '../../fakes/host.ts'

let home: string
/** What was done to the registry, and by which run, in order. */
let done: string[]
let state: ProcessState
let notices: Notice[]
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-runs-'))
  done = []
  notices = []
  state = servingState
})
afterEach(() => rm(home, { recursive: true, force: true }))

const stopped: ProcessState = { kind: 'stopped', since: 0, why: 'asked' }
const runs = (clock: Clock = systemClock()): Runs =>
  createRuns({
    home,
    clock,
    supervisor: {
      begin: async () => void done.push('begin'),
      async start() {
        done.push('start')
        state = servingState
        return ok(state)
      },
      state: () => state,
    },
    report: () => {},
    notify: notice => void notices.push(notice),
    log: () => {},
    onChange: () => {},
  })

const runbook = (name: string, apply: () => Promise<StepResult>): Runbook<object> => ({
  name,
  title: `A ${name}`,
  memory: { name },
  steps: [{ id: 'one', title: 'One', why: '', check: async () => false, apply }],
})
const kind = (name: string, more: Partial<RunbookKind> = {}): Record<string, RunbookKind> => ({
  [name]: {
    deserialize: () =>
      runbook(name, async () => {
        done.push(name)
        return { ok: true }
      }),
    resumes: () => true,
    ...more,
  },
})

/** A run of this kind is under way, and then the app is gone. */
async function cutOff(name: string): Promise<void> {
  const first = runs()
  await first.start(
    runbook(name, () => new Promise(() => {})),
    'cli',
  )
  await eventually(() => first.current()?.step?.phase === 'apply')
  first.close()
}

describe('a run that broke off', () => {
  /** Breaks the journal of the only run; gives back what ends that. */
  async function breakJournal(): Promise<() => Promise<void>> {
    const [name = ''] = await readdir(join(home, 'runbooks'))
    const file = join(home, 'runbooks', name)
    await rename(file, join(home, 'hidden'))
    await mkdir(file)
    return async () => {
      await rmdir(file)
      await rename(join(home, 'hidden'), file)
    }
  }

  it.each([
    ['served before', servingState, ['meanwhile', 'start', 'recover in this life, serves true', 'a']],
    ['had been stopped', stopped, ['recover in this life, serves false', 'a']],
  ])('is taken up by its kind; a registry that %s', async (_, before, expected) => {
    const clock = fakeClock()
    const one = runs(clock)
    one.register(
      kind('a', {
        servesMeanwhile: async () => void done.push('meanwhile'),
        async recover({ inThisLife, serves, resume }) {
          done.push(`recover ${inThisLife ? 'in this life' : 'later'}, serves ${serves}`)
          await resume()
        },
      }),
    )
    state = before
    let mend = async (): Promise<void> => {}
    await one.start(
      runbook('a', async () => {
        mend = await breakJournal()
        state = stopped
        return { ok: true }
      }),
      'cli',
    )
    await eventually(() => one.current()?.question)
    expect(done).toEqual([])
    // The registry is away for the first try alone.
    await clock.advance(2_000)
    await eventually(() => clock.pending().length === 1)
    await mend()
    await clock.advance(4_000)
    await eventually(() => one.current() === undefined)
    expect(done).toEqual(expected)
  })
})

describe('the runs of several kinds', () => {
  it('bring the registry up also where a run that was cut off cannot be taken up', async () => {
    await cutOff('b')
    state = stopped
    const next = runs()
    next.register(kind('b', { recover: () => Promise.reject(new Error('its disk is broken')) }))
    await next.begin()
    expect(done).toEqual(['begin'])
    next.close()
  })

  it('bring the registry up first, then the run that was cut off, by its own kind', async () => {
    await cutOff('b')
    const next = runs()
    next.register(kind('a'))
    next.register(kind('b'))
    await next.begin()
    await eventually(() => next.current() === undefined)
    expect(done).toEqual(['begin', 'b'])
    expect(await next.handlers.runbooks.history({}, 'cli')).toMatchObject({
      value: { runs: [{ runbook: 'b', result: 'done' }] },
    })
  })

  it('know of it before the registry is up, so that no other one begins beside it', async () => {
    await cutOff('a')
    const next = runs()
    next.register(kind('a'))
    await next.findInterrupted()
    expect(next.current()).toMatchObject({ runbook: 'a' })
    const other = runbook('b', async () => ({ ok: true }))
    expect(await next.start(other, 'cli')).toMatchObject({ error: { code: 'busy', with: 'A a' } })
    await next.begin()
    await eventually(() => next.current() === undefined)
    expect(done).toEqual(['begin', 'a'])
  })

  it('start a registry that such a run left stopped', async () => {
    await cutOff('a')
    state = stopped
    const next = runs()
    next.register(kind('a'))
    await next.begin()
    await eventually(() => done.includes('start'))
    expect(done).toEqual(['begin', 'a', 'start'])
  })

  it('leave it to a kind that recovers by itself', async () => {
    await cutOff('a')
    const next = runs()
    next.register(
      kind('a', {
        async recover(interrupted) {
          done.push(`recover ${interrupted.runbook}, resumes ${interrupted.resumes}`)
          await interrupted.resume()
        },
      }),
    )
    await next.begin()
    expect(done).toEqual(['recover a, resumes true', 'a'])
  })

  it('only bring the registry up when nothing was cut off, or its kind is not known any more', async () => {
    await runs().begin()
    await cutOff('gone')
    await runs().begin()
    expect(done).toEqual(['begin', 'begin'])
  })

  it('tell of an older run that a later one overtook', async () => {
    await cutOff('a')
    const [older = ''] = await readdir(join(home, 'runbooks'))
    const name = '99990101T000000000Z-b-aaaa.jsonl'
    await copyFile(join(home, 'runbooks', older), join(home, 'runbooks', name))
    await appendFile(join(home, 'runbooks', name), '{"kind":"ended","at":1,"result":"done"}\n')
    await runs().begin()
    expect(done).toEqual(['begin'])
    expect(notices).toMatchObject([{ kind: 'run-overtaken', title: 'A a', run: older.slice(0, -6) }])
    expect(notices.map(notice => noticeMessage(notice).detail).join()).toContain(
      'nothing of it is taken back',
    )
  })

  it('do not begin while something else holds them off, which does not begin while they are under way', async () => {
    const one = runs()
    const work = runbook('a', () => new Promise(() => {}))
    const busy = { ok: false, error: { code: 'busy', with: 'a restore' } }
    const refused: unknown[] = []
    const restore = (end: () => Promise<void>) =>
      one.exclusively('a restore', async () => {
        refused.push(await one.start(work, 'cli'), await one.exclusively('another', async () => ok(1)))
        refused.push(one.busyWith())
        await end()
        return ok('restored')
      })
    expect(await restore(async () => {})).toEqual(ok('restored'))
    await expect(restore(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(refused).toEqual([busy, busy, 'a restore', busy, busy, 'a restore'])
    const starting = one.start(work, 'cli')
    expect(await restore(async () => {})).toMatchObject({ error: { code: 'busy' } })
    expect(await starting).toMatchObject({ ok: true })
    expect(await restore(async () => {})).toMatchObject({ error: { code: 'busy', with: 'A a' } })
    expect(one.busyWith()).toBe('A a')
    one.close()
  })

  it('show no run before the first', async () => {
    expect(await runs().handlers.runbooks.show({}, 'page')).toEqual({
      ok: false,
      error: { code: 'nothing-under-way' },
    })
  })
})
