import { afterUnaskedExit, transition, unaskedCause, unchanged } from './ending.ts'
import type { Policy } from './policy.ts'
import type { Event, Next, Stage, State } from './state.ts'
import { beginDrain, kill, terminate } from './step-stopping.ts'

/** It answered its readiness probe, and lives. */
export function stepServing(
  state: State,
  stage: Extract<Stage, { kind: 'serving' }>,
  event: Event,
  policy: Policy,
  drainsItself: boolean,
): Next {
  const { memory } = state
  const { run, since } = stage
  switch (event.kind) {
    case 'exited': {
      if (event.pid !== run.pid) return unchanged(state)
      const { exit, lastLines, at, dice } = event
      const cause = unaskedCause(exit)
      return afterUnaskedExit(
        memory,
        { cause, exit, lastLines, at, dice, run, place: run.place, servingSince: since },
        policy,
      )
    }
    case 'stop-asked':
      if (event.withinMs !== undefined) {
        const ending = { run, since: event.at, servingSince: since, goal: event.goal, pushes: [] }
        return terminate(memory, ending, event.at, { ...policy, killAfterMs: event.withinMs })
      }
      return beginDrain(memory, run, since, event.goal, event.at, policy, drainsItself)
    case 'restart-asked': {
      if (!event.now) return beginDrain(memory, run, since, 'restart', event.at, policy, drainsItself)
      const ending = { run, since: event.at, servingSince: since, goal: 'restart' as const, pushes: [] }
      const limit = drainsItself ? policy.killAfterNowMs : policy.killAfterMs
      return terminate(memory, ending, event.at, { ...policy, killAfterMs: limit })
    }
    case 'silent':
      if (event.pid !== run.pid) return unchanged(state)
      return transition(memory, {
        kind: 'serving',
        since,
        run,
        ...(event.silence === undefined ? {} : { silence: event.silence }),
      })
    case 'woke':
      // What was missed before the computer slept does not count: it is asked anew.
      return transition(memory, { kind: 'serving', since, run })
    case 'data-lost': {
      if (event.pid !== run.pid) return unchanged(state)
      const ending = { run, since: event.at, servingSince: since, goal: 'restart' as const, pushes: [] }
      // What is under way cannot be finished: there is nothing to write it to.
      return terminate(
        memory,
        ending,
        event.at,
        { ...policy, killAfterMs: policy.killAfterNowMs },
        'data-lost',
      )
    }
    case 'hung': {
      if (event.pid !== run.pid) return unchanged(state)
      const ending = { run, since: event.at, servingSince: since, goal: 'restart' as const, pushes: [] }
      return kill(memory, ending, 'hung', event.at, event.answeredAt)
    }
    default:
      return unchanged(state)
  }
}
