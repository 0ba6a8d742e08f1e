import type { Result } from '../../contract/result.ts'
import type { Notice } from '../../contract/snapshot.ts'
import type { AppLog } from '../../lib/app-log.ts'
import type { Build } from '../../lib/build.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Keeper } from '../../lib/keeper-file.ts'
import type { Engines } from '../engine/engines.ts'
import type { OwnEngine } from '../engine/own-engine.ts'
import type { Engine } from '../platform/engine.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { LogBatch } from '../platform/log-lines.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { UnrevealedKey } from '../registry-client/fresh-keys.ts'
import type { PasswordLocation, Secrets } from '../secrets/secrets.ts'
import type { SystemKeychain } from '../secrets/system-keychain.ts'
import type { Settings } from '../settings/settings.ts'
import type { ShellConnections } from '../transport/shell-connections.ts'

/** How the core is to end. */
export interface QuitHow {
  /** Whether the registry goes on; the setting decides where it is absent. */
  keepServing?: boolean
  /** The user logs out or the computer shuts down: pushes are waited for 5 s at most, and the registry ends. */
  sessionEnds?: boolean
}

/** What only the program around the core can do. */
export interface ProgramControl {
  /** A dashboard address with a token not yet used. Errors: dashboard-off, port-taken, port-refused. */
  dashboardLink?(): Result<string>
  /** Ends every session of the dashboard. Error: file-unusable, where some would come back after a restart. */
  revokeSessions?(): Promise<Result<{ sessions: number }>>
  /** Looks at every deadline now, because the computer woke. */
  woke?(): void
  /** Ends the program, after the answer to the one who asked is on its way. */
  quit(how: QuitHow): void
  /**
   * Hands the home over to the core of another build; answers once that one is ready to take it. `busyWith`: what must
   * not be interrupted by it.
   */
  handOver?(
    request: HandOverRequest,
    busyWith: () => string | undefined,
  ): Promise<Result<{ pid: number; build: string }>>
}

/** Which program is to take over: absolute paths, and the build that the caller believes it to be. */
export interface HandOverRequest {
  node: string
  main: string
  build: string
}

export interface AppOptions {
  keeper: Keeper
  build: Build
  home: string
  configFile: string
  /** The engine that the settings name. */
  engine: Engine
  engines: Engines
  ownEngine: Pick<OwnEngine, 'settle' | 'close'>
  settings: Settings
  clock: Clock
  processes: ProcessTable
  log: AppLog
  keychain: SystemKeychain
  secrets: Secrets
  /** Where the password of a first admin went that was made just now, once it is stored. */
  firstPassword?: Promise<Result<PasswordLocation>>
  /** Where the registry is to listen for its administration. */
  adminSocket: string
  /** What happened before the core answered: a file set aside, a first config.json. */
  notices: Notice[]
  capabilities: ProgramControl
  /** The apps that are connected. */
  shells: ShellConnections
  /** From the core that handed the home over to this one. */
  handedOver: { passphrase?: string | undefined; unrevealed: readonly UnrevealedKey[] } | undefined
}

/** What most features are given. */
export interface Common {
  home: string
  configFile: string
  clock: Clock
  settings: Settings
  /** A file of ours that could not be understood was set aside. */
  report(setAside: SetAside): void
  /** Something that people are to know. */
  notify(notice: Notice): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** What features report without knowing each other: `connect` hands each event to those whom it concerns. */
export interface AppEvents {
  /** Something that a snapshot shows may be another one now. */
  changed: undefined
  /** New lines of the engine's log, from its output or from where config.json sends them. */
  log: LogBatch
  /** The version of the engine that runs is known, or is another one. */
  version: undefined
  /** The data folder of what serves is gone, or is another one. */
  'data-lost': undefined
  /** A managed key may be another one now. */
  'managed-keys': undefined
}
