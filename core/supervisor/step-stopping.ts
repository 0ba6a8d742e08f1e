import type { Cause, PushInProgress, Then } from '../../contract/registry-state.ts'
import {
  askedCause,
  check,
  type Exited,
  exitEntry,
  same,
  stopped,
  to,
  unasked,
  unaskedCause,
  withOpen,
} from './ending.ts'
import type { Policy } from './policy.ts'
import { failedBy } from './settle.ts'
import type { Event, Memory, Next, Run, Stage, State } from './state.ts'

type Of<K extends Stage['kind']> = Extract<Stage, { kind: K }>
interface Ending {
  run: Run
  since: number
  servingSince: number
  goal: Then
  pushes: PushInProgress[]
}

/** Lets pushes under way finish. An engine that drains itself is told at once; for another one we wait. */
export function beginDrain(
  memory: Memory,
  run: Run,
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
    until: at + policy.drainLimit,
    looks: 0,
    lookAt: at,
    looking: true,
    stillSince: at,
    ...(drainsItself ? { killAt: at + policy.killAfter } : {}),
  }
  const look = { do: 'look-at-uploads' as const, pid: run.pid }
  return drainsItself
    ? to(memory, stage, { do: 'signal', run, signal: 'SIGTERM' }, look)
    : to(memory, stage, look)
}

/** SIGTERM, and a date for SIGKILL. */
export function terminate(
  memory: Memory,
  ending: Ending,
  at: number,
  policy: Policy,
  cause: Cause = askedCause(ending.goal),
): Next {
  return to(memory, stopping(ending, at, at + policy.killAfter, false, cause), {
    do: 'signal',
    run: ending.run,
    signal: 'SIGTERM',
  })
}

