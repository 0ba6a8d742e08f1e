import type { Exit, Failure } from '../../contract/failure.ts'
import type { Cause, JournalEntry, PushInProgress, Silence, Then } from '../../contract/registry-state.ts'
import type { OpenChoice, Undecided } from '../../contract/undecided.ts'

export type { Silence } from '../../contract/registry-state.ts'

/**
 * Where the registry answers this machine. `url` has no trailing slash; an IPv6 `host` is in brackets. `listen`: what it
 * listens at, which may be every address ("" or a wildcard); absent in records that an older Zotbar wrote.
 */
export interface Target {
  url: string
  host: string
  listen?: string
  port: number
  dataFolder?: string
}

/** One process under care. `logFrom`: where its output begins in the log (LogFile.mark). */
export interface RegistryProcess {
  pid: number
  startedAt: number
  adopted: boolean
  place: Target
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
  /** Set when somebody has to choose before anything is started, also on a free port. */
  open?: OpenChoice
}

/** What outlives a single stage. */
export interface Memory {
  /** Times of the unasked exits within the loop window. */
  exits: number[]
  /** Automatic restarts in a row, without healthy time between. */
  attempt: number
  /** Exits told with the last crash loop; 0 when there is none. Until healthy, one more exit is the loop again. */
  reportedExits: number
  /** Journal entries whose time without an answer is not over: filled in when it serves again. */
  openOutages: { entry: JournalEntry; since: number }[]
  /** Number of the newest check; answers to older ones are ignored. */
  checkSerial: number
}

interface Ending {
  run: RegistryProcess
  since: number
  servingSince: number
  goal: Then
  pushes: PushInProgress[]
}

/** The stages behind ProcessState: the same names, with `starting` in its three parts. */
export type Stage =
  | { kind: 'stopped'; since: number; why: 'never-started' | 'asked' | 'quit' }
  /** Is there a process of ours to adopt, is the config valid, is the port free? `goal`: asked for meanwhile. */
  | { kind: 'checking'; since: number; cause: Cause; deadline: number; goal?: 'stopped' | 'quit' }
  | { kind: 'launching'; since: number; cause: Cause; deadline: number; place: Target }
  | {
      kind: 'starting'
      since: number
      cause: Cause
      deadline: number
      run: RegistryProcess
      ownsPort: boolean
    }
  | { kind: 'serving'; since: number; run: RegistryProcess; silence?: Silence }
  /** `killAt` is set once SIGTERM is sent. */
  | ({
      kind: 'draining'
      until: number
      killAt?: number
      looks: number
      lookAt: number
      looking: boolean
      stillSince: number
    } & Ending)
  /** `killed`: SIGKILL was sent at `killAt`. `answeredAt`: last answer of a hung process. */
  | ({
      kind: 'stopping'
      killAt: number
      killed: boolean
      cause: Cause
      answeredAt?: number
      tooSlow?: true
    } & Ending)
  | {
      kind: 'backing-off'
      since: number
      cause: Cause
      attempt: number
      until: number
      exit: Exit
      lastLines: string[]
    }
  | {
      kind: 'crash-looping'
      since: number
      exits: number
      retryAt: number
      exit: Exit
      lastLines: string[]
    }
  | { kind: 'foreign'; since: number; port: number; owner: ForeignProcess; retryAt: number }
  /** `retryAt`: when it is looked at again, by itself. */
  | { kind: 'undecided'; since: number; undecided: Undecided; retryAt: number }
  /** `survivor`: a process that SIGKILL did not end yet; nothing is started beside it. */
  | {
      kind: 'failed'
      since: number
      error: Failure
      retryAt?: number
      survivor?: { run: RegistryProcess; goal: Then }
    }

export interface State {
  memory: Memory
  stage: Stage
}

/** What the look at the machine before a start found. */
export type CheckResult =
  | { kind: 'free'; place: Target }
  /** A process that an earlier life of the app left. `ownsPort` is false while it is still starting. */
  | { kind: 'ours'; run: RegistryProcess; ownsPort: boolean }
  | { kind: 'taken'; port: number; owner: ForeignProcess }
  /** The port is free, and somebody has to choose before anything is started. */
  | { kind: 'undecided'; undecided: Undecided }
  | { kind: 'refused'; error: Failure }

/** `at`: ms since the epoch. `dice`: random, 0 up to 1, for the jitter. */
export type Event = { at: number } & (
  | { kind: 'app-started' }
  | { kind: 'start-asked' }
  /** `withinMs`: pushes are not waited for, and SIGKILL follows that long after SIGTERM. */
  | { kind: 'stop-asked'; goal: 'stopped' | 'quit'; withinMs?: number }
  | { kind: 'restart-asked'; now: boolean }
  | { kind: 'cancel-asked' }
  | { kind: 'woke' }
  | { kind: 'tick' }
  | { kind: 'checked'; serial: number; finding: CheckResult }
  | { kind: 'spawned'; run: RegistryProcess }
  | { kind: 'spawn-failed'; error?: Failure; reason: string; dice: number }
  | { kind: 'ready'; pid: number }
  /** It did not answer, or does again (undefined): `hung` is the verdict after several questions without a sign of life. */
  | { kind: 'silent'; pid: number; silence: Silence | undefined }
  | { kind: 'hung'; pid: number; answeredAt: number }
  /** The data folder of a process that serves is gone, or is another one. */
  | { kind: 'data-lost'; pid: number }
  | { kind: 'uploads-seen'; pid: number; pushes: PushInProgress[] }
  | { kind: 'exited'; pid: number; exit: Exit; lastLines: string[]; dice: number }
)

/** An event without its time, which is read when it arrives. */
export type UntimedEvent = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never

export type Effect =
  /** Answered by `checked`. */
  | { do: 'check'; serial: number }
  /** Only whether somebody else owns the port: answered by `checked`. */
  | { do: 'look-at-port'; serial: number; place: Target }
  /** Answered, before any other event, by `spawned` or `spawn-failed`. */
  | { do: 'spawn'; place: Target }
  | { do: 'signal'; run: RegistryProcess; signal: 'SIGTERM' | 'SIGKILL' }
  /** Answered by `uploads-seen`. */
  | { do: 'look-at-uploads'; pid: number }
  | { do: 'journal'; entry: JournalEntry }
  | { do: 'forget-record' }

export interface Next {
  state: State
  effects: Effect[]
}

export const firstState = (at: number): State => ({
  memory: { exits: [], attempt: 0, reportedExits: 0, openOutages: [], checkSerial: 0 },
  stage: { kind: 'stopped', since: at, why: 'never-started' },
})
