import type { ConfigFault, Failure } from './failure.ts'
import type { UnreadableRepository } from './image.ts'
import type { EndingKey, KeyCreated, ManagedKeySummary } from './key.ts'
import type { JournalEntry, ProcessState } from './registry-state.ts'
import type { Finding, RunbookProgress } from './runbook.ts'
import type { ShellCapability } from './shell.ts'

/** The probes, from the cheapest to the one that proves most. */
export type ProbeId = 'port' | 'ready' | 'catalog' | 'manifest'

export type ProbeResult =
  | { id: ProbeId; outcome: 'passed'; tookMs: number; detail: string }
  /** `reason`: the registry's own message, where it sent one. */
  | { id: ProbeId; outcome: 'failed'; tookMs: number; detail: string; reason?: string }
  | { id: ProbeId; outcome: 'skipped'; detail: string }

/** The service axis: does it answer, can it be pulled from. `checkedAt` is ms since the epoch. */
export interface ServiceState {
  checkedAt?: number
  probes: ProbeResult[]
}

export interface RepositorySize {
  name: string
  bytes: number
  tags: number
}

/** Sizes in bytes, each file counted once however many hard links it has. */
export interface StorageState {
  /** ms since the epoch of the last complete count; absent before the first. */
  asOf?: number
  scanning: boolean
  bytes?: number
  repositories?: number
  tags?: number
  freeBytes?: number
  volumeBytes?: number
  biggest: RepositorySize[]
  /** Daily samples, oldest first, at most 31: [ms since the epoch, bytes]. */
  history: [number, number][]
  /** Bytes added over `days` days, negative when it shrank; absent with less than a day of samples. */
  growth?: { bytes: number; days: number }
  daysToFull?: number
  /** The folder as a whole cannot be counted. */
  error?: Failure
  /** Repositories that cannot be read, sorted, the first 100; the figures hold for all others. Absent: there are none. */
  unreadable?: UnreadableRepository[]
}

/** A successful push, read from the engine's log. */
export interface PushEvent {
  at: number
  repository: string
  reference: string
  by?: string
}

/** Something about Zotbar's own files that was repaired: notified once, listed until the core ends. */
export type Notice =
  | { id: string; at: number; kind: 'file-set-aside'; file: string; keptAs: string }
  | { id: string; at: number; kind: 'socket-elsewhere'; path: string }
  /** The data folder holds what it held, under another inode or path: it came from a backup, or was moved. */
  | { id: string; at: number; kind: 'data-restored'; folder: string }
  | { id: string; at: number; kind: 'storage-nearly-full'; freeBytes: number; volumeBytes: number }
  | { id: string; at: number; kind: 'config-written'; file: string; data: string }
  | { id: string; at: number; kind: 'admin-created'; user: string; host: string }
  /** There is no keychain here, so a password is stored in a file that only this user can read. */
  | { id: string; at: number; kind: 'secret-in-file'; file: string; why: string }
  /** The password of the first admin is neither in the keychain nor in a file: nobody knows it yet. */
  | { id: string; at: number; kind: 'password-not-stored'; error: Failure }
  /** Somebody is asked by the keychain, and what needs a secret waits for the answer; gone once it came. */
  | { id: string; at: number; kind: 'keychain-asks'; macos: boolean }
  /** A key ends soon, or has ended. Times in ms since the epoch; days as of a managed key. */
  | {
      id: string
      at: number
      kind: 'key-expiring'
      user: string
      registry: string
      uuid: string
      expiresAt: number
      daysLeft: number
      /** Present for a key that is not managed; `more`: how many others of this user the notice is about too. */
      unmanaged?: { label: string; more: number }
    }
  /** An upgrade of zot was rolled back. Each key is described for people: its user, and its time or label. */
  | {
      id: string
      at: number
      kind: 'keys-after-rollback'
      /** Created meanwhile, and gone unless they were created again. */
      made: string[]
      /** Revoked meanwhile, and perhaps working again. */
      toRevoke: string[]
    }
  /** A run broke off, and a later one began before it was brought to its end: it is closed as it was left. */
  | { id: string; at: number; kind: 'run-overtaken'; run: string; title: string }
  /** A run is done, and not all of it could be proven: a sentence each, without its full stop. */
  | { id: string; at: number; kind: 'run-unproven'; run: string; title: string; unproven: string[] }
  /** An upgrade was taken back without its databases: a sentence why, and where the copies are. */
  | { id: string; at: number; kind: 'databases-stay'; why: string; snapshot: string }
  /** The registry is started from Zotbar's package, and not from a copy in `home`: until then no update may replace it. */
  | {
      id: string
      at: number
      kind: 'engine-in-package'
      home: string
      why: { kind: 'no-room'; neededBytes: number; freeBytes: number } | { kind: 'failed'; reason: string }
    }
  /**
   * The dashboard's port is another program's, or the system refuses it: `reason` is half a sentence. Stands for as long
   * as that is so.
   */
  | {
      id: string
      at: number
      kind: 'no-dashboard'
      port: number
      pid?: number
      command?: string
      reason?: string
    }
  /** A token of a session of the dashboard was used again after it was replaced: the session was ended. */
  | { id: string; at: number; kind: 'session-replayed' }
  /** Sessions of the dashboard cannot be written down: half a sentence why. */
  | { id: string; at: number; kind: 'sessions-unsaved'; file: string; reason: string }
  /**
   * Clients ask this registry as a mirror of `upstream` and miss the path of its copies, so that they go to the upstream
   * itself. `mirror`: the address with that path; absent where the engine does not pull through. `at`: since when.
   */
  | { id: string; at: number; kind: 'mirror-passed-by'; upstream: string; requests: number; mirror?: string }
  /** The config names keys that only zot can judge, as it is the engine. */
  | { id: string; at: number; kind: 'config-keys-unknown'; file: string; keys: ConfigFault[] }
  /** Messages to the webhook wait: half a sentence why. */
  | { id: string; at: number; kind: 'webhook-waits'; reason: string }

