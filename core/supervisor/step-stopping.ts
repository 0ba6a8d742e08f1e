import type { Cause, PushInProgress, Then } from '../../contract/registry-state.ts'
import {
  afterUnaskedExit,
  askedCause,
  beginCheck,
  type Exited,
  exitEntry,
  stopped,
  transition,
  unaskedCause,
  unchanged,
  withOpenOutage,
} from './ending.ts'
import type { Policy } from './policy.ts'
import { failedStage } from './settle.ts'
import type { Event, Memory, Next, RegistryProcess, Stage, State } from './state.ts'

type Of<K extends Stage['kind']> = Extract<Stage, { kind: K }>
interface Ending {
  run: RegistryProcess
  since: number
  servingSince: number
  goal: Then
  pushes: PushInProgress[]
}

/** Lets pushes under way finish. An engine that drains itself is told at once; for another one we wait. */
export function beginDrain(
  memory: Memory,
  run: RegistryProcess,
  servingSince: number,
  goal: Then,
  at: number,
  policy: Policy,
  drainsItself: boolean,
): Next {
  const stage: Of<'draining'> = {
    kind: 'draining',
    run,
    since: at,
    servingSince,
    goal,
    pushes: [],
    until: at + policy.drainTimeoutMs,
    looks: 0,
    lookAt: at,
    looking: true,
    stillSince: at,
    ...(drainsItself ? { killAt: at + policy.killAfterMs } : {}),
  }
  const look = { do: 'look-at-uploads' as const, pid: run.pid }
  return drainsItself
    ? transition(memory, stage, { do: 'signal', run, signal: 'SIGTERM' }, look)
    : transition(memory, stage, look)
}

/** SIGTERM, and a date for SIGKILL. */
export function terminate(
  memory: Memory,
  ending: Ending,
  at: number,
  policy: Policy,
  cause: Cause = askedCause(ending.goal),
): Next {
  return transition(memory, stopping(ending, at, at + policy.killAfterMs, false, cause), {
    do: 'signal',
    run: ending.run,
    signal: 'SIGTERM',
  })
}

/** SIGKILL at once, for a process that does not listen, or may not finish. */
export function kill(memory: Memory, ending: Ending, cause: Cause, at: number, answeredAt?: number): Next {
  const stage = stopping(ending, at, at, true, cause)
  return transition(memory, answeredAt === undefined ? stage : { ...stage, answeredAt }, {
    do: 'signal',
    run: ending.run,
    signal: 'SIGKILL',
  })
}

function stopping(
  { run, servingSince, goal, pushes }: Ending,
  at: number,
  killAt: number,
  killed: boolean,
  cause: Cause,
): Of<'stopping'> {
  return { kind: 'stopping', run, since: at, servingSince, goal, pushes, killAt, killed, cause }
}

export function stepDraining(
  state: State,
  stage: Of<'draining'>,
  event: Event,
  policy: Policy,
  drainsItself: boolean,
): Next {
  const { memory } = state
  const { run, killAt } = stage
  const signalled = killAt !== undefined
  const goOn = (ending: Ending) =>
    killAt === undefined
      ? terminate(memory, ending, event.at, policy)
      : transition(memory, stopping(ending, event.at, killAt, false, askedCause(ending.goal)))
  switch (event.kind) {
    case 'uploads-seen': {
      if (event.pid !== run.pid) return unchanged(state)
      const seen = withListedPushes(stage, event.pushes, event.at, policy)
      const done = drainsItself ? seen.pushes.length === 0 : isStalled(seen, event.at, policy)
      return done ? goOn(seen) : transition(memory, seen)
    }
    case 'tick':
      if (event.at >= stage.until) return goOn(stage)
      if (stage.looking || event.at < stage.lookAt) return unchanged(state)
      return transition(memory, { ...stage, looking: true }, { do: 'look-at-uploads', pid: run.pid })
    case 'exited': {
      if (event.pid !== run.pid) return unchanged(state)
      const cause = signalled ? askedCause(stage.goal) : unaskedCause(event.exit)
      return afterAskedExit(memory, stopping(stage, stage.since, event.at, false, cause), event, policy)
    }
    case 'restart-asked': {
      if (stage.goal === 'quit') return unchanged(state)
      const wanted: Of<'draining'> = { ...stage, goal: 'restart' }
      if (!event.now) return transition(memory, wanted)
      return signalled
        ? kill(memory, wanted, 'asked-restart', event.at)
        : terminate(memory, wanted, event.at, policy)
    }
    case 'stop-asked': {
      const goal = stage.goal === 'quit' ? 'quit' : event.goal
      if (event.withinMs === undefined || signalled) return transition(memory, { ...stage, goal })
      return terminate(memory, { ...stage, goal }, event.at, { ...policy, killAfterMs: event.withinMs })
    }
    case 'start-asked':
      if (stage.goal === 'quit') return unchanged(state)
      return signalled ? transition(memory, { ...stage, goal: 'restart' }) : backToServing(memory, stage)
    case 'cancel-asked':
      return signalled || stage.goal === 'quit' ? unchanged(state) : backToServing(memory, stage)
    case 'woke':
      // Asleep, no push could finish: the time begins again.
      return transition(memory, {
        ...stage,
        until: Math.max(stage.until, event.at + policy.drainTimeoutMs),
        ...(signalled ? { killAt: Math.max(killAt, event.at + policy.killAfterMs) } : {}),
      })
    default:
      return unchanged(state)
  }
}

