import type { Failure } from '../../contract/failure.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import type { UpgradeOrigin } from '../../contract/upgrade.ts'

/** A file of a release. */
export interface Asset {
  name: string
  bytes: number
  url: string
  /** "sha256:" and 64 hex digits, of the list itself. GitHub has none for files uploaded before June 2025. */
  digest?: string
}

/** A release of zot, as GitHub's REST API lists it. */
export interface Release {
  /** "v2.1.15". */
  version: string
  /** ms since the epoch. */
  publishedAt: number
  /** Markdown, at most 20,000 characters. */
  notes: string
  draft: boolean
  prerelease: boolean
  /** The program for this machine; absent where there is none. */
  asset?: Asset
  /** `checksums.sha256.txt`. */
  checksums?: Asset
  /** The signed manifest and its signature; both or none. */
  manifest?: Asset
  signature?: Asset
}

/** Where a file came from. Only what a release lists has a digest that was published; the others are unproven. */
type Origin = 'release' | 'url' | 'file' | 'source'

/** A program that lies in a folder of ours, not executable (0600). Plain data, fit for a journal. */
export interface Obtained {
  origin: Origin
  /** Absolute path of our copy. */
  file: string
  bytes: number
  /** 64 hex digits, computed while it was written. */
  sha256: string
  /** The release it is of; for the other origins absent. */
  version?: string
  /** Where it was taken from: an address without its query, or a path. */
  from: string
}

/** The result of verifying a program, row by row. */
export interface Trust {
  parts: RunbookPart[]
  sha256: string
  /** `signed`: and published. `unproven`: no published digest, so the user's consent has to stand in. */
  origin: UpgradeOrigin
}

/** Releases, the newest version first. */
export interface Listed {
  releases: Release[]
  /** When the list was last known to be so, ms since the epoch. */
  asOf: number
  from: 'network' | 'cache'
  /** Why it is from the cache, where the network was asked. */
  trouble?: Failure
}

export interface ObtainOptions {
  /** A folder of ours; made if it is not there. The file is `zot` in it, or the asset's name for a release. */
  to: string
  signal: AbortSignal
  /** Bytes; `total` where it is known. */
  progress?(done: number, total?: number): void
}

/** What a release calls the program for a machine: "zot-linux-amd64"; undefined where zot is not built for it. */
export function assetName(machine: { platform: string; arch: string }): string | undefined {
  const arch = { x64: 'amd64', arm64: 'arm64' }[machine.arch]
  return arch !== undefined && ['linux', 'darwin'].includes(machine.platform)
    ? `zot-${machine.platform}-${arch}`
    : undefined
}