/** SIGKILL at once, for a process that does not listen, or may not finish. */
export function kill(memory: Memory, ending: Ending, cause: Cause, at: number, answeredAt?: number): Next {
  const stage = stopping(ending, at, at, true, cause)
  return to(memory, answeredAt === undefined ? stage : { ...stage, answeredAt }, {
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
      : to(memory, stopping(ending, event.at, killAt, false, askedCause(ending.goal)))
  switch (event.kind) {
    case 'uploads-seen': {
      if (event.pid !== run.pid) return same(state)
      const seen = looked(stage, event.pushes, event.at, policy)
      const done = drainsItself ? seen.pushes.length === 0 : isStill(seen, event.at, policy)
      return done ? goOn(seen) : to(memory, seen)
    }
    case 'tick':
      if (event.at >= stage.until) return goOn(stage)
      if (stage.looking || event.at < stage.lookAt) return same(state)
      return to(memory, { ...stage, looking: true }, { do: 'look-at-uploads', pid: run.pid })
    case 'exited': {
      if (event.pid !== run.pid) return same(state)
      const cause = signalled ? askedCause(stage.goal) : unaskedCause(event.exit)
      return ended(memory, stopping(stage, stage.since, event.at, false, cause), event, policy)
    }
    case 'restart-asked': {
      if (stage.goal === 'quit') return same(state)
      const wanted: Of<'draining'> = { ...stage, goal: 'restart' }
      if (!event.now) return to(memory, wanted)
      return signalled
        ? kill(memory, wanted, 'asked-restart', event.at)
        : terminate(memory, wanted, event.at, policy)
    }
    case 'stop-asked': {
      const goal = stage.goal === 'quit' ? 'quit' : event.goal
      if (event.withinMs === undefined || signalled) return to(memory, { ...stage, goal })
      return terminate(memory, { ...stage, goal }, event.at, { ...policy, killAfter: event.withinMs })
    }
    case 'start-asked':
      if (stage.goal === 'quit') return same(state)
      return signalled ? to(memory, { ...stage, goal: 'restart' }) : backToServing(memory, stage)
    case 'cancel-asked':
      return signalled || stage.goal === 'quit' ? same(state) : backToServing(memory, stage)
    case 'woke':
      // Asleep, no push could finish: the time begins again.
      return to(memory, {
        ...stage,
        until: Math.max(stage.until, event.at + policy.drainLimit),
        ...(signalled ? { killAt: Math.max(killAt, event.at + policy.killAfter) } : {}),
      })
    default:
      return same(state)
  }
}

const backToServing = (memory: Memory, { run, servingSince }: Of<'draining'>): Next =>
  to(memory, { kind: 'serving', since: servingSince, run })

/** Remembers one look at the uploads, and when any of them last grew. */
function looked(stage: Of<'draining'>, pushes: PushInProgress[], at: number, policy: Policy): Of<'draining'> {
  const bytes = (list: PushInProgress[]) => list.reduce((sum, push) => sum + push.bytes, 0)
  const moved =
    stage.looks === 0 || pushes.length !== stage.pushes.length || bytes(pushes) !== bytes(stage.pushes)
  const pause = pushes.length === 0 ? policy.uploadsSecondLook : policy.uploadsEvery
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
function isStill(stage: Of<'draining'>, at: number, policy: Policy): boolean {
  if (stage.pushes.length === 0) return stage.looks >= 2
  return at - stage.stillSince >= policy.uploadsStill
}

export function stepStopping(state: State, stage: Of<'stopping'>, event: Event, policy: Policy): Next {
  const { memory } = state
  const { run, goal } = stage
  switch (event.kind) {
    case 'exited':
      return event.pid === run.pid ? ended(memory, stage, event, policy) : same(state)
    case 'tick':
      return event.at < stage.killAt ? same(state) : afterDeadline(state, stage, event.at, policy)
    case 'restart-asked':
    case 'start-asked': {
      if (goal === 'quit') return same(state)
      const { tooSlow: _, ...fresh } = stage
      // A stop that becomes a restart is told as one; a hang stays a hang.
      const wanted = { ...fresh, goal: 'restart' as const, cause: recaused(stage, 'restart') }
      const hurry = event.kind === 'restart-asked' && event.now && !stage.killed
      if (!hurry) return to(memory, wanted)
      return to(
        memory,
        { ...wanted, killed: true, killAt: event.at },
        { do: 'signal', run, signal: 'SIGKILL' },
      )
    }
    case 'stop-asked': {
      const wanted = goal === 'quit' ? 'quit' : event.goal
      const killAt = Math.min(stage.killAt, event.at + (event.withinMs ?? Number.POSITIVE_INFINITY))
      return to(memory, { ...stage, killAt, goal: wanted, cause: recaused(stage, wanted) })
    }
    case 'woke':
      if (stage.killed) return same(state)
      return to(memory, { ...stage, killAt: Math.max(stage.killAt, event.at + policy.giveUpAfter) })
    default:
      return same(state)
  }
}

const recaused = (stage: Of<'stopping'>, goal: Then): Cause =>
  stage.cause === 'hung' || stage.cause === 'start-failed' || stage.cause === 'data-lost'
    ? stage.cause
    : askedCause(goal)

function afterDeadline({ memory }: State, stage: Of<'stopping'>, at: number, policy: Policy): Next {
  const { run, goal } = stage
  if (!stage.killed)
    return to(memory, { ...stage, killed: true, killAt: at }, { do: 'signal', run, signal: 'SIGKILL' })
  if (at < stage.killAt + policy.giveUpAfter) return { state: { memory, stage }, effects: [] }
  const error = { code: 'stop-failed' as const, pid: run.pid }
  return to(memory, { kind: 'failed', since: at, error, survivor: { run, goal } })
}

/** It ended, as it was told to: the journal, and what it was for. */
function ended(memory: Memory, stage: Of<'stopping'>, event: Exited, policy: Policy): Next {
  const { run, goal, cause } = stage
  const { at, exit, lastLines, dice } = event
  if (goal === 'restart' && cause === 'hung') {
    const { servingSince, answeredAt = at } = stage
    const end = { cause, exit, lastLines, at, dice, run, place: run.place, servingSince, answeredAt }
    return unasked(memory, end, policy)
  }
  const entry = exitEntry(memory, cause, run, exit, lastLines, at, stage.pushes.length)
  const next = afterEnd(withOpen(memory, entry, at), stage, event, policy)
  return { ...next, effects: [{ do: 'forget-record' }, { do: 'journal', entry }, ...next.effects] }
}

function afterEnd(memory: Memory, stage: Of<'stopping'>, event: Exited, policy: Policy): Next {
  const { goal } = stage
  if (goal !== 'restart') return stopped(memory, goal, event.at)
  if (stage.tooSlow) {
    const { startLimit: limitMs } = policy
    const error = { code: 'start-too-slow' as const, limitMs, lastLines: event.lastLines }
    return to(memory, failedBy(error, event.at, policy))
  }
  const cause = stage.cause === 'data-lost' ? 'retry' : 'asked-restart'
  return check({ ...memory, attempt: 0 }, cause, event.at, policy)
}