const backToServing = (memory: Memory, { run, servingSince }: Of<'draining'>): Next =>
  transition(memory, { kind: 'serving', since: servingSince, run })

/** Remembers one look at the uploads, and when any of them last grew. */
function withListedPushes(
  stage: Of<'draining'>,
  pushes: PushInProgress[],
  at: number,
  policy: Policy,
): Of<'draining'> {
  const bytes = (list: PushInProgress[]) => list.reduce((sum, push) => sum + push.bytes, 0)
  const moved =
    stage.looks === 0 || pushes.length !== stage.pushes.length || bytes(pushes) !== bytes(stage.pushes)
  const pause = pushes.length === 0 ? policy.uploadsSecondListMs : policy.uploadsIntervalMs
  return {
    ...stage,
    pushes,
    looks: stage.looks + 1,
    looking: false,
    lookAt: at + pause,
    stillSince: moved ? at : stage.stillSince,
  }
}

/** Nothing under way in two looks, or nothing that still grows. */
function isStalled(stage: Of<'draining'>, at: number, policy: Policy): boolean {
  if (stage.pushes.length === 0) return stage.looks >= 2
  return at - stage.stillSince >= policy.uploadsStalledMs
}

export function stepStopping(state: State, stage: Of<'stopping'>, event: Event, policy: Policy): Next {
  const { memory } = state
  const { run, goal } = stage
  switch (event.kind) {
    case 'exited':
      return event.pid === run.pid ? afterAskedExit(memory, stage, event, policy) : unchanged(state)
    case 'tick':
      return event.at < stage.killAt ? unchanged(state) : afterDeadline(state, stage, event.at, policy)
    case 'restart-asked':
    case 'start-asked': {
      if (goal === 'quit') return unchanged(state)
      const { tooSlow: _, ...fresh } = stage
      // A stop that becomes a restart is told as one; a hang stays a hang.
      const wanted = { ...fresh, goal: 'restart' as const, cause: causeFor(stage, 'restart') }
      const hurry = event.kind === 'restart-asked' && event.now && !stage.killed
      if (!hurry) return transition(memory, wanted)
      return transition(
        memory,
        { ...wanted, killed: true, killAt: event.at },
        { do: 'signal', run, signal: 'SIGKILL' },
      )
    }
    case 'stop-asked': {
      const wanted = goal === 'quit' ? 'quit' : event.goal
      const killAt = Math.min(stage.killAt, event.at + (event.withinMs ?? Number.POSITIVE_INFINITY))
      return transition(memory, { ...stage, killAt, goal: wanted, cause: causeFor(stage, wanted) })
    }
    case 'woke':
      if (stage.killed) return unchanged(state)
      return transition(memory, { ...stage, killAt: Math.max(stage.killAt, event.at + policy.giveUpAfterMs) })
    default:
      return unchanged(state)
  }
}

const causeFor = (stage: Of<'stopping'>, goal: Then): Cause =>
  stage.cause === 'hung' || stage.cause === 'start-failed' || stage.cause === 'data-lost'
    ? stage.cause
    : askedCause(goal)

function afterDeadline({ memory }: State, stage: Of<'stopping'>, at: number, policy: Policy): Next {
  const { run, goal } = stage
  if (!stage.killed)
    return transition(
      memory,
      { ...stage, killed: true, killAt: at },
      { do: 'signal', run, signal: 'SIGKILL' },
    )
  if (at < stage.killAt + policy.giveUpAfterMs) return { state: { memory, stage }, effects: [] }
  const error = { code: 'stop-failed' as const, pid: run.pid }
  return transition(memory, { kind: 'failed', since: at, error, survivor: { run, goal } })
}

/** It ended, as it was told to: the journal, and what it was for. */
function afterAskedExit(memory: Memory, stage: Of<'stopping'>, event: Exited, policy: Policy): Next {
  const { run, goal, cause } = stage
  const { at, exit, lastLines, dice } = event
  if (goal === 'restart' && cause === 'hung') {
    const { servingSince, answeredAt = at } = stage
    const end = { cause, exit, lastLines, at, dice, run, place: run.place, servingSince, answeredAt }
    return afterUnaskedExit(memory, end, policy)
  }
  const entry = exitEntry(memory, cause, run, exit, lastLines, at, stage.pushes.length)
  const next = afterStop(withOpenOutage(memory, entry, at), stage, event, policy)
  return { ...next, effects: [{ do: 'forget-record' }, { do: 'journal', entry }, ...next.effects] }
}

function afterStop(memory: Memory, stage: Of<'stopping'>, event: Exited, policy: Policy): Next {
  const { goal } = stage
  if (goal !== 'restart') return stopped(memory, goal, event.at)
  if (stage.tooSlow) {
    const { startTimeoutMs: limitMs } = policy
    const error = { code: 'start-too-slow' as const, limitMs, lastLines: event.lastLines }
    return transition(memory, failedStage(error, event.at, policy))
  }
  const cause = stage.cause === 'data-lost' ? 'retry' : 'asked-restart'
  return beginCheck({ ...memory, attempt: 0 }, cause, event.at, policy)
}
