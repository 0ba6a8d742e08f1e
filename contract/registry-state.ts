import type { Exit, Failure, KeptBy, OpenChoice, WaitsFor } from './failure.ts'
import type { LastConfigOffer } from './last-config.ts'
import type { Undecided } from './undecided.ts'

/** Why the registry is being, or was, started or ended. */
export type Cause =
  | 'app-started'
  | 'adopted'
  | 'asked-start'
  | 'asked-stop'
  | 'asked-restart'
  | 'app-quit'
  | 'crashed'
  | 'ended-by-itself'
  | 'hung'
  | 'start-failed'
  | 'woke'
  | 'retry'
  /** The data folder was removed or replaced while it was served. */
  | 'data-lost'

/**
 * What the registry said last before it ended by itself, in one line of at most 500 characters: never a stack frame.
 * `waitingSince`: when the first of the tries in a row began that ended for want of `waitsFor`.
 */
export interface LastEnd {
  lastWord?: string
  waitsFor?: WaitsFor
  waitingSince?: number
}

/** What a drain or a stop leads to. */
export type Then = 'stopped' | 'restart' | 'quit'

/** One upload under way, as seen on disk. `bytes` received so far; the total is not known to the server. */
export interface PushInProgress {
  repository: string
  bytes: number
}

/**
 * The process does not answer. `since`: when it last did. `overloaded`: it is alive and is left running; otherwise it is
 * ended and started again when the silence lasts.
 */
export interface Silence {
  since: number
  overloaded: boolean
}

/**
 * The process axis: is it running. Times are ms since the epoch.
 * `serving` means that it answered its readiness probe; whether it answers well is the service axis. `silence` is
 * set from the first probe on that gets no answer.
 */
export type ProcessState =
  | { kind: 'stopped'; since: number; why: 'never-started' | 'asked' | 'quit' }
  /** With the end of the try before this one, where it ended by itself. */
  | ({ kind: 'starting'; since: number; cause: Cause; pid?: number; deadline: number } & LastEnd)
  | { kind: 'serving'; since: number; pid: number; startedAt: number; adopted: boolean; silence?: Silence }
  | {
      kind: 'draining'
      since: number
      pid: number
      until: number
      then: Then
      pushes: PushInProgress[]
      /** True until SIGTERM is sent. */
      cancellable: boolean
    }
  | { kind: 'stopping'; since: number; pid: number; killAt: number; then: Then }
  | ({
      kind: 'backing-off'
      since: number
      attempt: number
      until: number
      exit: Exit
      lastLines: string[]
      waits: number[]
      lastConfig?: LastConfigOffer
    } & LastEnd)
  /** `exits` is how many there were, in a row, in the last `windowMs`. */
  | {
      kind: 'crash-looping'
      since: number
      exits: number
      windowMs: number
      retryAt: number
      exit: Exit
      lastLines: string[]
      lastWord?: string
      lastConfig?: LastConfigOffer
    }
  | {
      kind: 'foreign'
      since: number
      port: number
      pid?: number
      command?: string
      user?: string
      startedAt?: number
      /** Set when it is a zot; the version is absent where zot does not report it. `program`: its file, absolute. */
      zot?: { version?: string; program?: string }
      keptBy?: KeptBy
      /** Set when nothing is started, also on a free port, until somebody has chosen. */
      open?: OpenChoice
    }
  /** Nothing is started until somebody has chosen. */
  | ({ kind: 'undecided'; since: number } & Undecided)
  | { kind: 'failed'; since: number; error: Failure; retryAt?: number; lastConfig?: LastConfigOffer }

/** The state's name in JSON: the process axis, with `degraded` folded in from silence and from the service axis. */
export type StateName = ProcessState['kind'] | 'degraded'

/** One line of "why did it restart". `downMs` is the time without an answer; absent while it is not back. */
export interface JournalEntry {
  id: string
  at: number
  cause: Cause
  exit?: Exit
  ranForMs?: number
  downMs?: number
  /** Pushes that this end cut off, by repository. */
  pushesCut?: number
  /** Their names, at most 20. */
  cutRepositories?: string[]
  lastLines: string[]
  /** As in LastEnd, of an end that nobody asked for. */
  lastWord?: string
  pid?: number
}
