import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { rootOf, type SubFolders } from '../../lib/sub-folders.ts'
import { serialQueue } from '../platform/tasks.ts'
import { type Disk, isGone } from './disk.ts'
import { FileList } from './file-list.ts'
import { findChanges } from './find-changes.ts'
import { Ledger } from './ledger.ts'
import { gone, lostIndexIn, readRepository } from './repository-reader.ts'
import { Stamps } from './stamps.ts'
import { newUploadPlaces } from './uploads.ts'
import { type Batch, childrenOf, type Unreadable, walk } from './walk.ts'

export interface StoreCountOptions {
  disk: Disk
  folder: string
  subFolders: SubFolders
  /** ms since the epoch, by the clock that the file system uses. */
  now(): number
}

/** How reading one repository ended. `damaged`: its index.json cannot be understood, now at least. */
export type ReadEnd = 'read' | 'damaged' | 'absent' | 'unreadable'

export interface Recounted {
  /** Repositories that were read again, found or dropped. */
  changed: number
  /** The data folder is another one than the one that was counted, or is not there: nothing was taken over. */
  elsewhere: boolean
}

/**
 * What is known of a store: its exact sums, which of its repositories cannot be read, and what was last seen of its
 * folders. A repository is read by one reader at a time, so that an older look never replaces a newer one.
 */
export class StoreCount {
  readonly ledger = new Ledger()
  readonly stamps: Stamps
  /** Why, by name. */
  readonly unreadable = new Map<string, string>()
  readonly #options: StoreCountOptions
  readonly #queue = serialQueue()
  readonly #damaged = new Set<string>()
  /** The data folder that was counted: device and inode. */
  #identity: string | undefined

  constructor(options: StoreCountOptions) {
    this.#options = options
    this.stamps = new Stamps(options.folder, options.subFolders)
  }

  /** The data folder is this one from now on. */
  async identify(): Promise<void> {
    this.#identity = await this.#options.disk.identity(this.#options.folder)
  }

  rootOf(name: string): string {
    return rootOf(this.#options.folder, this.#options.subFolders, name)
  }

  /** Takes over what a walk found that began at `readAt`. */
  take({ repositories, files, folders }: Batch, readAt: number): void {
    let at = 0
    for (const { files: count, stamps, ...repository } of repositories) {
      // A copy, because a view would keep the whole batch alive.
      const keys = files.keys.slice(2 * at, 2 * (at + count))
      this.ledger.put(repository, { keys, sizes: files.sizes.subarray(at, at + count) })
      this.stamps.putRepository(repository.name, stamps, readAt)
      this.#understood(repository.name, repository.tags)
      at += count
    }
    for (const { root, name, stamp } of folders) this.stamps.putFolder(root, name, stamp, readAt)
  }

  /** What a walk could not read. */
  takeUnreadable(found: readonly Unreadable[]): void {
    for (const { name, reason } of found) if (name !== '') this.unreadable.set(name, reason)
  }

  /** Reads one repository again. */
  read(name: string): Promise<ReadEnd> {
    return this.#queue.run(() => this.#read(name))
  }

  /**
   * Looks at every folder that is known, at index.json and the folders of blobs of every repository, and reads again
   * what changed since: also what other programs brought, moved or took away. Nothing else is read or listed.
   */
  recount(stopped: () => boolean = () => false): Promise<Recounted> {
    return this.#queue.run(() => this.#recount(stopped))
  }

  /** Repositories whose index.json could not be understood, so far. */
  damaged(): string[] {
    return [...this.#damaged]
  }

  /** Every repository that is known, and every folder that has become one, or the beginnings of one, since. */
  async uploadPlaces(): Promise<Set<string>> {
    const places = new Set(this.ledger.names())
    const blobs = /\/blobs$/
    for (const root of this.stamps.roots()) {
      // One without an index may be the beginning of a repository.
      for (const name of this.stamps.folders(root).keys())
        if (name !== '' && !this.ledger.has(name.replace(blobs, '')) && this.rootOf(name) === root)
          places.add(name)
      for (const name of await newUploadPlaces(this.#options.disk, root, this.stamps))
        if (this.rootOf(name) === root) places.add(name)
    }
    return places
  }

  async #read(name: string): Promise<ReadEnd> {
    const readAt = this.#options.now()
    const files = new FileList()
    try {
      const read = await readRepository(this.#options.disk, `${this.rootOf(name)}/${name}`, name, files)
      if (!read) {
        this.#drop(name)
        return await this.#readLost(name, readAt)
      }
      const { stamps, ...count } = read
      this.ledger.put(count, files.take())
      this.stamps.putRepository(name, stamps, readAt)
      return this.#understood(name, count.tags) ? 'read' : 'damaged'
    } catch (problem) {
      if (errorCode(problem) === undefined) throw problem
      this.unreadable.set(name, reasonOf(problem))
      return 'unreadable'
    }
  }

  /** What was a repository, or never was one: where its index was lost, that is said. */
  async #readLost(name: string, now: number): Promise<ReadEnd> {
    const { disk } = this.#options
    const root = this.rootOf(name)
    try {
      const lost = await lostIndexIn(disk, `${root}/${name}`, await disk.list(`${root}/${name}`), now)
      if (lost?.kind === 'settling') this.stamps.putFolder(root, name, Number.NaN, now)
      if (lost?.kind !== 'lost') return 'absent'
      this.unreadable.set(name, lost.reason)
      return 'unreadable'
    } catch (problem) {
      if (isGone(problem)) return 'absent'
      throw problem
    }
  }

  /** What was said of a damaged index stands until it is read whole. */
  #understood(name: string, tags: number | undefined): boolean {
    if (tags === undefined) {
      this.#damaged.add(name)
      return false
    }
    this.#damaged.delete(name)
    this.unreadable.delete(name)
    return true
  }

  #drop(name: string): void {
    this.ledger.drop(name)
    this.stamps.dropRepository(name)
    this.#damaged.delete(name)
    this.unreadable.delete(name)
  }

  async #recount(stopped: () => boolean): Promise<Recounted> {
    const { disk, folder, now } = this.#options
    const seen = await disk.identity(folder)
    if (
      seen === undefined
        ? this.ledger.repositories > 0
        : this.#identity !== undefined && seen !== this.#identity
    )
      return { changed: 0, elsewhere: true }
    this.#identity = seen
    let changed = 0
    for (const root of this.stamps.roots()) {
      const readAt = now()
      const found = await findChanges(disk, root, this.stamps, name => this.rootOf(name) === root)
      if (stopped()) return { changed, elsewhere: false }
      // A folder of storage.subPaths may be another volume: gone with it, its repositories are not deleted.
      if (found.folders.get('') === gone && this.#holds(root)) {
        this.unreadable.set(root, 'it is not there')
        continue
      }
      this.unreadable.delete(root)
      changed += await this.#follow(root, found, readAt)
    }
    return { changed, elsewhere: false }
  }

