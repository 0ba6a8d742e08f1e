import type { Result } from '../oci/error-table.ts'
import type { Removal } from '../oci/layout-index.ts'
import type { Digest } from '../oci/reference.ts'

/** A manifest that index.json names, as maintenance sees it. */
export interface SurveyedManifest {
  readonly digest: string
  readonly mediaType: string
  readonly tags: readonly string[]
  /** Whether it has an entry without a tag. */
  readonly hasUntagged: boolean
  /** When its file was last written, or relied upon, ms since the epoch; undefined: there is no file. */
  readonly writtenAt: number | undefined
  readonly kind: 'image' | 'index' | 'other'
  /** Every digest it names, without its subject. */
  readonly links: readonly string[]
  /** Those of them without which it would not have been accepted. */
  readonly required: readonly string[]
  readonly subject: string | undefined
}

export interface CollectOptions {
  /** Chooses the entries that are removed from the index. Pure; called again when a request relied on what it chose. */
  readonly decide: (manifests: readonly SurveyedManifest[]) => readonly Removal[]
  /** Blobs last written before this go when nothing names them, ms since the epoch. */
  readonly blobsBefore: number
  /** Makes way for requests; called between small pieces of work. */
  readonly pause: () => Promise<void>
  readonly signal: AbortSignal
}

export interface Collected {
  /** Entries of the index that were removed. */
  readonly removed: readonly Removal[]
  readonly blobs: number
  readonly bytes: number
  /** Why unreferenced blobs were left alone. */
  readonly keptBecause: string | undefined
}

export type BlobHealth =
  | { readonly kind: 'sound' | 'missing' | 'aborted' }
  /** `inode` names the file that was read: hard links share it. */
  | { readonly kind: 'corrupt'; readonly inode: string }
  | { readonly kind: 'unreadable'; readonly reason: string }

export interface CheckOptions {
  readonly pause: () => Promise<void>
  readonly signal: AbortSignal
  /** Verdicts by inode, for files with several names; one map for one round. */
  readonly known: Map<string, boolean>
}

export interface RemovalOptions {
  /** Its index was last changed before this, ms since the epoch. */
  readonly before: number
  /** Called once it is gone, and before a push that waits for that goes on. */
  readonly onRemoved: () => void
}

/** `kept`: why an empty repository stays, in words; once for each reason. */
export type RepositoryRemoval =
  | { readonly kind: 'removed' | 'in-use' }
  | { readonly kind: 'kept'; readonly reason: string; readonly isNews: boolean }

/** Maintenance of one store while it serves. Every `name` is a repository name. */
export interface StoreMaintenance {
  /**
   * Every repository, and every folder with the beginnings of one. `onUnreadable` hears of those that cannot be
   * entered, so that nobody knows what is below them.
   */
  names(onUnreadable?: (name: string) => void): AsyncIterable<string>
  survey(name: string, pause: () => Promise<void>): Promise<Result<readonly SurveyedManifest[]>>
  /** Removes manifests as decided, then the blobs that nothing names. Whole at every moment. */
  collect(name: string, options: CollectOptions): Promise<Result<Collected>>
  /** Removes uploads and what zot left of fetching, untouched since `before`; answers how many. */
  removeLeftovers(name: string, before: number): Promise<{ uploads: number; syncs: number }>
  /**
   * Takes a repository off the disk that has no manifest, no blob and no upload, and that no request is at.
   * Repositories nested in it stay.
   */
  removeEmpty(name: string, options: RemovalOptions): Promise<RepositoryRemoval>
  has(name: string, digest: string): Promise<boolean>
  blobs(name: string): AsyncIterable<Digest>
  /** Reads a blob and compares it with its name. */
  check(name: string, digest: Digest, options: CheckOptions): Promise<BlobHealth>
  /**
   * Moves a corrupt blob out of the repository; answers its new path. Undefined: it is no longer the file
   * `inode`, or a request relies on it at this moment.
   */
  quarantine(name: string, digest: Digest, inode: string): Promise<Result<string | undefined>>
}
