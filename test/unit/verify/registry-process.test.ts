import { expect, it } from 'vitest'
import type { ProcessState } from '../../../contract/registry-state.ts'
import { fail, ok } from '../../../contract/result.ts'
import { serveAgainWithin, serveWithin } from '../../../core/verify/registry-process.ts'
import { fakeClock } from '../../fakes/clock.ts'

const exit = { kind: 'code', code: 2 } as const
const waiting = {
  kind: 'backing-off',
  since: 0,
  attempt: 1,
  until: 10_000,
  exit,
  lastLines: [],
  waits: [],
  lastWord: 'no issuer',
  waitsFor: 'identity-provider',
} satisfies ProcessState
const serving: ProcessState = { kind: 'serving', since: 0, pid: 9, startedAt: 0, adopted: false }

/** A supervisor that answers as its state says, and counts what is asked. */
function supervisorIn(state: ProcessState) {
  const listeners = new Set<() => void>()
  const supervisor = {
    starts: 0,
    state: () => state,
    become(next: ProcessState) {
      state = next
      for (const listener of listeners) listener()
    },
    async start() {
      supervisor.starts += 1
      if (state.kind === 'serving') return ok(state)
      const { lastWord, waitsFor } = waiting
      return fail({ code: 'start-failed' as const, exit, lastLines: [], lastWord, waitsFor })
    },
    stop: async () => ok(state),
    tail: async () => [],
    onChange(listener: () => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return { supervisor, listeners }
}

const waitsForIt = {
  ok: false,
  error: { code: 'waits-for-other', words: 'It waits for the identity provider.', detail: 'no issuer' },
}

it('a start that waits for something outside fails at once, because what served before may need nothing', async () => {
  const { supervisor } = supervisorIn(waiting)
  expect(await serveWithin({ supervisor, clock: fakeClock() }, 60_000)).toEqual(waitsForIt)
})

it('a start on the way back outlasts such a wait, within its time', async () => {
  const clock = fakeClock()
  const { supervisor, listeners } = supervisorIn(waiting)
  const served = serveAgainWithin({ supervisor, clock }, 60_000)
  await clock.advance(20_000)
  supervisor.become({
    kind: 'starting',
    since: 0,
    cause: 'start-failed',
    deadline: 9,
    waitsFor: 'identity-provider',
  })
  await clock.advance(1000)
  expect(supervisor.starts).toBe(1)
  supervisor.become(serving)
  expect(await served).toEqual({ ok: true })
  expect(listeners.size).toBe(0)
})

it('one that waits for too long says for what, and nothing is started after that', async () => {
  const clock = fakeClock()
  const { supervisor, listeners } = supervisorIn(waiting)
  const served = serveAgainWithin({ supervisor, clock }, 60_000)
  await clock.advance(60_000)
  expect(await served).toEqual(waitsForIt)
  supervisor.become({ kind: 'stopped', since: 0, why: 'asked' })
  await clock.advance(1000)
  expect({ starts: supervisor.starts, listeners: listeners.size }).toEqual({ starts: 1, listeners: 0 })
})

it('a start that failed while config.json was written is tried again, and nobody is blamed where that never ends', async () => {
  const failed = fail({ code: 'start-failed' as const, exit, lastLines: [] })
  const { supervisor } = supervisorIn(serving)
  let [writes, servesAt, starts] = [2, 3, 0]
  const deps = {
    clock: fakeClock(),
    configStamp: async () => String(Math.min(starts, writes)),
    supervisor: {
      ...supervisor,
      async start() {
        starts += 1
        return starts >= servesAt ? ok(serving) : failed
      },
    },
  }
  expect(await serveWithin(deps, 60_000)).toMatchObject({ ok: true })
  expect(starts).toBe(3)
  ;[writes, servesAt, starts] = [0, 3, 0]
  expect(await serveWithin(deps, 60_000)).toMatchObject({ error: { code: 'start-failed' } })
  ;[writes, servesAt, starts] = [100, 100, 0]
  expect(await serveAgainWithin(deps, 60_000)).toMatchObject({ error: { code: 'config-edited-meanwhile' } })
})