  /** Whether something was counted below a data folder. */
  #holds(root: string): boolean {
    return [...this.stamps.repositories().keys()].some(name => this.rootOf(name) === root)
  }

  async #follow(
    root: string,
    { folders, repositories }: Awaited<ReturnType<typeof findChanges>>,
    readAt: number,
  ): Promise<number> {
    const { disk } = this.#options
    const toRead = new Set(repositories)
    let changed = 0
    for (const [name, stamp] of folders) {
      if (stamp === gone) {
        // A data folder that is not there yet is looked for again.
        if (name === '') continue
        this.stamps.dropFolder(root, name)
        if (this.unreadable.delete(name)) changed++
        if (this.rootOf(name) === root && this.ledger.has(name)) toRead.add(name)
        continue
      }
      const path = name === '' ? root : `${root}/${name}`
      try {
        const listed = childrenOf(await disk.list(path), name)
        const mayChange = listed.isRepository !== this.ledger.has(name) || listed.isLayout
        if (mayChange && this.rootOf(name) === root) toRead.add(name)
        // A folder of blobs of another digest is new.
        if (name.endsWith('/blobs')) toRead.add(name.slice(0, -'/blobs'.length))
        for (const child of listed.folders) {
          if (this.stamps.hasFolder(root, child)) continue
          const wanted = (repository: string): boolean => this.rootOf(repository) === root
          const take = (batch: Batch): boolean => {
            changed += batch.repositories.length
            this.take(batch, readAt)
            return true
          }
          this.takeUnreadable(await walk(disk, root, take, 4096, wanted, child))
        }
        this.stamps.putFolder(root, name, stamp, readAt)
        if (!this.ledger.has(name) && this.unreadable.delete(name)) changed++
      } catch (problem) {
        if (errorCode(problem) === undefined) throw problem
        // What has just gone is seen the next time.
        if (isGone(problem)) continue
        this.unreadable.set(name === '' ? root : name, reasonOf(problem))
        this.stamps.putFolder(root, name, stamp, readAt)
      }
    }
    for (const name of this.unreadable.keys())
      if (name !== root && this.rootOf(name) === root && this.stamps.hasFolder(root, name)) toRead.add(name)
    for (const name of toRead) {
      if (name === '') continue
      const known = this.ledger.has(name) || this.unreadable.has(name)
      const end = await this.#read(name)
      if (known || end !== 'absent') changed++
    }
    return changed
  }
}
