import { readFile, rm } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { syncFile, syncFolder } from '../../lib/sync-file.ts'
import { failure, type Result, success } from '../oci/error-table.ts'
import type { Snapshot } from '../oci/layout-index.ts'
import { type Entry, type LayoutIndex, withManifest, withoutDigest, withoutTag } from '../oci/layout-index.ts'
import { kindOf, type Link, type Manifest, parseManifest } from '../oci/manifest.ts'
import { parsePushedManifest } from '../oci/pushed-manifest.ts'
import type { Reference } from '../oci/reference.ts'
import { type Digest, digestBytes, parseDigest } from '../oci/reference.ts'
import { isFile, touch, writeDurably } from './durable.ts'
import { failureOf, guarded, isMissing } from './errno.ts'
import { layout } from './layout.ts'
import { ReachableContent } from './reach.ts'
import type { Repository } from './repository.ts'
import type { RepositoryCache } from './repository-cache.ts'
import type { IndexEntry, Manifests, PutManifest, ReferrerDescriptor, StoredManifest } from './storage.ts'

/** Manifest bytes kept in memory. */
const limit = 32 * 1024 * 1024

export class ManifestStore implements Manifests {
  readonly #root: string
  readonly #repositories: RepositoryCache
  readonly #onCreated: (name: string) => void
  /** By digest: content is the same in every repository; the repository's index says who may see it. */
  readonly #cache = new LRUCache<string, StoredManifest>({
    maxSize: limit,
    sizeCalculation: manifest => manifest.body.length + 500,
  })

  /** `onCreated` is called for every repository that got content. */
  constructor(root: string, repositories: RepositoryCache, onCreated: (name: string) => void) {
    this.#root = root
    this.#repositories = repositories
    this.#onCreated = onCreated
  }

  peek(name: string, reference: string): StoredManifest | undefined {
    const snapshot = this.#repositories.peek(name)?.snapshot
    const entry = snapshot?.tags.get(reference) ?? snapshot?.digests.get(reference)
    if (!entry) return undefined
    const manifest = this.#cache.get(entry.digest)
    return manifest?.mediaType === entry.mediaType ? manifest : undefined
  }

  async get(name: string, reference: Reference): Promise<Result<StoredManifest>> {
    const loaded = await this.#load(name)
    if (!loaded.ok) return loaded
    const entry =
      reference.kind === 'tag'
        ? loaded.value.tags.get(reference.tag)
        : loaded.value.digests.get(reference.digest.text)
    if (!entry) return failure('manifest-unknown', { name, reference: textOf(reference) })
    return await this.#read(name, entry)
  }

  async digestOf(name: string, tag: string): Promise<Result<string | undefined>> {
    const loaded = await this.#load(name)
    if (loaded.ok) return success(loaded.value.tags.get(tag)?.digest)
    return loaded.error.name === 'name-unknown' ? success(undefined) : loaded
  }

  async tags(name: string): Promise<Result<readonly string[]>> {
    const loaded = await this.#load(name)
    return loaded.ok ? success(loaded.value.tagNames) : loaded
  }

  async entries(name: string): Promise<Result<readonly IndexEntry[]>> {
    const loaded = await this.#load(name)
    return loaded.ok ? success(loaded.value.index.entries) : loaded
  }

  async referrers(name: string, digest: Digest): Promise<Result<readonly ReferrerDescriptor[]>> {
    const loaded = await this.#load(name)
    if (!loaded.ok) return loaded.error.name === 'name-unknown' ? success([]) : loaded
    return await this.#repositories
      .get(name)
      .referrers(loaded.value, digest.text, entry => this.#read(name, entry))
  }

  async put(
    name: string,
    reference: Reference,
    contentType: string,
    body: Buffer,
    existing: 'replace' | 'keep' = 'replace',
    more: readonly string[] = [],
  ): Promise<Result<PutManifest>> {
    if (!kindOf(contentType)) return failure('manifest-type-unsupported', { mediaType: contentType })
    const parsed = parsePushedManifest(body, contentType)
    if (!parsed.ok) return failure('manifest-invalid', { reason: parsed.problem })
    const { manifest } = parsed
    const digest = digestBytes(reference.kind === 'digest' ? reference.digest.algorithm : 'sha256', body)
    if (reference.kind === 'digest' && reference.digest.text !== digest.text) {
      return failure('digest-mismatch', { expected: reference.digest.text, actual: digest.text })
    }
    const repository = this.#repositories.get(name)
    const tags = reference.kind === 'tag' ? [reference.tag] : more
    const reach = new ReachableContent(repository.leases)
    try {
      return await guarded(async () => {
        // From here on nothing that it reaches is removed.
        const held = await reach.hold(digest, manifest, {
          before: repository.snapshot?.digests,
          named: () => this.#named(name),
          child: link => this.#child(name, link),
          isThere: wanted => isFile(layout.blob(this.#root, name, wanted)),
        })
        if (!held.ok) return held
        return await this.#store(name, repository, tags, digest, manifest, body, existing, reach)
      })
    } finally {
      reach.release()
    }
  }

  async #named(name: string): Promise<Result<ReadonlyMap<string, Entry>>> {
    const loaded = await this.#load(name)
    if (loaded.ok) return success(loaded.value.digests)
    return loaded.error.name === 'name-unknown' ? success(new Map()) : loaded
  }

  async #child(name: string, { digest, mediaType }: Link): Promise<Result<Manifest>> {
    const stored = await this.#read(name, { digest: digest.text, mediaType })
    if (!stored.ok) {
      const isGone = stored.error.name === 'manifest-unknown'
      return isGone ? failure('manifest-incomplete', { digest: digest.text }) : stored
    }
    const parsed = parseManifest(stored.value.body, mediaType)
    return parsed.ok
      ? success(parsed.manifest)
      : failure('manifest-invalid', { reason: `${digest.text}: ${parsed.problem}` })
  }

  async #store(
    name: string,
    repository: Repository,
    tags: readonly string[],
    digest: Digest,
    manifest: Manifest,
    body: Buffer,
    existing: 'replace' | 'keep',
    { manifests }: ReachableContent,
  ): Promise<Result<PutManifest>> {
    await this.#writeBlob(name, repository, digest, body)
    const described = { digest: digest.text, mediaType: manifest.mediaType, size: body.length }
    for (const tag of tags) await this.#touchTagged(name, repository, tag)
    let existingTag: string | undefined
    const changed = await repository.change(index => {
      // Asked here, where changes come one after the other: of two pushes of a new tag only one makes it.
      if (existing === 'keep') existingTag = tags.find(tag => pointsElsewhere(index, tag, digest))
      if (existingTag !== undefined) return index
      const whole = withAll(index, manifests)
      if (tags.length === 0) return withManifest(whole, described, undefined)
      return tags.reduce((next, tag) => withManifest(next, described, tag), whole)
    })
    if (!changed.ok) return changed
    if (existingTag !== undefined) return failure('denied', { tag: existingTag })
    this.#cache.set(digest.text, { digest: digest.text, mediaType: manifest.mediaType, body })
    this.#onCreated(name)
    return success({ digest, subject: manifest.subject })
  }

  async #writeBlob(name: string, repository: Repository, digest: Digest, body: Buffer): Promise<void> {
    const path = layout.blob(this.#root, name, digest)
    const folder = layout.blobs(this.#root, name, digest.algorithm)
    const existing = await readFile(path).catch(() => undefined)
    await repository.makeFolder(folder)
    if (!existing?.equals(body)) return await writeDurably(path, body, repository.staging())
    // A blob that the index names is durable already; another one may not be.
    if (!repository.snapshot?.digests.has(digest.text)) {
      await syncFile(path, { dataOnly: true })
      await syncFolder(folder)
    }
    await touch(path)
  }

  async delete(
    name: string,
    reference: Reference,
    shared: 'remove' | 'keep' = 'remove',
  ): Promise<Result<readonly string[]>> {
    const repository = this.#repositories.get(name)
    if (reference.kind === 'digest') {
      return await repository.leases.removing(reference.digest.text, () =>
        guarded(() => this.#deleteDigest(name, repository, reference.digest, shared)),
      )
    }
    let found = false
    // Keeps this object the only one for its name: two would each write an index of their own.
    const hold = repository.leases.watch()
    try {
      await this.#touchTagged(name, repository, reference.tag)
      const changed = await repository.change(index => {
        const after = withoutTag(index, reference.tag)
        found ||= after !== index
        return after
      })
      if (!changed.ok) return changed
      return found
        ? success([reference.tag])
        : failure('manifest-unknown', { name, reference: reference.tag })
    } finally {
      hold.end()
    }
  }

  /** Before a tag moves away: a client that has just resolved it gets the time to pull what it resolved. */
  async #touchTagged(name: string, repository: Repository, tag: string): Promise<void> {
    const digest = parseDigest(repository.snapshot?.tags.get(tag)?.digest ?? '')
    if (digest) await touch(layout.blob(this.#root, name, digest))
  }

  /** Drops a manifest from memory, because its file was removed. */
  forget(digest: string): void {
    this.#cache.delete(digest)
  }

  async #deleteDigest(
    name: string,
    repository: Repository,
    digest: Digest,
    shared: 'remove' | 'keep',
  ): Promise<Result<readonly string[]>> {
    // A request that pinned it before may rely on it already; one that pins it now waits for the end of this removal.
    if (repository.leases.isPinned(digest.text)) return failure('manifest-referenced')
    const loaded = await repository.load()
    if (!loaded.ok) return loaded
    if (!loaded.value.digests.has(digest.text)) {
      return failure('manifest-unknown', { name, reference: digest.text })
    }
    const user = await this.findUser(name, loaded.value, digest, 'index')
    if (!user.ok) return user
    if (user.value !== undefined) return failure('manifest-referenced', { by: user.value })
    let tags: string[] = []
    const changed = await repository.change(index => {
      // Asked here as in #store: a push may have added a tag since the index was read.
      tags = tagsOf(index, digest)
      return shared === 'keep' && tags.length > 1 ? index : withoutDigest(index, digest.text)
    })
    if (!changed.ok) return changed
    if (shared === 'keep' && tags.length > 1) return failure('manifest-shared', { tags: tags.slice(0, 10) })
    this.#cache.delete(digest.text)
    // The index no longer names it; a client that pushes it again waits for the end of this removal.
    await rm(layout.blob(this.#root, name, digest), { force: true })
    await syncFolder(layout.blobs(this.#root, name, digest.algorithm))
    return success([digest.text, ...tags])
  }

  /** The digest of a manifest (of an index, where `among` says so) that links to `digest`. */
  async findUser(
    name: string,
    snapshot: Snapshot,
    digest: Digest,
    among: 'index' | 'all',
  ): Promise<Result<string | undefined>> {
    for (const entry of snapshot.digests.values()) {
      if (entry.digest === digest.text || (among === 'index' && kindOf(entry.mediaType) !== 'index')) continue
      const stored = await this.#read(name, entry)
      if (!stored.ok) {
        // A manifest that is gone holds nothing; one that cannot be read may hold anything.
        if (stored.error.name === 'manifest-unknown') continue
        return stored
      }
      const parsed = parseManifest(stored.value.body, entry.mediaType)
      if (parsed.ok && parsed.manifest.links.some(link => link.digest.text === digest.text)) {
        return success(entry.digest)
      }
    }
    return success(undefined)
  }

  async #load(name: string): Promise<Result<Snapshot>> {
    const repository = this.#repositories.get(name)
    if (repository.snapshot) return success(repository.snapshot)
    const loaded = await repository.load()
    if (!loaded.ok) this.#repositories.forget(name, repository)
    return loaded
  }

  async #read(name: string, entry: Pick<Entry, 'digest' | 'mediaType'>): Promise<Result<StoredManifest>> {
    const cached = this.#cache.get(entry.digest)
    if (cached?.mediaType === entry.mediaType) return success(cached)
    const digest = parseDigest(entry.digest)
    if (!digest) return failure('manifest-unknown', { name, reference: entry.digest })
    let body: Buffer
    try {
      body = await readFile(layout.blob(this.#root, name, digest))
    } catch (error) {
      return isMissing(error)
        ? failure('manifest-unknown', { name, reference: entry.digest })
        : failureOf(error)
    }
    if (digestBytes(digest.algorithm, body).text !== entry.digest) {
      return failure('storage-failed', { reason: `manifest ${entry.digest} of ${name} is damaged on disk` })
    }
    const manifest = { digest: entry.digest, mediaType: entry.mediaType, body }
    this.#cache.set(entry.digest, manifest)
    return success(manifest)
  }
}

const pointsElsewhere = ({ entries }: LayoutIndex, tag: string, digest: Digest): boolean =>
  entries.some(entry => entry.tag === tag && entry.digest !== digest.text)

/** The index with every manifest that a push reaches. The same object: all of them are in it. */
function withAll(index: LayoutIndex, manifests: ReadonlyMap<string, Entry>): LayoutIndex {
  if (manifests.size === 0) return index
  const named = new Set(index.entries.map(entry => entry.digest))
  const absent = [...manifests.values()].filter(entry => !named.has(entry.digest))
  return absent.reduce((next, entry) => withManifest(next, entry, undefined), index)
}

const tagsOf = ({ entries }: LayoutIndex, digest: Digest): string[] =>
  entries.flatMap(entry => (entry.digest === digest.text && entry.tag !== undefined ? [entry.tag] : []))

const textOf = (reference: Reference): string =>
  reference.kind === 'tag' ? reference.tag : reference.digest.text
