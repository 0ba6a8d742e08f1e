import type { Cause, PushInProgress, Then } from '../../contract/registry-state.ts'
import type { Policy } from './policy.ts'
import type { Event, EventOf, Memory, Next, RegistryProcess, Shutdown, StageOf, State } from './state.ts'
import {
  afterUnaskedExit,
  askedCause,
  beginCheck,
  exitEntry,
  failedStage,
  stopped,
  transition,
  unaskedCause,
  unchanged,
  withOpenOutage,
  withoutLastEnd,
} from './transitions.ts'

/** Lets pushes under way finish. An engine that drains itself gets SIGTERM at once, another one after them. */
export function beginDrain(
  memory: Memory,
  registry: RegistryProcess,
  servingSince: number,
  goal: Then,
  at: number,
  policy: Policy,
  drainsItself: boolean,
): Next {
  const stage: StageOf<'draining'> = {
    kind: 'draining',
    registry,
    since: at,
    servingSince,
    goal,
    pushes: [],
    until: at + policy.drainTimeoutMs,
    listings: 0,
    listAt: at,
    isListing: true,
    ...(drainsItself ? { killAt: at + policy.killAfterMs } : {}),
  }
  const list = { do: 'list-uploads' as const, registry }
  return drainsItself
    ? transition(memory, stage, { do: 'signal', registry, signal: 'SIGTERM' }, list)
    : transition(memory, stage, list)
}

/** SIGTERM, and a date for SIGKILL. */
export function terminate(
  memory: Memory,
  shutdown: Shutdown,
  at: number,
  killAfterMs: number,
  cause: Cause = askedCause(shutdown.goal),
): Next {
  const { registry } = shutdown
  const stage = stoppingStage(shutdown, at, at + killAfterMs, false, cause)
  return transition(memory, stage, { do: 'signal', registry, signal: 'SIGTERM' })
}

/** SIGKILL at once, for a process that ignores SIGTERM or may not finish its work. */
export function kill(
  memory: Memory,
  shutdown: Shutdown,
  cause: Cause,
  at: number,
  answeredAt?: number,
): Next {
  const { registry } = shutdown
  const stage = {
    ...stoppingStage(shutdown, at, at, true, cause),
    ...(answeredAt === undefined ? {} : { answeredAt }),
  }
  return transition(memory, stage, { do: 'signal', registry, signal: 'SIGKILL' })
}

function stoppingStage(
  { registry, servingSince, goal, pushes }: Shutdown,
  at: number,
  killAt: number,
  killed: boolean,
  cause: Cause,
): StageOf<'stopping'> {
  return { kind: 'stopping', registry, since: at, servingSince, goal, pushes, killAt, killed, cause }
}

export function stepDraining(
  state: State,
  stage: StageOf<'draining'>,
  event: Event,
  policy: Policy,
  drainsItself: boolean,
): Next {
  const { memory } = state
  const { registry, killAt } = stage
  const isSignalled = killAt !== undefined
  const endDrain = (shutdown: Shutdown) =>
    killAt === undefined
      ? terminate(memory, shutdown, event.at, policy.killAfterMs)
      : transition(memory, stoppingStage(shutdown, event.at, killAt, false, askedCause(shutdown.goal)))
  switch (event.kind) {
    case 'uploads-seen': {
      if (event.pid !== registry.pid) return unchanged(state)
      const listed = withListedPushes(stage, event.pushes, event.at, policy)
      // The second listing finds what was begun during the first.
      const isDone = listed.pushes.length === 0 && (drainsItself || listed.listings >= 2)
      return isDone ? endDrain(listed) : transition(memory, listed)
    }
    case 'tick':
      if (event.at >= stage.until) return endDrain(stage)
      if (stage.isListing || event.at < stage.listAt) return unchanged(state)
      return transition(memory, { ...stage, isListing: true }, { do: 'list-uploads', registry })
    case 'exited': {
      if (event.pid !== registry.pid) return unchanged(state)
      const cause = isSignalled ? askedCause(stage.goal) : unaskedCause(event.exit)
      return afterAskedExit(memory, stoppingStage(stage, stage.since, event.at, false, cause), event, policy)
    }
    case 'restart-asked': {
      if (stage.goal === 'quit') return unchanged(state)
      const restarting: StageOf<'draining'> = { ...stage, goal: 'restart' }
      if (!event.now) return transition(memory, restarting)
      return isSignalled
        ? kill(memory, restarting, 'asked-restart', event.at)
        : terminate(memory, restarting, event.at, policy.killAfterMs)
    }
    case 'stop-asked': {
      const goal = stage.goal === 'quit' ? 'quit' : event.goal
      if (event.withinMs === undefined) return transition(memory, { ...stage, goal })
      if (killAt !== undefined) {
        const soon = Math.min(killAt, event.at + event.withinMs)
        const stopping = stoppingStage({ ...stage, goal }, event.at, soon, false, askedCause(goal))
        return transition(memory, stopping)
      }
      return terminate(memory, { ...stage, goal }, event.at, event.withinMs)
    }
    case 'start-asked':
      if (stage.goal === 'quit') return unchanged(state)
      return isSignalled ? transition(memory, { ...stage, goal: 'restart' }) : backToServing(memory, stage)
    case 'cancel-asked':
      return isSignalled || stage.goal === 'quit' ? unchanged(state) : backToServing(memory, stage)
    case 'woke':
      // No push could finish during the sleep, so the time limits begin again.
      return transition(memory, {
        ...stage,
        until: Math.max(stage.until, event.at + policy.drainTimeoutMs),
        ...(isSignalled ? { killAt: Math.max(killAt, event.at + policy.killAfterMs) } : {}),
      })
    default:
      return unchanged(state)
  }
}

