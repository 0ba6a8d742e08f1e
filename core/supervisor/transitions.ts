import type { Exit, Failure, WaitsFor } from '../../contract/failure.ts'
import type { Cause, JournalEntry, LastEnd, Then } from '../../contract/registry-state.ts'
import { unreachable } from '../../contract/result.ts'
import type { Policy } from './policy.ts'
import type {
  CheckResult,
  Effect,
  Ending,
  Memory,
  Next,
  RegistryProcess,
  Stage,
  State,
  Target,
} from './state.ts'

export const unchanged = (state: State): Next => ({ state, effects: [] })

export const transition = (memory: Memory, stage: Stage, ...effects: Effect[]): Next => ({
  state: { memory, stage },
  effects,
})

export interface StartAttempt {
  since: number
  cause: Cause
  deadline: number
}

export const startAttempt = (at: number, cause: Cause, policy: Policy): StartAttempt => ({
  since: at,
  cause,
  deadline: at + policy.startTimeoutMs,
})

/** No exit counts any more: the next one is the first in a row. */
const newRow = { exits: [], attempt: 0, isLooping: false }

/** What Memory holds of a try before: nothing, as something else explains why the registry does not run, or it does. */
export const withoutLastEnd = ({ lastEnd: _, ...memory }: Memory): Memory => memory

/** Begins the check that comes before every start. Whoever asks for a start begins a new row. */
export function beginCheck(memory: Memory, cause: Cause, at: number, policy: Policy): Next {
  const checkSerial = memory.checkSerial + 1
  const isAsked = cause === 'asked-start' || cause === 'asked-restart'
  return transition(
    { ...memory, ...(isAsked ? newRow : {}), checkSerial },
    { kind: 'checking', ...startAttempt(at, cause, policy) },
    { do: 'check', serial: checkSerial },
  )
}

/** Begins the same check without leaving the stage, so that a stage that only waits does not flicker. */
export function checkInPlace({ memory }: State, stage: Stage): Next {
  const checkSerial = memory.checkSerial + 1
  return transition({ ...memory, checkSerial }, stage, { do: 'check', serial: checkSerial })
}

/** The stage after the check before a start. */
export function afterCheck(
  memory: Memory,
  attempt: StartAttempt,
  result: CheckResult,
  at: number,
  policy: Policy,
): Next {
  switch (result.kind) {
    case 'free': {
      const { target } = result
      return transition(memory, { kind: 'launching', ...attempt, target }, { do: 'spawn', target })
    }
    case 'ours': {
      const { registry, ownsPort } = result
      const { since } = attempt
      const deadline = ownsPort ? at + policy.adoptTimeoutMs : attempt.deadline
      return transition(memory, { kind: 'starting', since, cause: 'adopted', deadline, registry, ownsPort })
    }
    case 'taken': {
      const { port, owner } = result
      // A taken port explains the exits before: they do not count once it is free.
      return transition(
        { ...withoutLastEnd(memory), ...newRow },
        { kind: 'foreign', since: at, port, owner, retryAt: at + policy.foreignRetryMs },
      )
    }
    case 'undecided': {
      const { undecided } = result
      return transition(
        { ...withoutLastEnd(memory), ...newRow },
        { kind: 'undecided', since: at, undecided, retryAt: at + policy.failedRetryMs },
      )
    }
    case 'refused':
      return transition(withoutLastEnd(memory), failedStage(result.error, at, policy))
    default:
      return unreachable(result)
  }
}

export function stopped(
  memory: Memory,
  goal: Exclude<Then, 'restart'>,
  at: number,
  ...effects: Effect[]
): Next {
  return transition(
    // A stop by hand ends a row of failures, and the time without a registry after it is no outage.
    { ...withoutLastEnd(memory), ...newRow, checkSerial: memory.checkSerial + 1, openOutages: [] },
    { kind: 'stopped', since: at, why: goal === 'quit' ? 'quit' : 'asked' },
    ...effects,
  )
}

/** A failure is tried again by itself unless only a person can remove it. */
export function failedStage(error: Failure, at: number, policy: Policy) {
  const delay = retryDelayMs(error, policy)
  return {
    kind: 'failed' as const,
    since: at,
    error,
    ...(delay === undefined ? {} : { retryAt: at + delay }),
  }
}

/** Undefined: it is tried again on request and after sleep only. */
export function retryDelayMs(error: Failure, policy: Policy): number | undefined {
  switch (error.code) {
    case 'config-missing':
    case 'config-invalid':
    case 'named-file-unusable':
    case 'data-volume-missing':
    case 'data-unreadable':
    case 'data-read-only':
    case 'data-denied':
    case 'other-folder':
    case 'root-in-use':
      return policy.failedRetryMs
    case 'data-not-a-folder':
      return undefined
    default:
      return policy.loopRetryMs
  }
}

/** Exit 0 that nobody asked for is no crash, but no success either: the registry is not serving. */
export const unaskedCause = (exit: Exit): Cause =>
  exit.kind === 'code' && exit.code === 0 ? 'ended-by-itself' : 'crashed'

export function askedCause(goal: Then): Cause {
  return goal === 'restart' ? 'asked-restart' : goal === 'quit' ? 'app-quit' : 'asked-stop'
}

/** The journal's line for an exit. Its id is unique because the serial only grows within one core. */
export function exitEntry(
  memory: Memory,
  cause: Cause,
  registry: RegistryProcess | undefined,
  { exit, lastLines, lastWord, cut = [] }: Ending,
  at: number,
): JournalEntry {
  return {
    id: `${at.toString(36)}-${memory.checkSerial}`,
    at,
    cause,
    exit,
    lastLines,
    ...(lastWord === undefined ? {} : { lastWord }),
    ...(registry === undefined ? {} : { pid: registry.pid, ranForMs: Math.max(0, at - registry.startedAt) }),
    ...(cut.length > 0 ? { pushesCut: cut.length, cutRepositories: cut.slice(0, maxCutNamed) } : {}),
  }
}