/** The core itself. `build` is a hash of what was built, or "source"; times in ms since the epoch. */
interface CoreState {
  version: string
  build: string
  pid: number
  startedAt: number
  home: string
  /** The system that it runs on, as Node names it. */
  platform?: string
  /** Who restarts it: whoever started it in a terminal, a service manager, or the menu-bar app. */
  keeper: 'terminal' | 'service' | 'app'
  /** What the apps offer that are connected. */
  offers: ShellCapability[]
}

/** All that a window, a tray or the CLI shows. Plain data: survives structuredClone. */
export interface Snapshot {
  takenAt: number
  app: CoreState
  engine: { id: 'zotbar-registry' | 'zot'; version?: string }
  registry: {
    /** Where this machine reaches it, without a trailing slash. */
    url: string
    host: string
    port: number
    configFile: string
    dataFolder?: string
    /** What config.json names by now, where another data folder is served until somebody decides. */
    undecidedFolder?: string
    /** What people are given instead of `url`: `http.externalUrl`, or an address of this machine for a wildcard. */
    publicUrl?: string
    /** The most that everybody may do who reaches it from another machine. */
    open?: 'push' | 'pull'
    /** People sign in, and what they send crosses the network unencrypted on the way. */
    inClear?: true
  }
  process: ProcessState
  service: ServiceState
  storage: StorageState
  /** Newest first, at most 20 each. */
  journal: JournalEntry[]
  pushes: PushEvent[]
  notices: Notice[]
  /** The managed keys, if any. */
  managedKeys?: ManagedKeySummary[]
  /** All others that are known and end soon or ended lately, if any: their number, and the 20 that end first. */
  endingKeys?: { count: number; keys: EndingKey[] }
  /** When the list of keys last changed, as far as is known; ms since the epoch. */
  keysChangedAt?: number
  /** Keys that a window created and nobody has looked at yet. */
  freshKeys?: KeyCreated[]
  /** With zot: advisories that its config.json does not keep out of reach, and the newest release that is known. */
  upgrade?: { advisories: Finding[]; newest?: string }
  /** The runbook that is under way. */
  runbook?: RunbookProgress
  dashboard?: { url: string }
  /** The settings that an app acts on itself. */
  preferences?: { notifications: boolean; startAtLogin: boolean; keepServing: boolean }
  /** True while the core is quitting. */
  quitting: boolean
}
