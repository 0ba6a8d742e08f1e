import { unreachable } from '../../contract/result.ts'
import type { Policy } from './policy.ts'
import type { Event, Next, State } from './state.ts'
import { stepServing } from './step-serving.ts'
import { stepChecking, stepLaunching, stepStarting } from './step-starting.ts'
import { stepDraining, stepStopping } from './step-stopping.ts'
import { stepFailed, stepForeign, stepStopped, stepUndecided, stepWaiting } from './step-waiting.ts'

/**
 * Decides everything about the process and performs nothing: the state after the event, and what is to be done.
 * State and effects are plain data. An event about a process or a check of the past changes nothing.
 * `drainsItself`: SIGTERM starts the engine's own drain; otherwise pushes are waited for before it.
 */
export function step(state: State, event: Event, policy: Policy, drainsItself: boolean): Next {
  const { stage } = state
  switch (stage.kind) {
    case 'stopped':
      return stepStopped(state, event, policy)
    case 'checking':
      return stepChecking(state, stage, event, policy, drainsItself)
    case 'launching':
      return stepLaunching(state, stage, event, policy)
    case 'starting':
      return stepStarting(state, stage, event, policy)
    case 'serving':
      return stepServing(state, stage, event, policy, drainsItself)
    case 'draining':
      return stepDraining(state, stage, event, policy, drainsItself)
    case 'stopping':
      return stepStopping(state, stage, event, policy)
    case 'backing-off':
    case 'crash-looping':
      return stepWaiting(state, stage, event, policy)
    case 'foreign':
      return stepForeign(state, stage, event, policy)
    case 'undecided':
      return stepUndecided(state, stage, event, policy)
    case 'failed':
      return stepFailed(state, stage, event, policy)
    default:
      return unreachable(stage)
  }
}
