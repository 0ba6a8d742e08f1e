import { randomUUID } from 'node:crypto'
import { lstat, readFile, rm } from 'node:fs/promises'
import { parseJson } from '../../lib/json.ts'
import { syncFolder } from '../../lib/sync-file.ts'
import { type Failure, failure, type Result, success } from '../oci/error-table.ts'
import {
  type Entry,
  emptyIndex,
  type LayoutIndex,
  parseIndex,
  printIndex,
  type Snapshot,
} from '../oci/layout-index.ts'
import { isDigest } from '../oci/reference.ts'
import { Damage } from './damage.ts'
import { makeFolder, writeDurably } from './durable.ts'
import { errnoOf, failureOf, isMissing } from './errno.ts'
import { layout, markerText } from './layout.ts'
import { Leases } from './leases.ts'
import { Referrers } from './referrers.ts'
import { errorText } from './root.ts'
import type { ReferrerDescriptor } from './storage.ts'
import { brokenLink } from './walk.ts'

type Change = (index: LayoutIndex) => LayoutIndex

export interface RepositoryObserver {
  /** Called with how long a change waited for those before it, seconds. */
  readonly onWait?: ((seconds: number) => void) | undefined
  /** Called with an exception in a change: a bug. The client gets "internal error". */
  readonly onBug?: ((repository: string, error: unknown) => void) | undefined
  /** What forbids to write at this moment; undefined: nothing. */
  readonly refusal?: (() => Promise<Failure | undefined>) | undefined
  /** Called when a repository has got its first index. */
  readonly onCreated?: ((repository: string) => void) | undefined
  /** Called when a repository takes more or less memory than before: its index was read or written. */
  readonly onSize?: ((name: string, repository: Repository) => void) | undefined
}

interface Pending {
  readonly askedAt: number
  readonly change: Change
  readonly settle: (result: Result<Snapshot>) => void
}

/**
 * One repository: its index in memory and the only writer of its index.json. Changes that arrive while
 * a write is under way are written together by the next one.
 */
export class Repository {
  readonly leases = new Leases()
  readonly #referrers = new Referrers()
  readonly #root: string
  readonly #name: string
  readonly #damage: Damage
  readonly #observer: RepositoryObserver
  #snapshot: Snapshot | undefined
  #loading: Promise<Result<Snapshot>> | undefined
  #pending: Pending[] = []
  #writing = false
  readonly #madeFolders = new Set<string>()
  /** Whether oci-layout is known to be there. */
  #isMarked = false

  constructor(root: string, name: string, damage: Damage = new Damage(), observer: RepositoryObserver = {}) {
    this.#root = root
    this.#name = name
    this.#damage = damage
    this.#observer = observer
  }

  /** Nothing under way: may be forgotten and read again later. */
  get idle(): boolean {
    return !this.#writing && this.#loading === undefined && this.leases.idle
  }

