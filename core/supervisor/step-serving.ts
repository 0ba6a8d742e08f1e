import { same, to, unasked, unaskedCause } from './ending.ts'
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
      if (event.pid !== run.pid) return same(state)
      const { exit, lastLines, at, dice } = event
      const cause = unaskedCause(exit)
      return unasked(
        memory,
        { cause, exit, lastLines, at, dice, run, place: run.place, servingSince: since },
        policy,
      )
    }
    case 'stop-asked':
      if (event.withinMs !== undefined) {
        const ending = { run, since: event.at, servingSince: since, goal: event.goal, pushes: [] }
        return terminate(memory, ending, event.at, { ...policy, killAfter: event.withinMs })
      }
      return beginDrain(memory, run, since, event.goal, event.at, policy, drainsItself)
    case 'restart-asked': {
      if (!event.now) return beginDrain(memory, run, since, 'restart', event.at, policy, drainsItself)
      const ending = { run, since: event.at, servingSince: since, goal: 'restart' as const, pushes: [] }
      const limit = drainsItself ? policy.killAfterNow : policy.killAfter
      return terminate(memory, ending, event.at, { ...policy, killAfter: limit })
    }
    case 'silent':
      if (event.pid !== run.pid) return same(state)
      return to(memory, {
        kind: 'serving',
        since,
        run,
        ...(event.silence === undefined ? {} : { silence: event.silence }),
      })
    case 'woke':
      // What was missed before the computer slept does not count: it is asked anew.
      return to(memory, { kind: 'serving', since, run })
    case 'data-lost': {
      if (event.pid !== run.pid) return same(state)
      const ending = { run, since: event.at, servingSince: since, goal: 'restart' as const, pushes: [] }
      // What is under way cannot be finished: there is nothing to write it to.
      return terminate(memory, ending, event.at, { ...policy, killAfter: policy.killAfterNow }, 'data-lost')
    }
    case 'hung': {
      if (event.pid !== run.pid) return same(state)
      const ending = { run, since: event.at, servingSince: since, goal: 'restart' as const, pushes: [] }
      return kill(memory, ending, 'hung', event.at, event.answeredAt)
    }
    default:
      return same(state)
  }
}
