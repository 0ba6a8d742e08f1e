import type { Exit } from '../../contract/failure.ts'
import type { Cause, JournalEntry, Then } from '../../contract/registry-state.ts'
import type { Policy } from './policy.ts'
import type { Effect, Event, Memory, Next, Place, Run, Stage, State } from './state.ts'

export type Exited = Extract<Event, { kind: 'exited' }>

export const same = (state: State): Next => ({ state, effects: [] })

export const to = (memory: Memory, stage: Stage, ...effects: Effect[]): Next => ({
  state: { memory, stage },
  effects,
})

/** The look at the machine that comes before every start. */
export function check(memory: Memory, cause: Cause, at: number, policy: Policy): Next {
  const serial = memory.serial + 1
  return to(
    { ...memory, serial },
    { kind: 'checking', since: at, cause, deadline: at + policy.startLimit },
    { do: 'check', serial },
  )
}

/** The same look without leaving the stage: what waits for the world to change shows no flicker. */
export function checkQuietly({ memory }: State, stage: Stage): Next {
  const serial = memory.serial + 1
  return to({ ...memory, serial }, stage, { do: 'check', serial })
}

export const stopped = (memory: Memory, goal: Exclude<Then, 'restart'>, at: number, ...effects: Effect[]) =>
  to(
    // A stop by hand ends the row of failures; the outage that it leaves is a wish, not counted.
    { ...memory, serial: memory.serial + 1, attempt: 0, looped: 0, open: [] },
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
  run: Run | undefined,
  exit: Exit,
  lastLines: string[],
  at: number,
  pushesCut = 0,
): JournalEntry {
  return {
    id: `${at.toString(36)}-${memory.serial}`,
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

export const withOpen = (memory: Memory, entry: JournalEntry, since: number): Memory => ({
  ...memory,
  open: [...memory.open, { entry, since }].slice(-openLimit),
})

interface Unasked {
  cause: Cause
  exit: Exit
  lastLines: string[]
  at: number
  dice: number
  run?: Run
  place: Place
  /** Since when it served; absent when it never did. */
  servingSince?: number
  /** When it last answered, if that is earlier than its end. */
  answeredAt?: number
  pushesCut?: number
}

/** An end that nobody asked for: at once, after a wait, or as a crash loop. */
export function unasked(memory: Memory, end: Unasked, policy: Policy): Next {
  const { cause, exit, lastLines, at, dice, run, place } = end
  const healthy = end.servingSince !== undefined && at - end.servingSince >= policy.healthyAfter
  const exits = [...memory.exits.filter(time => time > at - policy.loopWindow), at].slice(-100)
  const attempt = healthy ? 0 : memory.attempt
  const looped = healthy ? 0 : memory.looped
  const entry = exitEntry(memory, cause, run, exit, lastLines, at, end.pushesCut)
  const serial = memory.serial + 1
  const kept = withOpen({ ...memory, exits, attempt, looped, serial }, entry, end.answeredAt ?? at)
  const told: Effect[] = [{ do: 'forget-record' }, { do: 'journal', entry }]
  const look: Effect = { do: 'look-at-port', serial, place }

  if (looped > 0 || exits.length > policy.loopExits) {
    const count = Math.max(exits.length, looped)
    const retryAt = at + policy.loopRetry
    const stage: Stage = { kind: 'crash-looping', since: at, exits: count, retryAt, exit, lastLines }
    return to({ ...kept, looped: count }, stage, ...told, look)
  }
  const wait = waitBefore(attempt, dice, policy)
  const next = { ...kept, attempt: attempt + 1 }
  if (wait === 0) {
    const checked = check(next, cause, at, policy)
    return { ...checked, effects: [...told, ...checked.effects] }
  }
  const stage: Stage = { kind: 'backing-off', since: at, cause, attempt, until: at + wait, exit, lastLines }
  return to(next, stage, ...told, look)
}

function waitBefore(attempt: number, dice: number, policy: Policy): number {
  const wait = policy.waits[Math.min(attempt, policy.waits.length - 1)] ?? 0
  return Math.round(wait * (1 + policy.jitter * (2 * dice - 1)))
}
