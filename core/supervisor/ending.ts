import type { Exit } from '../../contract/failure.ts'
import type { Cause, JournalEntry, Then } from '../../contract/registry-state.ts'
import type { Policy } from './policy.ts'
import type { Effect, Event, Memory, Next, RegistryProcess, Stage, State, Target } from './state.ts'

export type Exited = Extract<Event, { kind: 'exited' }>

export const unchanged = (state: State): Next => ({ state, effects: [] })

export const transition = (memory: Memory, stage: Stage, ...effects: Effect[]): Next => ({
  state: { memory, stage },
  effects,
})

/** The look at the machine that comes before every start. */
export function beginCheck(memory: Memory, cause: Cause, at: number, policy: Policy): Next {
  const serial = memory.checkSerial + 1
  return transition(
    { ...memory, checkSerial: serial },
    { kind: 'checking', since: at, cause, deadline: at + policy.startTimeoutMs },
    { do: 'check', serial },
  )
}

/** The same look without leaving the stage: what waits for the world to change shows no flicker. */
export function checkInPlace({ memory }: State, stage: Stage): Next {
  const serial = memory.checkSerial + 1
  return transition({ ...memory, checkSerial: serial }, stage, { do: 'check', serial })
}

export const stopped = (memory: Memory, goal: Exclude<Then, 'restart'>, at: number, ...effects: Effect[]) =>
  transition(
    // A stop by hand ends the row of failures; the outage that it leaves is a wish, not counted.
    { ...memory, checkSerial: memory.checkSerial + 1, attempt: 0, reportedExits: 0, openOutages: [] },
    { kind: 'stopped', since: at, why: goal === 'quit' ? 'quit' : 'asked' },
    ...effects,
  )

/** Exit 0 that nobody asked for is no crash, but no success either: the registry is not serving. */
export const unaskedCause = (exit: Exit): Cause =>
  exit.kind === 'code' && exit.code === 0 ? 'ended-by-itself' : 'crashed'

export function askedCause(goal: Then): Cause {
  return goal === 'restart' ? 'asked-restart' : goal === 'quit' ? 'app-quit' : 'asked-stop'
}

/** The journal's line for an exit. Its id is unique: the serial grows within a life of the app. */
export function exitEntry(
  memory: Memory,
  cause: Cause,
  run: RegistryProcess | undefined,
  exit: Exit,
  lastLines: string[],
  at: number,
  pushesCut = 0,
): JournalEntry {
  return {
    id: `${at.toString(36)}-${memory.checkSerial}`,
    at,
    cause,
    exit,
    lastLines,
    ...(run === undefined ? {} : { pid: run.pid, ranForMs: Math.max(0, at - run.startedAt) }),
    ...(pushesCut > 0 ? { pushesCut } : {}),
  }
}

/** At most this many outages wait for their end; older ones keep "not back". */
const openLimit = 20

export const withOpenOutage = (memory: Memory, entry: JournalEntry, since: number): Memory => ({
  ...memory,
  openOutages: [...memory.openOutages, { entry, since }].slice(-openLimit),
})

interface Unasked {
  cause: Cause
  exit: Exit
  lastLines: string[]
  at: number
  dice: number
  run?: RegistryProcess
  place: Target
  /** Since when it served; absent when it never did. */
  servingSince?: number
  /** When it last answered, if that is earlier than its end. */
  answeredAt?: number
  pushesCut?: number
}

/** An end that nobody asked for: at once, after a wait, or as a crash loop. */
export function afterUnaskedExit(memory: Memory, end: Unasked, policy: Policy): Next {
  const { cause, exit, lastLines, at, dice, run, place } = end
  const healthy = end.servingSince !== undefined && at - end.servingSince >= policy.healthyAfterMs
  const exits = [...memory.exits.filter(time => time > at - policy.loopWindowMs), at].slice(-100)
  const attempt = healthy ? 0 : memory.attempt
  const looped = healthy ? 0 : memory.reportedExits
  const entry = exitEntry(memory, cause, run, exit, lastLines, at, end.pushesCut)
  const serial = memory.checkSerial + 1
  const kept = withOpenOutage(
    { ...memory, exits, attempt, reportedExits: looped, checkSerial: serial },
    entry,
    end.answeredAt ?? at,
  )
  const told: Effect[] = [{ do: 'forget-record' }, { do: 'journal', entry }]
  const look: Effect = { do: 'look-at-port', serial, place }

  if (looped > 0 || exits.length > policy.loopExits) {
    const count = Math.max(exits.length, looped)
    const retryAt = at + policy.loopRetryMs
    const stage: Stage = { kind: 'crash-looping', since: at, exits: count, retryAt, exit, lastLines }
    return transition({ ...kept, reportedExits: count }, stage, ...told, look)
  }
  const wait = waitBefore(attempt, dice, policy)
  const next = { ...kept, attempt: attempt + 1 }
  if (wait === 0) {
    const checked = beginCheck(next, cause, at, policy)
    return { ...checked, effects: [...told, ...checked.effects] }
  }
  const stage: Stage = { kind: 'backing-off', since: at, cause, attempt, until: at + wait, exit, lastLines }
  return transition(next, stage, ...told, look)
}

function waitBefore(attempt: number, dice: number, policy: Policy): number {
  const wait = policy.backoffMs[Math.min(attempt, policy.backoffMs.length - 1)] ?? 0
  return Math.round(wait * (1 + policy.jitterRatio * (2 * dice - 1)))
}
