import type { Failure } from '../../preload/contract/failure.ts'
import type { Result } from '../../preload/contract/result.ts'
import type { RunbookPart } from '../../preload/contract/runbook.ts'
import type { Obtained, Release, Trust } from './release.ts'

/** Releases, the newest version first. */
export interface Listed {
  releases: Release[]
  /** When the list was last known to be so, ms since the epoch. */
  asOf: number
  from: 'network' | 'cache'
  /** Why it is from the cache, where the network was asked. */
  trouble?: Failure
}

export interface Taking {
  /** A folder of ours; made if it is not there. The file is `zot` in it, or the asset's name for a release. */
  to: string
  signal: AbortSignal
  /** Bytes; `total` where it is known. */
  progress?(done: number, total?: number): void
}

export interface Verifying {
  signal: AbortSignal
  /** Each row as it changes, first `working`, then what came of it. */
  onPart?(part: RunbookPart): void
}

/** Where versions of zot come from, and whether to trust them. Nothing here is executed before `verifyStaged`. */
export interface Releases {
  /**
   * Asks for the list; `cached` answers with what is on disk, without the network. While the rate limit lasts the
   * network is not asked. Errors (only when nothing is cached): web-unreachable, web-limited, web-refused,
   * web-not-understood, web-redirect-refused, web-too-large, bad-url; and cancelled.
   */
  list(options?: { signal?: AbortSignal }): Promise<Result<Listed>>
  cached(): Promise<Listed | undefined>
  /** One version, from the list or asked for by its tag. Errors: those of `list`, and release-not-found. */
  find(version: string, options?: { signal?: AbortSignal }): Promise<Result<Release>>
  /** Whether the daily look at the list is due: `releases.check` is on, the last one is a day old, no limit is on. */
  due(now: number): Promise<boolean>
  /**
   * The program of a release, or of an address. Goes on where an earlier one broke off; a file that is there already
   * with the digest of the list is taken as it is. Errors: those of `list`, release-not-built-for, download-broken,
   * no-space, file-unusable.
   */
  download(what: Release | string, taking: Taking): Promise<Result<Obtained>>
  /** A copy of a local file; the original is not touched. Errors: file-unusable, too-large, no-space, cancelled. */
  fromFile(path: string, taking: Taking): Promise<Result<Obtained>>
  /**
   * Everything that can be known before it runs: size, digests, file type, architecture, signed manifest. `release` for
   * what came from one. Errors: not-a-program, digest-differs, size-differs, manifest-refused, file-changed, and those
   * of `download` for the checksums and the manifest.
   */
  verify(
    got: Obtained,
    release: Release | undefined,
    verifying: Verifying & { allowDowngrade?: boolean },
  ): Promise<Result<Trust>>
  /**
   * The staged file (made executable by the caller, no longer where it was downloaded): its bytes once more, its type,
   * then `--version` within 10 s; `wanted` for a release. Answers the version it told.
   * Errors: file-changed, not-a-program, version-not-told, version-differs.
   */
  verifyStaged(
    file: string,
    sha256: string,
    wanted: string | undefined,
    verifying: Verifying,
  ): Promise<Result<{ version: string; part: RunbookPart }>>
}

/** At the moment of the swap: whether the file still has these bytes. Errors: file-changed, file-unusable. */
export type VerifyAgain = (file: string, sha256: string) => Promise<Result<null>>
