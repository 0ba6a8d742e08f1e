import { describe, expect, it } from 'vitest'
import {
  type NotificationKind,
  nothingNotified,
  notificationsFor,
} from '../../../contract/messages/notifications.ts'
import type { ProcessState } from '../../../contract/registry-state.ts'
import type { Notice, Snapshot } from '../../../contract/snapshot.ts'
import { aSnapshot, servingState } from '../../fakes/host.ts'

const exit = { kind: 'code', code: 2 } as const
const crashLooping = (since = 5): ProcessState => ({
  kind: 'crash-looping',
  since,
  exits: 5,
  windowMs: 60_000,
  retryAt: since + 60_000,
  exit,
  lastLines: [],
})
const starting: ProcessState = { kind: 'starting', since: 1, cause: 'retry', deadline: 300_000 }
const backingOff: ProcessState = {
  kind: 'backing-off',
  since: 1,
  attempt: 1,
  until: 2,
  exit,
  lastLines: [],
  waits: [],
}
const failed = (path = '/d'): ProcessState => ({
  kind: 'failed',
  since: 1,
  error: { code: 'data-read-only', path },
})
const otherFailure: ProcessState = {
  kind: 'failed',
  since: 1,
  error: { code: 'engine-missing', path: '/e' },
}
const foreign = (pid: number): ProcessState => ({ kind: 'foreign', since: 1, port: 5050, pid })
const stopped: ProcessState = { kind: 'stopped', since: 1, why: 'asked' }
const tight = (id: string): Notice => ({
  id,
  at: 1,
  kind: 'storage-nearly-full',
  freeBytes: 2_000_000_000,
  volumeBytes: 500_000_000_000,
})

/** What is told, snapshot by snapshot. */
function told(...steps: Partial<Snapshot>[]): NotificationKind[][] {
  let notified = nothingNotified
  return steps.map(step => {
    const next = notificationsFor(notified, aSnapshot(step), 10)
    notified = next.state
    return next.notifications.map(notification => notification.kind)
  })
}
const unproven = (id: string, at: number): Notice => ({
  id,
  at,
  kind: 'run-unproven',
  run: 'r1',
  title: 'Upgrade zot',
  unproven: ['pulls: 0 of 5 images could be pulled'],
})
const states = (...all: ProcessState[]) => told(...all.map(process => ({ process })))

describe('what deserves a notification', () => {
  it('is not the ordinary course of things', () => {
    expect(states(starting, servingState, backingOff, starting, servingState, stopped).flat()).toEqual([])
  })

  it.each([
    ['a crash loop', crashLooping(), 'crash-looping'],
    ['a failure', failed(), 'failed'],
    ['a program on the port', foreign(9), 'foreign'],
  ] as const)('is %s, once', (_, state, kind) => {
    expect(states(servingState, state, state, starting, state)).toEqual([[], [kind], [], [], []])
  })

  it('is a wait for something outside that lasts, and its end', () => {
    const waits = (waitingSince: number): ProcessState[] => [
      { ...backingOff, waitsFor: 'identity-provider', waitingSince } as ProcessState,
      { ...starting, waitsFor: 'identity-provider', waitingSince } as ProcessState,
    ]
    expect(states(...waits(0), ...waits(-61_000), servingState)).toEqual([
      [],
      [],
      ['waiting'],
      [],
      ['came-back'],
    ])
  })

  it('is also trouble that stands when the app starts', () => {
    expect(states(foreign(9))).toEqual([['foreign']])
  })

  it('is the same trouble again after it was over', () => {
    expect(states(failed(), starting, servingState, failed())).toEqual([['failed'], [], [], ['failed']])
    expect(states(failed(), stopped, failed())).toEqual([['failed'], [], ['failed']])
  })

  it('is another trouble in its place', () => {
    expect(states(failed(), otherFailure, foreign(1), foreign(2))).toEqual([
      ['failed'],
      ['failed'],
      ['foreign'],
      ['foreign'],
    ])
  })

  it('is that it came back, only after a crash loop', () => {
    expect(states(crashLooping(), starting, crashLooping(99), starting, servingState, servingState)).toEqual([
      ['crash-looping'],
      [],
      [],
      [],
      ['came-back'],
      [],
    ])
    expect(states(crashLooping(), failed(), servingState)).toEqual([
      ['crash-looping'],
      ['failed'],
      ['came-back'],
    ])
    expect(states(failed(), servingState)).toEqual([['failed'], []])
    expect(states(crashLooping(), stopped, starting, servingState)).toEqual([['crash-looping'], [], [], []])
  })

  it('is a disk that gets full, once per notice', () => {
    const steps = [[tight('a')], [tight('a')], [], [tight('b')]].map(notices => ({ notices }))
    expect(told(...steps)).toEqual([['storage-nearly-full'], [], [], ['storage-nearly-full']])
  })

  it('is nothing while the app quits', () => {
    expect(told({ process: failed(), quitting: true })).toEqual([[]])
  })

  it('says the headline and the reason, and how much is left', () => {
    const [notification] = notificationsFor(
      nothingNotified,
      aSnapshot({ process: foreign(9) }),
      10,
    ).notifications
    expect(notification).toMatchObject({
      title: 'Port 5050 is taken',
      body: expect.stringContaining('left alone'),
    })
    const [full] = notificationsFor(nothingNotified, aSnapshot({ notices: [tight('a')] }), 10).notifications
    expect(full?.body).toMatch(/2\.0\sGB of 500\sGB left/)
  })
})

it('tells once of a run that could not prove all of it, and not of one that ended long ago', () => {
  const notices = [unproven('run-unproven:1', 5)]
  expect(told({ notices }, { notices })).toEqual([['run-unproven'], []])
  expect(told({ notices: [unproven('run-unproven:0', -1_000_000)] })).toEqual([[]])
  const [first] = notificationsFor(nothingNotified, aSnapshot({ notices }), 10).notifications
  expect(first).toEqual({
    kind: 'run-unproven',
    title: 'Done, but not all of it is proven',
    body: 'Upgrade zot: every step is done.\nPulls: 0 of 5 images could be pulled.\nSee its steps: zotbar runbooks show r1',
  })
})
