import type { Readable } from 'node:stream'
import type { Result } from '../oci/error-table.ts'
import type { Digest, Reference } from '../oci/reference.ts'
import type { DamagedRepository } from './damage.ts'

/** A manifest as it is served. The bytes are those that were pushed. */
export interface StoredManifest {
  readonly digest: string
  readonly mediaType: string
  readonly body: Buffer
}

export interface PutManifest {
  readonly digest: Digest
  readonly subject: Digest | undefined
}

/** Every `name` below is a checked repository name. */
export interface Manifests {
  /** What memory holds, at once; undefined says nothing about the disk. `reference` need not be checked. */
  peek(name: string, reference: string): StoredManifest | undefined
  get(name: string, reference: Reference): Promise<Result<StoredManifest>>
  /**
   * Durable when it ends. `keep`: a tag that points to another manifest stays, and the answer is `denied`.
   * `tags` are set together with a push by digest, all or none.
   */
  put(
    name: string,
    reference: Reference,
    contentType: string,
    body: Buffer,
    existing?: 'replace' | 'keep',
    tags?: readonly string[],
  ): Promise<Result<PutManifest>>
  /** The digest that a tag points to. */
  digestOf(name: string, tag: string): Promise<Result<string | undefined>>
  /**
   * A tag: the manifest stays reachable by digest. A digest: the manifest and all its tags; `keep`: where they
   * are several, the answer is `manifest-shared`. Answers the tags and the digest that lead nowhere any more.
   */
  delete(name: string, reference: Reference, shared?: 'remove' | 'keep'): Promise<Result<readonly string[]>>
  /** Sorted. */
  tags(name: string): Promise<Result<readonly string[]>>
  /** Everything that the index names, with and without a tag, in its order. */
  entries(name: string): Promise<Result<readonly IndexEntry[]>>
  /** Descriptors of the manifests whose subject is `digest`, sorted by digest; none where there is no repository. */
  referrers(name: string, digest: Digest): Promise<Result<readonly ReferrerDescriptor[]>>
}

/** What index.json says of a manifest; one with several tags stands there several times. */
export interface IndexEntry {
  readonly digest: string
  readonly mediaType: string
  readonly size: number
  readonly tag: string | undefined
}

export interface ReferrerDescriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** An open blob; close it. */
export interface BlobReader {
  readonly size: number
  /** Fills `into` from `position` on; answers the number of bytes, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

export interface Blobs {
  /** Size in bytes. */
  stat(name: string, digest: Digest): Promise<Result<number>>
  open(name: string, digest: Digest): Promise<Result<BlobReader>>
  delete(name: string, digest: Digest): Promise<Result<void>>
  /**
   * A repository that `to` can mount the blob from, among those that `accepts`. Undefined: none was found; `known`
   * searches for none that nobody has noted.
   */
  find(
    to: string,
    digest: Digest,
    accepts: (name: string) => boolean,
    effort?: 'search' | 'known',
  ): Promise<Result<string | undefined>>
  /** Makes a blob of another repository this one's, without copying where the file system can. */
  mount(from: string, to: string, digest: Digest): Promise<Result<void>>
}

export interface Chunk {
  readonly body: Readable
  /** Where the client says the chunk begins. */
  readonly at?: number
  /** How many bytes the client says it sends. */
  readonly length?: number
}

export interface Uploads {
  /** Answers the identifier of the new upload. */
  start(name: string): Promise<Result<string>>
  /** How many bytes are there, also while a request is bringing more. */
  offset(name: string, id: string): Promise<Result<number>>
  /** Takes a chunk; answers the new offset. What arrived before a broken connection is kept. */
  write(name: string, id: string, chunk: Chunk): Promise<Result<number>>
  /**
   * Takes the last chunk, if there is one, and makes the upload a blob of the repository if it is what `digest`
   * says; answers its size. Durable when it ends. After a `digest-mismatch` with an `offset` the upload goes on
   * from there, after one without it is gone.
   */
  commit(name: string, id: string, digest: Digest, last?: Chunk): Promise<Result<number>>
  cancel(name: string, id: string): Promise<Result<void>>
}

export interface Storage {
  readonly manifests: Manifests
  readonly blobs: Blobs
  readonly uploads: Uploads
  /** Names of the repositories that hold an index, sorted. */
  repositories(): Promise<Result<readonly string[]>>
  /** Those of them that hold a manifest, or may because their index cannot be read. */
  holding(): Promise<Result<readonly string[]>>
  /**
   * Repositories that are there and cannot be served, with the reason, as far as anybody has looked: at their
   * folders (the list of repositories does), at their indexes (whoever asks for one). Sorted by name.
   */
  damaged(): readonly DamagedRepository[]
  /** Whether the root can still be reached. */
  reachable(): Promise<Result<void>>
}