/** Repositories beyond this number are counted and not named. */
const maxCutNamed = 20

/** Older outages beyond this number stay "not back" in the journal. */
const maxOpenOutages = 20

export const withOpenOutage = (memory: Memory, entry: JournalEntry, since: number): Memory => ({
  ...memory,
  openOutages: [...memory.openOutages, { entry, since }].slice(-maxOpenOutages),
})

interface UnaskedExit extends Ending {
  cause: Cause
  at: number
  jitter: number
  registry?: RegistryProcess
  target: Target
  /** Absent when it never served. */
  servingSince?: number
  /** When it last answered, if that was before its exit. */
  answeredAt?: number
}

/** After an exit that nobody asked for it is started again: at once, after a pause, or as a crash loop. */
export function afterUnaskedExit(memory: Memory, ended: UnaskedExit, policy: Policy): Next {
  const { cause, at, jitter, registry, target, waitsFor } = ended
  if (waitsFor !== undefined && ended.servingSince === undefined)
    return afterWaiting(memory, ended, waitsFor, policy)
  const wasHealthy = ended.servingSince !== undefined && at - ended.servingSince >= policy.healthyAfterMs
  const isNewRow = wasHealthy || memory.lastEnd?.waitsFor !== undefined
  const row = isNewRow ? { ...memory, ...newRow } : memory
  const ending = endingOf(ended)
  const entry = exitEntry(memory, cause, registry, ended, at)
  const serial = memory.checkSerial + 1
  const exits = [...row.exits.filter(time => row.isLooping || time > at - policy.loopWindowMs), at]
  const after = withOpenOutage(
    { ...row, exits: exits.slice(-maxExits), checkSerial: serial, lastEnd: lastEndOf(ending) },
    entry,
    ended.answeredAt ?? at,
  )
  const records: Effect[] = [{ do: 'forget-record' }, { do: 'journal', entry }]
  const checkPort: Effect = { do: 'check-port', serial, target }

  if (row.isLooping || exits.length > policy.loopExits) {
    const retryAt = at + policy.loopRetryMs
    const counted = { exits: after.exits.length, windowMs: windowOf(after.exits, at, policy) }
    const stage: Stage = { kind: 'crash-looping', since: at, ...counted, retryAt, ...ending }
    return transition({ ...after, isLooping: true }, stage, ...records, checkPort)
  }
  const { attempt } = row
  const pauseMs = backoffMs(attempt, jitter, policy)
  const next = { ...after, attempt: attempt + 1 }
  if (pauseMs === 0) {
    const checking = beginCheck(next, cause, at, policy)
    return { ...checking, effects: [...records, ...checking.effects] }
  }
  const stage: Stage = { kind: 'backing-off', since: at, cause, attempt, until: at + pauseMs, ...ending }
  return transition(next, stage, ...records, checkPort)
}

/** Exits beyond this number are not counted. */
const maxExits = 1000

/** The loop window where all of them are within it, else the time since the first. */
function windowOf(exits: readonly number[], at: number, policy: Policy): number {
  const [first = at] = exits
  return Math.max(at - first, policy.loopWindowMs)
}

/**
 * It could not start for want of something outside: no fault of its own, so that it counts as no crash, and is tried again
 * as often as launchd would. The journal gets one line for all of these tries.
 */
function afterWaiting(memory: Memory, ended: UnaskedExit, waitsFor: WaitsFor, policy: Policy): Next {
  const { cause, at, registry, target } = ended
  const ending = endingOf(ended)
  const before = memory.lastEnd?.waitsFor === waitsFor ? memory.lastEnd : undefined
  const serial = memory.checkSerial + 1
  const attempt = before === undefined ? 1 : memory.attempt + 1
  const row: Memory = {
    ...memory,
    ...newRow,
    attempt,
    checkSerial: serial,
    lastEnd: {
      ...lastEndOf(ending),
      waitsFor,
      waitingSince: before?.waitingSince ?? registry?.startedAt ?? at,
    },
  }
  const until = Math.max(at + policy.minThrottleMs, (registry?.startedAt ?? at) + policy.throttleMs)
  const stage: Stage = { kind: 'backing-off', since: at, cause, attempt, until, ...ending }
  const effects: Effect[] = [{ do: 'forget-record' }]
  const checkPort: Effect = { do: 'check-port', serial, target }
  if (before !== undefined) return transition(row, stage, ...effects, checkPort)
  const entry = exitEntry(memory, cause, registry, ending, at)
  return transition(withOpenOutage(row, entry, at), stage, ...effects, { do: 'journal', entry }, checkPort)
}

const endingOf = ({ exit, lastLines, lastWord, waitsFor }: Ending): Ending => ({
  exit,
  lastLines,
  ...(lastWord === undefined ? {} : { lastWord }),
  ...(waitsFor === undefined ? {} : { waitsFor }),
})

const lastEndOf = ({ lastWord }: Ending): LastEnd => (lastWord === undefined ? {} : { lastWord })

function backoffMs(attempt: number, jitter: number, policy: Policy): number {
  const pauseMs = policy.backoffMs[Math.min(attempt, policy.backoffMs.length - 1)] ?? 0
  return Math.round(pauseMs * (1 + policy.jitterRatio * (2 * jitter - 1)))
}
