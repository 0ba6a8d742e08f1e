import type { Cause, JournalEntry } from '../../contract/registry-state.ts'
import { unreachable } from '../../contract/result.ts'
import { beginDrain, kill, stepDraining, stepStopping, terminate } from './machine-stopping.ts'
import { stepFailed, stepForeign, stepRestarting, stepStopped, stepUndecided } from './machine-waiting.ts'
import type { Policy } from './policy.ts'
import type { Effect, Event, Memory, Next, RegistryProcess, Shutdown, StageOf, State } from './state.ts'
import {
  afterCheck,
  afterUnaskedExit,
  stopped,
  transition,
  unaskedCause,
  unchanged,
  withoutLastEnd,
} from './transitions.ts'

/**
 * Decides everything about the process and performs nothing: the state after the event, and the effects to perform.
 * State and effects are plain data. Events about an earlier process or check change nothing.
 * `drainsItself`: SIGTERM starts the engine's own drain; otherwise pushes are waited for before it.
 */
export function step(state: State, event: Event, policy: Policy, drainsItself: boolean): Next {
  const { stage } = state
  switch (stage.kind) {
    case 'stopped':
      return stepStopped(state, stage, event, policy)
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
      return stepRestarting(state, stage, event, policy)
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

/** The check before a start is under way. A stop waits for its result: it may find a process that has to be stopped. */
function stepChecking(
  state: State,
  stage: StageOf<'checking'>,
  event: Event,
  policy: Policy,
  drainsItself: boolean,
): Next {
  const { memory } = state
  const { goal, since, cause, deadline } = stage
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return goal === 'quit'
        ? unchanged(state)
        : transition(memory, { kind: 'checking', since, cause, deadline })
    case 'stop-asked':
      return transition(memory, { ...stage, goal: goal === 'quit' ? 'quit' : event.goal })
    case 'checked': {
      if (event.serial !== memory.checkSerial) return unchanged(state)
      const { result, at } = event
      if (goal === undefined) return afterCheck(memory, { since, cause, deadline }, result, at, policy)
      if (result.kind !== 'ours') return stopped(memory, goal, at)
      return beginDrain(memory, result.registry, at, goal, at, policy, drainsItself)
    }
    default:
      return unchanged(state)
  }
}

/** The spawn was asked for; its answer comes before any other event. */
function stepLaunching(state: State, stage: StageOf<'launching'>, event: Event, policy: Policy): Next {
  const { memory } = state
  const { since, cause, deadline, target } = stage
  switch (event.kind) {
    case 'spawned': {
      const { registry } = event
      return transition(memory, { kind: 'starting', since, cause, deadline, registry, ownsPort: false })
    }
    case 'spawn-failed': {
      const { error, at, jitter, reason } = event
      if (error !== undefined)
        return transition(withoutLastEnd(memory), {
          kind: 'failed',
          since: at,
          error,
          retryAt: at + policy.loopRetryMs,
        })
      const exit = { kind: 'not-spawned' as const, reason }
      const ended = { cause: 'start-failed' as const, exit, lastLines: [], at, jitter, target }
      return afterUnaskedExit(memory, ended, policy)
    }
    default:
      return unchanged(state)
  }
}

/** A process lives and has not answered yet. */
function stepStarting(state: State, stage: StageOf<'starting'>, event: Event, policy: Policy): Next {
  const { memory } = state
  const { registry } = stage
  const shutdown = { registry, since: event.at, servingSince: event.at, pushes: [] }
  switch (event.kind) {
    case 'ready':
      return event.pid === registry.pid ? serving(memory, registry, stage.cause, event.at) : unchanged(state)
    case 'exited': {
      if (event.pid !== registry.pid) return unchanged(state)
      const { target } = registry
      const cause = unaskedCause(event.exit) === 'crashed' ? 'start-failed' : 'ended-by-itself'
      return afterUnaskedExit(memory, { ...event, cause, registry, target }, policy)
    }
    case 'stop-asked': {
      const killAfterMs = event.withinMs ?? policy.killAfterMs
      return terminate(memory, { ...shutdown, goal: event.goal }, event.at, killAfterMs)
    }
    case 'restart-asked':
      // A start that is under way is as fresh as a restart; only `now` begins again.
      return event.now
        ? terminate(memory, { ...shutdown, goal: 'restart' }, event.at, policy.killAfterMs)
        : unchanged(state)
    case 'woke':
      return transition(memory, {
        ...stage,
        deadline: Math.max(stage.deadline, event.at + policy.startTimeoutMs),
      })
    case 'tick':
      return event.at < stage.deadline ? unchanged(state) : afterSlowStart(state, stage, event.at, policy)
    default:
      return unchanged(state)
  }
}

/** One that owns its port and does not answer hangs; any other is given up, and its last lines are reported. */
function afterSlowStart({ memory }: State, stage: StageOf<'starting'>, at: number, policy: Policy): Next {
  const shutdown = restartOf(stage.registry, at, at)
  if (stage.ownsPort) return kill(memory, shutdown, 'hung', at, stage.since)
  const next = terminate(memory, shutdown, at, policy.killAfterMs)
  const { stage: stopping } = next.state
  if (stopping.kind !== 'stopping') return next
  return transition(memory, { ...stopping, cause: 'start-failed', tooSlow: true }, ...next.effects)
}

/** It answers: the journal gets the length of every outage that ends now. */
function serving(memory: Memory, registry: RegistryProcess, cause: Cause, at: number): Next {
  const outages = memory.openOutages.map(({ entry, since }): Effect => {
    return { do: 'journal', entry: { ...entry, downMs: Math.max(0, at - since) } }
  })
  const started: JournalEntry = {
    id: `${at.toString(36)}-${memory.checkSerial}`,
    at,
    cause,
    pid: registry.pid,
    lastLines: [],
  }
  // A start that ends an outage needs no line of its own: the line of the outage says so.
  const entries: Effect[] =
    outages.length > 0 && cause !== 'adopted' ? outages : [...outages, { do: 'journal', entry: started }]
  const after = { ...withoutLastEnd(memory), openOutages: [] }
  return transition(after, { kind: 'serving', since: at, registry }, ...entries)
}

/** It answered its readiness probe, and lives. */
function stepServing(
  state: State,
  stage: StageOf<'serving'>,
  event: Event,
  policy: Policy,
  drainsItself: boolean,
): Next {
  const { memory } = state
  const { registry, since } = stage
  const { at } = event
  if ('pid' in event && event.pid !== registry.pid) return unchanged(state)
  switch (event.kind) {
    case 'exited': {
      const { target } = registry
      const cause = unaskedCause(event.exit)
      return afterUnaskedExit(memory, { ...event, cause, registry, target, servingSince: since }, policy)
    }
    case 'stop-asked':
      if (event.withinMs !== undefined) {
        const shutdown = { registry, since: at, servingSince: since, goal: event.goal, pushes: [] }
        return terminate(memory, shutdown, at, event.withinMs)
      }
      return beginDrain(memory, registry, since, event.goal, at, policy, drainsItself)
    case 'restart-asked': {
      if (!event.now) return beginDrain(memory, registry, since, 'restart', at, policy, drainsItself)
      const killAfterMs = drainsItself ? policy.killAfterNowMs : policy.killAfterMs
      return terminate(memory, restartOf(registry, at, since), at, killAfterMs)
    }
    case 'silent': {
      const { silence } = event
      return transition(memory, {
        kind: 'serving',
        since,
        registry,
        ...(silence === undefined ? {} : { silence }),
      })
    }
    case 'woke':
      // Misses from before the sleep do not count: it is asked anew.
      return transition(memory, { kind: 'serving', since, registry })
    case 'data-lost':
      // Pushes under way cannot finish, as their folder is gone.
      return terminate(memory, restartOf(registry, at, since), at, policy.killAfterNowMs, 'data-lost')
    case 'hung':
      return kill(memory, restartOf(registry, at, since), 'hung', at, event.answeredAt)
    default:
      return unchanged(state)
  }
}

const restartOf = (registry: RegistryProcess, at: number, servingSince: number): Shutdown => ({
  registry,
  since: at,
  servingSince,
  goal: 'restart',
  pushes: [],
})