  /** The index when it is in memory. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot
  }

  /** What it takes in memory, estimated, bytes. */
  get sizeBytes(): number {
    return 500 + (this.#snapshot?.index.entries.length ?? 0) * 700 + this.#referrers.bytes
  }

  /** The manifests that refer to `digest`, of an index that was loaded; `read` reads one of them. */
  async referrers(...args: Parameters<Referrers['find']>): Promise<Result<readonly ReferrerDescriptor[]>> {
    const before = this.#referrers.bytes
    const found = await this.#referrers.find(...args)
    if (this.#referrers.bytes !== before) this.#observer.onSize?.(this.#name, this)
    return found
  }

  /** Fails with `name-unknown` where there is no repository. */
  async load(): Promise<Result<Snapshot>> {
    if (this.#snapshot) return success(this.#snapshot)
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined
    })
    return await this.#loading
  }

  async #read(): Promise<Result<Snapshot>> {
    let text: string
    try {
      text = await readFile(layout.index(this.#root, this.#name), 'utf8')
    } catch (error) {
      if (isMissing(error)) {
        // What it should lead to may be on a volume that is away: a new index must not take its place.
        if (await isLink(layout.index(this.#root, this.#name))) {
          this.#damage.unreadable(this.#name, brokenLink)
          return failure('storage-failed', { reason: `of ${this.#name}, ${brokenLink}` })
        }
        this.#damage.absent(this.#name)
        return failure('name-unknown', { name: this.#name })
      }
      const failed = failureOf(error)
      // Too many open files say nothing about this one.
      if (failed.error.name === 'storage-failed')
        this.#damage.unreadable(this.#name, `index.json: ${errorText(error)}`)
      return failed
    }
    const index = parseIndex(text)
    if (!index) {
      this.#damage.unreadable(this.#name, `index.json ${damageOf(text)}`)
      return failure('storage-failed', { reason: `index.json of ${this.#name} ${damageOf(text)}` })
    }
    this.#damage.readable(this.#name)
    this.#snapshot ??= snapshotOf(index)
    this.#observer.onSize?.(this.#name, this)
    return success(this.#snapshot)
  }

  /** Makes it a repository with an empty index, as zot does, where it is none: before its first blob is stored. */
  async begin(): Promise<void> {
    if (!this.#snapshot) await this.change(index => (index === emptyIndex ? { ...index } : index))
  }

  /**
   * Runs `work`, which takes the repository off the disk, while nobody else is at it; `before` is its index, if it has
   * one. Undefined: something is under way there.
   */
  async remove<T>(work: (before: Result<Snapshot>) => Promise<T>): Promise<T | undefined> {
    if (!this.idle) return undefined
    const open = this.leases.close()
    // Changes wait as well: what they find must not be half removed.
    this.#writing = true
    try {
      return await work(await this.load())
    } finally {
      // What counts is what is on disk.
      this.#snapshot = undefined
      this.#isMarked = false
      this.#madeFolders.clear()
      open()
      void this.#writeAll()
    }
  }

  /**
   * Applies a change to the index; ends when it is durable. Creates the repository where there is none. Changes
   * are asked one after the other, each with the index that those before it leave behind.
   */
  change(change: Change): Promise<Result<Snapshot>> {
    return new Promise(settle => {
      this.#pending.push({ change, settle, askedAt: performance.now() })
      if (!this.#writing) void this.#writeAll()
    })
  }

  /** Never rejects, and settles every change: one that throws is reported, and fails alone. */
  async #writeAll(): Promise<void> {
    this.#writing = true
    while (this.#pending.length > 0) {
      const batch = this.#pending
      this.#pending = []
      let result: Result<Snapshot>
      let thrown: ReadonlySet<Pending> = new Set()
      try {
        const now = performance.now()
        for (const { askedAt } of batch) this.#observer.onWait?.((now - askedAt) / 1000)
        const written = await this.#write(batch)
        result = written.result
        thrown = written.thrown
      } catch (error) {
        result = this.#failed(error)
      }
      for (const pending of batch) pending.settle(thrown.has(pending) ? failure('unexpected') : result)
    }
    this.#writing = false
  }

  #failed(error: unknown): Result<never> {
    if (errnoOf(error) !== undefined) return failureOf(error)
    this.#observer.onBug?.(this.#name, error)
    return failure('unexpected')
  }

  async #write(
    batch: readonly Pending[],
  ): Promise<{ result: Result<Snapshot>; thrown: ReadonlySet<Pending> }> {
    const thrown = new Set<Pending>()
    const loaded = await this.load()
    const isNew = !loaded.ok && loaded.error.name === 'name-unknown'
    if (!loaded.ok && !isNew) return { result: loaded, thrown }
    const before = loaded.ok ? loaded.value.index : emptyIndex
    const after = batch.reduce((index, pending) => {
      try {
        return pending.change(index)
      } catch (error) {
        this.#failed(error)
        thrown.add(pending)
        return index
      }
    }, before)
    if (after === before) return { result: loaded, thrown }
    const refusal = await this.#observer.refusal?.()
    if (refusal) return { result: { ok: false, error: refusal }, thrown }
    const marker = layout.marker(this.#root, this.#name)
    // zot takes a folder without it for no repository; a kill may have left the index alone.
    const marks = !this.#isMarked && !(await exists(marker))
    try {
      if (isNew) await this.makeFolder(layout.repository(this.#root, this.#name))
      if (marks) await writeDurably(marker, markerText, this.staging())
      await writeDurably(layout.index(this.#root, this.#name), printIndex(after), this.staging())
    } catch (error) {
      // The new one may stand under the name already: what counts is what is on disk.
      this.#snapshot = undefined
      // A marker that stays alone would say that an index was lost.
      if (marks && !(await exists(layout.index(this.#root, this.#name))))
        await rm(marker, { force: true }).catch(() => {})
      throw error
    }
    this.#isMarked = true
    this.#snapshot = snapshotOf(after)
    this.#damage.readable(this.#name)
    if (isNew) this.#observer.onCreated?.(this.#name)
    this.#observer.onSize?.(this.#name, this)
    return { result: success(this.#snapshot), thrown }
  }

  /** A fresh name below .uploads, from where a rename is atomic. */
  staging(): string {
    return layout.upload(this.#root, this.#name, randomUUID())
  }

  /** Durable, and only the first time costly. A folder found from an earlier run is synced once too. */
  async makeFolder(folder: string): Promise<void> {
    if (this.#madeFolders.has(folder)) return
    await makeFolder(this.#root, folder)
    // Names in it may be of a process that died before it synced them.
    await syncFolder(folder)
    this.#madeFolders.add(folder)
  }
}

/** What cannot be checked counts as there. */
const exists = async (path: string): Promise<boolean> => {
  try {
    await lstat(path)
    return true
  } catch (error) {
    return !isMissing(error)
  }
}

const isLink = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => undefined))?.isSymbolicLink() ?? false

/** What is wrong with a text that is no index. */
function damageOf(text: string): string {
  if (text.trim() === '') return 'is empty'
  if (text.startsWith('\uFEFF')) return 'begins with a byte order mark'
  return parseJson(text) === undefined ? 'is not JSON' : 'is not an image index'
}

function snapshotOf(index: LayoutIndex): Snapshot {
  const tags = new Map<string, Entry>()
  const digests = new Map<string, Entry>()
  for (const entry of index.entries) {
    // A digest always means the content: an index.json with one for a tag gives nobody other bytes for it.
    if (entry.tag !== undefined && !isDigest(entry.tag)) tags.set(entry.tag, entry)
    if (!digests.has(entry.digest)) digests.set(entry.digest, entry)
  }
  return { index, tags, digests, tagNames: [...tags.keys()].sort() }
}
