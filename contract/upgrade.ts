import type { Failure } from './failure.ts'
import type { Finding, RunbookPlan } from './runbook.ts'

/** A version that failed here once: it is not taken again unless it is named. */
export interface BadVersion {
  /** ms since the epoch. */
  at: number
  reason: string
}

/** A zot under the app's own folder, or the one that serves. */
export interface InstalledVersion {
  version: string
  path: string
  running: boolean
  bad?: BadVersion
}

/** What the app knows about versions without the network. */
export interface UpgradeState {
  engine: 'zotbar-registry' | 'zot'
  /** The version that runs, or would be started; absent where zot does not report it. */
  running?: string
  /** The newest release that is known, prereleases and bad versions apart. */
  newest?: string
  /** When the list of releases was last read, ms since the epoch. */
  checkedAt?: number
  /** The version that going back leads to. */
  back?: string
  installed: InstalledVersion[]
  /** Advisories that affect the running version. */
  findings: Finding[]
  /** A recipe for a build from source is set up. */
  sourceBuild: boolean
  /** Whether the app upgrades by itself. */
  schedule: 'never' | 'weekly'
}

/** A release as the wizard offers it. */
export interface ReleaseRow {
  version: string
  publishedAt?: number
  /** Markdown. */
  notes: string
  bytes?: number
  /** "sha256:...", of the release's own list. */
  digest?: string
  installed: boolean
  running: boolean
  bad?: BadVersion
  /** Older than the version that runs. */
  older: boolean
  /** What it would mean for the config as it is. */
  findings: Finding[]
}

export interface UpgradeReleases {
  /** The newest first, with what is installed or runs and is in no list. */
  releases: ReleaseRow[]
  /** When the list was last known to be so, ms since the epoch; absent where none could be had. */
  asOf?: number
  /** Why the list is an old one, or is not there. */
  trouble?: Failure
}

/** A change of config.json that belongs to a change of the version. */
export interface UpgradeEdit {
  file: string
  /** Unified diff. */
  diff: string
  why: string
  /** Without it the version does not accept the file. */
  required: boolean
}

/** What is known about where the program comes from, before a byte of it is read. */
export type UpgradeOrigin = 'published' | 'signed' | 'unproven'

export interface UpgradePlan extends RunbookPlan {
  from?: string
  /** Absent where it is known only once the file was looked at. */
  to?: string
  origin: UpgradeOrigin
  edit?: UpgradeEdit
}
