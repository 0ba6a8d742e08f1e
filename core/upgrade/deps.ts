import type { PushInProgress } from '../../contract/registry-state.ts'
import type { Result } from '../../contract/result.ts'
import type { Finding } from '../../contract/runbook.ts'
import type { Engine } from '../platform/engine.ts'
import type { FreeSpace } from '../platform/volume.ts'
import type { Obtained, ObtainOptions } from '../releases/release.ts'
import type { Releases } from '../releases/releases.ts'
import type { VerifyUnchanged } from '../releases/unchanged-file.ts'
import type { StepContext } from '../runbook/step.ts'
import type { PublicAnswer } from '../verify/public-url.ts'
import type { ReadDeps } from '../verify/read-baseline.ts'
import type { ServeDeps } from '../verify/registry-process.ts'
import type { KeyChanges } from './key-changes.ts'
import type { Library } from './library.ts'
import type { UpgradeMemory } from './memory.ts'

/** An edit of config.json that belongs to the version. */
export interface ConfigChange {
  file: string
  before: string
  after: string
  /** Unified. */
  diff: string
  why: string
  required: boolean
}

export interface Advice {
  findings: Finding[]
  edit?: ConfigChange
  /** The file cannot be edited here: what to do by hand. */
  byHand?: string
}

export interface BuildOptions extends ObtainOptions {
  /** Lines of the build's output. */
  onOutput(lines: string[]): void
}

/** What an upgrade is made of. */
export interface UpgradeDeps extends ServeDeps, ReadDeps {
  home: string
  library: Library
  releases: Pick<Releases, 'find' | 'download' | 'fromFile' | 'verify' | 'verifyStaged'>
  verifyAgain: VerifyUnchanged
  /** Builds by the recipe of the settings; `version` where one was asked for. */
  build(version: string | undefined, options: BuildOptions): Promise<Result<Obtained>>
  /** The engine that is supervised, or would be started. */
  current(): Engine
  use(engine: Engine): void
  /** How a zot is run. */
  engine(path: string, version: string | undefined): Engine
  /** The setting `engine.path`, written durably. */
  setEnginePath(path: string): Promise<Result<unknown>>
  /** Whether config.json can be read, and nobody else has the port or the data folders. */
  inspect(): Promise<Result<unknown>>
  /** What a program says of a config file, with relative paths meant from `folder`. */
  accepts(program: string, file: string, folder: string): Promise<Result<null>>
  advise(running: string | undefined, to: string): Promise<Advice>
  /** The edit of config.json, with the old text preserved beside it; and back. Both idempotent. */
  applyEdit(edit: ConfigChange, version: string): Promise<Result<unknown>>
  revertEdit(edit: ConfigChange): Promise<Result<unknown>>
  /** Advisories against the running version. */
  advisories(running: string | undefined): Promise<Finding[]>
  pushes(): Promise<PushInProgress[]>
  freeSpace(path: string): Promise<FreeSpace | undefined>
  /** The newest lines of the engine's log. */
  tail(count: number): Promise<string[]>
  verification(): { readySeconds: number; stableSeconds: number }
  /** `externalUrl`, asked as a client would; undefined where there is none. */
  askPublicUrl(): Promise<PublicAnswer | undefined>
  /** The command lines of `gate.checks`. */
  checks(): string[]
  /** Undefined when it passed; else why not, in half a sentence. */
  runCheck(line: string, signal: AbortSignal): Promise<string | undefined>
  keys: KeyChanges
  /** What a rollback could not put right by itself. */
  reportKeys(keys: { made: string[]; toRevoke: string[]; reRevoked: number }): void
  /** A rollback left the databases as they are: a sentence why, and where the copies are. */
  reportDatabases(databases: { why: string; snapshot: string }): void
  log(message: string, data?: Record<string, unknown>): void
}

export type Context = StepContext<UpgradeMemory>
