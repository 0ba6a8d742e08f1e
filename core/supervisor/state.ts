import type { Exit, Failure, KeptBy, OpenChoice, WaitsFor } from '../../contract/failure.ts'
import type {
  Cause,
  JournalEntry,
  LastEnd,
  PushInProgress,
  Silence,
  Then,
} from '../../contract/registry-state.ts'
import type { Undecided } from '../../contract/undecided.ts'

export type { Silence } from '../../contract/registry-state.ts'

/**
 * Where this machine reaches the registry. `url` has no trailing slash; an IPv6 `host` is in brackets. `listen`: the
 * address that it binds, which may be a wildcard or ""; absent in records of an older Zotbar.
 */
export interface Target {
  url: string
  host: string
  listen?: string
  port: number
  dataFolder?: string
}

/** The registry process that is supervised. `logFrom`: where its output begins in the log (LogFile.mark). */
export interface RegistryProcess {
  pid: number
  startedAt: number
  adopted: boolean
  target: Target
  logFrom: number
}

/** Somebody else's process that owns the port. */
export interface ForeignProcess {
  pid?: number
  command?: string
  user?: string
  startedAt?: number
  /** Set when it is a zot. */
  zot?: { version?: string; program?: string }
  keptBy?: KeptBy
  /** Set when somebody has to choose before anything is started, even once the port is free. */
  open?: OpenChoice
}

/** What outlives a single stage. */
export interface Memory {
  /** Times of the unasked exits in this row: within the loop window until they are a loop, then all of it. */
  exits: number[]
  /** The row was reported as a crash loop: until it is healthy, or somebody asks, one more exit reports it again. */
  isLooping: boolean
  /** Automatic restarts in a row, without healthy time between. */
  attempt: number
  /** How the try before this one ended; absent once the registry served or was stopped. */
  lastEnd?: LastEnd
  /** Journal entries of outages that last: their length is added when the registry serves again. */
  openOutages: { entry: JournalEntry; since: number }[]
  /** Number of the newest check; results of older ones are ignored. */
  checkSerial: number
}

/** How a process ended, and what it said of that. */
export interface Ending {
  exit: Exit
  /** The last lines worth reading, oldest first. */
  lastLines: string[]
  lastWord?: string
  waitsFor?: WaitsFor
  /** Repositories with a push that this end cut off; absent where nobody could look. */
  cut?: string[]
}

/** A process on its way to its end, and what for. */
export interface Shutdown {
  registry: RegistryProcess
  since: number
  servingSince: number
  goal: Then
  pushes: PushInProgress[]
}

/** The stages behind ProcessState: the same names, with `starting` in its three parts. */
export type Stage =
  | { kind: 'stopped'; since: number; why: 'never-started' | 'asked' | 'quit' }
  /** Is there a process to adopt, is the config valid, is the port free? `goal`: a stop that was asked for meanwhile. */
  | { kind: 'checking'; since: number; cause: Cause; deadline: number; goal?: 'stopped' | 'quit' }
  | { kind: 'launching'; since: number; cause: Cause; deadline: number; target: Target }
  | {
      kind: 'starting'
      since: number
      cause: Cause
      deadline: number
      registry: RegistryProcess
      ownsPort: boolean
    }
  | { kind: 'serving'; since: number; registry: RegistryProcess; silence?: Silence }
  /** `killAt` is set once SIGTERM is sent. The uploads are listed again and again: `listings` counts how often. */
  | ({
      kind: 'draining'
      until: number
      killAt?: number
      listings: number
      listAt: number
      isListing: boolean
    } & Shutdown)
  /** `killed`: SIGKILL was sent at `killAt`. `answeredAt`: last answer of a hung process. */
  | ({
      kind: 'stopping'
      killAt: number
      killed: boolean
      cause: Cause
      answeredAt?: number
      tooSlow?: true
    } & Shutdown)
  | ({
      kind: 'backing-off'
      since: number
      cause: Cause
      attempt: number
      until: number
    } & Ending)
  | ({
      kind: 'crash-looping'
      since: number
      exits: number
      windowMs: number
      retryAt: number
    } & Ending)
  | { kind: 'foreign'; since: number; port: number; owner: ForeignProcess; retryAt: number }
  /** `retryAt`: when it is checked again without being asked to. */
  | { kind: 'undecided'; since: number; undecided: Undecided; retryAt: number }
  /** `survivor`: a process that SIGKILL did not end yet; nothing is started beside it. */
  | {
      kind: 'failed'
      since: number
      error: Failure
      retryAt?: number
      survivor?: { registry: RegistryProcess; goal: Then }
    }

export interface State {
  memory: Memory
  stage: Stage
}

/** What the check before a start found. */
export type CheckResult =
  | { kind: 'free'; target: Target }
  /** A process that an earlier core left. `ownsPort` is false while it is still starting. */
  | { kind: 'ours'; registry: RegistryProcess; ownsPort: boolean }
  | { kind: 'taken'; port: number; owner: ForeignProcess }
  /** The port is free, and somebody has to choose before anything is started. */
  | { kind: 'undecided'; undecided: Undecided }
  | { kind: 'refused'; error: Failure }

/** `at`: ms since the epoch. `jitter`: random, 0 up to 1. */
export type Event = { at: number } & (
  | { kind: 'app-started' }
  | { kind: 'start-asked' }
  /** `withinMs`: pushes are not waited for, and SIGKILL follows that long after SIGTERM. */
  | { kind: 'stop-asked'; goal: 'stopped' | 'quit'; withinMs?: number }
  | { kind: 'restart-asked'; now: boolean }
  | { kind: 'cancel-asked' }
  | { kind: 'woke' }
  | { kind: 'tick' }
  | { kind: 'checked'; serial: number; result: CheckResult }
  | { kind: 'spawned'; registry: RegistryProcess }
  | { kind: 'spawn-failed'; error?: Failure; reason: string; jitter: number }
  | { kind: 'ready'; pid: number }
  /** It did not answer, or answers again (undefined); `hung`: it missed several questions in a row. */
  | { kind: 'silent'; pid: number; silence: Silence | undefined }
  | { kind: 'hung'; pid: number; answeredAt: number }
  /** The data folder of a process that serves is gone, or is another one. */
  | { kind: 'data-lost'; pid: number }
  | { kind: 'uploads-seen'; pid: number; pushes: PushInProgress[] }
  | ({ kind: 'exited'; pid: number; jitter: number } & Ending)
)

export type EventOf<K extends Event['kind']> = Extract<Event, { kind: K }>
export type StageOf<K extends Stage['kind']> = Extract<Stage, { kind: K }>

/** An event before its time is added, which happens when it arrives. */
export type UntimedEvent = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never

export type Effect =
  /** Answered by `checked`. */
  | { do: 'check'; serial: number }
  /** Checks only whether somebody else owns the port. Answered by `checked`. */
  | { do: 'check-port'; serial: number; target: Target }
  /** Answered, before any other event, by `spawned` or `spawn-failed`. */
  | { do: 'spawn'; target: Target }
  | { do: 'signal'; registry: RegistryProcess; signal: 'SIGTERM' | 'SIGKILL' }
  /** Answered by `uploads-seen`. */
  | { do: 'list-uploads'; registry: RegistryProcess }
  | { do: 'journal'; entry: JournalEntry }
  | { do: 'forget-record' }

export interface Next {
  state: State
  effects: Effect[]
}

export const firstState = (at: number): State => ({
  memory: { exits: [], isLooping: false, attempt: 0, openOutages: [], checkSerial: 0 },
  stage: { kind: 'stopped', since: at, why: 'never-started' },
})
