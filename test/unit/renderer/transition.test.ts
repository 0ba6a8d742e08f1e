import { describe, expect, it } from 'vitest'
import type { ProcessState } from '../../../contract/registry-state.ts'
import { downMsOf, nextTransition, type Transition } from '../../../renderer/bridge/transition.ts'

type Of<K extends ProcessState['kind']> = Extract<ProcessState, { kind: K }>

const serving = (pid: number, since: number): Of<'serving'> => ({
  kind: 'serving',
  since,
  pid,
  startedAt: since,
  adopted: false,
})
const draining = (since: number, then: 'restart' | 'stopped' | 'quit' = 'restart'): ProcessState => ({
  kind: 'draining',
  since,
  pid: 1,
  until: since + 15_000,
  then,
  pushes: [],
  cancellable: true,
})
const stopping = (since: number, then: 'restart' | 'stopped' = 'restart'): ProcessState => ({
  kind: 'stopping',
  since,
  pid: 1,
  killAt: since + 20_000,
  then,
})
const starting = (since: number): ProcessState => ({
  kind: 'starting',
  since,
  cause: 'asked-restart',
  deadline: since + 300_000,
})
const through = (...states: ProcessState[]): Transition | undefined =>
  states.reduce<Transition | undefined>((transition, state) => nextTransition(transition, state), undefined)

describe('the transition of a restart', () => {
  it('gives each step its time, and ends when a new process serves', () => {
    const transition = through(serving(1, 0), draining(100), stopping(400), starting(500), serving(2, 900))
    expect(transition?.endedAt).toBe(900)
    expect(transition?.steps).toEqual([
      { name: 'finish', since: 100, endedAt: 400 },
      { name: 'stop', since: 400, endedAt: 500 },
      { name: 'start', since: 500, endedAt: 900 },
      { name: 'serve', since: 900 },
    ])
  })

  it('does without the states that nobody saw', () => {
    const transition = through(draining(100), serving(2, 900))
    expect(transition?.endedAt).toBe(900)
    expect(transition?.steps.find(step => step.name === 'start')).toEqual({ name: 'start' })
  })

  it('is dropped when it is cancelled, when the start fails, and on the way to quitting', () => {
    expect(through(draining(100), serving(1, 0))).toBeUndefined()
    expect(
      through(draining(100), stopping(200), starting(300), {
        kind: 'failed',
        since: 400,
        error: { code: 'engine-missing', path: '/x' },
      }),
    ).toBeUndefined()
    expect(through(draining(100, 'quit'))).toBeUndefined()
  })

  it('is not one where the registry starts after a crash', () => {
    expect(through(serving(1, 0), { ...starting(100), cause: 'crashed' } as ProcessState)).toBeUndefined()
  })

  it('stays readable after its end until the process moves on', () => {
    const ended = through(draining(100), stopping(400), starting(500), serving(2, 900))
    expect(nextTransition(ended, serving(2, 900))).toEqual(ended)
    expect(nextTransition(ended, serving(3, 5_000))).toBeUndefined()
  })

  it('ends a stop at stopped', () => {
    const transition = through(draining(100, 'stopped'), stopping(300, 'stopped'), {
      kind: 'stopped',
      since: 450,
      why: 'asked',
    })
    expect(transition?.endedAt).toBe(450)
    expect(transition?.steps.map(step => step.name)).toEqual(['finish', 'stop'])
  })

  it('takes the time without an answer from its own journal entry', () => {
    const transition = through(draining(10_000), stopping(10_100), starting(10_200), serving(2, 10_600))
    const entry = (at: number, downMs: number) => ({
      id: String(at),
      at,
      cause: 'asked-restart' as const,
      downMs,
      lastLines: [],
    })
    expect(transition && downMsOf(transition, [entry(10_150, 410), entry(50, 900)])).toBe(410)
    expect(transition && downMsOf(transition, [entry(50, 900)])).toBeUndefined()
  })
})
