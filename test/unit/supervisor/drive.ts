import type { Exit } from '../../../contract/failure.ts'
import { step } from '../../../core/supervisor/machine.ts'
import { type Policy, standardPolicy } from '../../../core/supervisor/policy.ts'
import { publicState } from '../../../core/supervisor/public-state.ts'
import {
  type CheckResult,
  type Effect,
  type Ending,
  type Event,
  firstState,
  type RegistryProcess,
  type State,
  type Target,
  type UntimedEvent,
} from '../../../core/supervisor/state.ts'

export const target: Target = { url: 'http://127.0.0.1:5050', host: '127.0.0.1', port: 5050 }
export const processOf = (pid: number, startedAt = 0, adopted = false): RegistryProcess => ({
  pid,
  startedAt,
  adopted,
  target,
  logFrom: 0,
})
export const free: CheckResult = { kind: 'free', target }
export const code = (n: number): Exit => ({ kind: 'code', code: n })

/** A state that is told events at given times, and remembers the effects of the last one. */
export function drive({ drainsItself = true, policy = standardPolicy as Policy, jitterRatio = 0 } = {}) {
  const numbers = { ...policy, jitterRatio }
  let state: State = firstState(0)
  let at = 0
  let effects: Effect[] = []
  const all: Effect[] = []
  const machine = {
    at: () => at,
    stage: () => state.stage,
    memory: () => state.memory,
    state: () => publicState(state, numbers),
    effects: () => effects.map(effect => effect.do),
    last: <D extends Effect['do']>(what: D) =>
      effects.findLast((effect): effect is Extract<Effect, { do: D }> => effect.do === what),
    journal: () => all.flatMap(effect => (effect.do === 'journal' ? [effect.entry] : [])),
    later(ms: number) {
      at += ms
      return machine
    },
    dispatch(event: UntimedEvent) {
      const before = structuredClone(state)
      const next = step(state, { ...event, at } as Event, numbers, drainsItself)
      if (JSON.stringify(before) !== JSON.stringify(state)) throw new Error('step changed its input')
      state = next.state
      effects = next.effects
      all.push(...effects)
      return machine
    },
    tick: (ms: number) => machine.later(ms).dispatch({ kind: 'tick' }),
    checked(result: CheckResult) {
      return machine.dispatch({ kind: 'checked', serial: state.memory.checkSerial, result })
    },
    spawned: (pid: number) => machine.dispatch({ kind: 'spawned', registry: processOf(pid, at) }),
    exit(pid: number, exit: Exit = code(1), lastLines: string[] = ['last words']) {
      return machine.ended(pid, { exit, lastLines })
    },
    ended: (pid: number, ending: Ending) => machine.dispatch({ kind: 'exited', pid, jitter: 0.5, ...ending }),
    listed: (pid: number, ...bytes: number[]) =>
      machine.dispatch({
        kind: 'uploads-seen',
        pid,
        pushes: bytes.map(n => ({ repository: 'a', bytes: n })),
      }),
    /** From a check that is under way to serving, in 200 ms. */
    up: (pid: number) => machine.checked(free).spawned(pid).later(200).dispatch({ kind: 'ready', pid }),
    serving: (pid: number) => machine.dispatch({ kind: 'app-started' }).up(pid),
  }
  return machine
}