const backToServing = (memory: Memory, { registry, servingSince }: StageOf<'draining'>): Next =>
  transition(memory, { kind: 'serving', since: servingSince, registry })

/** The stage after one listing of the uploads. */
function withListedPushes(
  stage: StageOf<'draining'>,
  pushes: PushInProgress[],
  at: number,
  policy: Policy,
): StageOf<'draining'> {
  const pauseMs = pushes.length === 0 ? policy.uploadsSecondListMs : policy.uploadsIntervalMs
  return {
    ...stage,
    pushes,
    listings: stage.listings + 1,
    isListing: false,
    listAt: at + pauseMs,
  }
}

export function stepStopping(state: State, stage: StageOf<'stopping'>, event: Event, policy: Policy): Next {
  const { memory } = state
  const { registry, goal } = stage
  switch (event.kind) {
    case 'exited':
      return event.pid === registry.pid ? afterAskedExit(memory, stage, event, policy) : unchanged(state)
    case 'tick':
      return event.at < stage.killAt ? unchanged(state) : afterDeadline(state, stage, event.at, policy)
    case 'restart-asked':
    case 'start-asked': {
      if (goal === 'quit') return unchanged(state)
      const { tooSlow: _, ...fresh } = stage
      const restarting = { ...fresh, goal: 'restart' as const, cause: causeFor(stage, 'restart') }
      const mustKill = event.kind === 'restart-asked' && event.now && !stage.killed
      if (!mustKill) return transition(memory, restarting)
      return transition(
        memory,
        { ...restarting, killed: true, killAt: event.at },
        { do: 'signal', registry, signal: 'SIGKILL' },
      )
    }
    case 'stop-asked': {
      const nextGoal = goal === 'quit' ? 'quit' : event.goal
      const killAt = Math.min(stage.killAt, event.at + (event.withinMs ?? Number.POSITIVE_INFINITY))
      return transition(memory, { ...stage, killAt, goal: nextGoal, cause: causeFor(stage, nextGoal) })
    }
    case 'woke':
      if (stage.killed) return unchanged(state)
      return transition(memory, { ...stage, killAt: Math.max(stage.killAt, event.at + policy.giveUpAfterMs) })
    default:
      return unchanged(state)
  }
}

/** A stop that becomes a restart is recorded as a restart; a failure keeps its cause whatever is asked for. */
const causeFor = (stage: StageOf<'stopping'>, goal: Then): Cause =>
  stage.cause === 'hung' || stage.cause === 'start-failed' || stage.cause === 'data-lost'
    ? stage.cause
    : askedCause(goal)

function afterDeadline({ memory }: State, stage: StageOf<'stopping'>, at: number, policy: Policy): Next {
  const { registry, goal } = stage
  if (!stage.killed)
    return transition(
      memory,
      { ...stage, killed: true, killAt: at },
      { do: 'signal', registry, signal: 'SIGKILL' },
    )
  if (at < stage.killAt + policy.giveUpAfterMs) return unchanged({ memory, stage })
  const error = { code: 'stop-failed' as const, pid: registry.pid }
  return transition(memory, { kind: 'failed', since: at, error, survivor: { registry, goal } })
}

/** It ended because it was asked to, or was killed as hung: writes the journal and goes on to the goal. */
function afterAskedExit(
  memory: Memory,
  stage: StageOf<'stopping'>,
  event: EventOf<'exited'>,
  policy: Policy,
): Next {
  const { registry, goal, cause } = stage
  const { at } = event
  if (goal === 'restart' && cause === 'hung') {
    const { target } = registry
    const { servingSince, answeredAt = at } = stage
    const ended = { ...event, cause, registry, target, servingSince, answeredAt }
    return afterUnaskedExit(memory, ended, policy)
  }
  // What it said while it ended as it was asked to explains nothing.
  const { exit, lastLines, cut = stage.pushes.map(({ repository }) => repository) } = event
  const ending = cause === 'start-failed' ? event : { exit, lastLines, cut }
  const entry = exitEntry(memory, cause, registry, ending, at)
  const next = goOnToGoal(withOpenOutage(memory, entry, at), stage, event, policy)
  return { ...next, effects: [{ do: 'forget-record' }, { do: 'journal', entry }, ...next.effects] }
}

function goOnToGoal(
  memory: Memory,
  stage: StageOf<'stopping'>,
  event: EventOf<'exited'>,
  policy: Policy,
): Next {
  const { goal } = stage
  if (goal !== 'restart') return stopped(memory, goal, event.at)
  if (stage.tooSlow) {
    const { startTimeoutMs: limitMs } = policy
    const error = { code: 'start-too-slow' as const, limitMs, lastLines: event.lastLines }
    return transition(withoutLastEnd(memory), failedStage(error, event.at, policy))
  }
  const cause = stage.cause === 'data-lost' ? 'retry' : 'asked-restart'
  return beginCheck({ ...memory, attempt: 0 }, cause, event.at, policy)
}
