import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { rootOf, type SubFolders } from '../../lib/sub-folders.ts'
import { type Disk, isNotFound } from './disk.ts'
import { FileList } from './file-list.ts'
import { findChanges } from './find-changes.ts'
import { Ledger } from './ledger.ts'
import { absentStamp, lostIndexIn, readRepository } from './repository-reader.ts'
import { Stamps } from './stamps.ts'
import { newUploadFolders } from './uploads.ts'
import { type Batch, childrenOf, type Unreadable, walk } from './walk.ts'

export interface StoreCountOptions {
  disk: Disk
  folder: string
  subFolders: SubFolders
  /** ms since the epoch, by the clock that the file system uses. */
  now(): number
}

/** How reading one repository ended. `damaged`: its index.json could not be parsed this time. */
export type ReadOutcome = 'read' | 'damaged' | 'absent' | 'unreadable'

export interface RecountResult {
  /** Repositories that were read again, added or dropped. */
  changed: number
  /** The data folder is another one than the one that was counted, or does not exist; then nothing was recounted. */
  isReplaced: boolean
}

/**
 * One count of a store: its exact sums, which of its repositories cannot be read, and the stamps of its folders.
 * Reads run one after the other, so an older result never replaces a newer one.
 */
export class StoreCount {
  readonly ledger = new Ledger()
  readonly stamps: Stamps
  /** The reason for each repository, or for a data folder by its path. */
  readonly unreadable = new Map<string, string>()
  readonly #options: StoreCountOptions
  readonly #queue = serialQueue()
  readonly #damaged = new Set<string>()
  /** Device and inode of the data folder that was counted. */
  #identity: string | undefined

  constructor(options: StoreCountOptions) {
    this.#options = options
    this.stamps = new Stamps(options.folder, options.subFolders)
  }

  /** Remembers which folder is at the path of the data folder now. */
  async identify(): Promise<void> {
    this.#identity = await this.#options.disk.identity(this.#options.folder)
  }

  rootOf(name: string): string {
    return rootOf(this.#options.folder, this.#options.subFolders, name)
  }

  /** Adds the results of a walk that began at `readAt`. */
  addBatch({ repositories, files, folders }: Batch, readAt: number): void {
    let at = 0
    for (const { files: count, stamps, ...repository } of repositories) {
      // A copy, because a view would keep the whole batch alive.
      const keys = files.keys.slice(2 * at, 2 * (at + count))
      this.ledger.put(repository, { keys, sizes: files.sizes.subarray(at, at + count) })
      this.stamps.putRepository(repository.name, stamps, readAt)
      this.#recordIndex(repository.name, repository.tags)
      at += count
    }
    for (const { root, name, stamp } of folders) this.stamps.putFolder(root, name, stamp, readAt)
  }

  /** Adds what a walk could not read. */
  addUnreadable(list: readonly Unreadable[]): void {
    for (const { name, reason } of list) if (name !== '') this.unreadable.set(name, reason)
  }

  /** Reads one repository again. */
  read(name: string): Promise<ReadOutcome> {
    return this.#queue.run(() => this.#read(name))
  }

  /**
   * Reads again what changed, also by other programs. Checks the stamps of every known folder, and of the index.json and
   * the blob folders of every repository, and reads or lists nothing else.
   */
  recount(stopped: () => boolean = () => false): Promise<RecountResult> {
    return this.#queue.run(() => this.#recount(stopped))
  }

  /** Repositories whose index.json could not be parsed when it was last read. */
  damagedRepositories(): string[] {
    return [...this.#damaged]
  }

  /** Every folder that may hold uploads: the known repositories, and folders that have or may become one since. */
  async uploadCandidates(): Promise<Set<string>> {
    const candidates = new Set(this.ledger.names())
    const blobs = /\/blobs$/
    for (const root of this.stamps.roots()) {
      // A folder without an index may become a repository.
      for (const name of this.stamps.folders(root).keys())
        if (name !== '' && !this.ledger.has(name.replace(blobs, '')) && this.rootOf(name) === root)
          candidates.add(name)
      for (const name of await newUploadFolders(this.#options.disk, root, this.stamps))
        if (this.rootOf(name) === root) candidates.add(name)
    }
    return candidates
  }

  async #read(name: string): Promise<ReadOutcome> {
    const readAt = this.#options.now()
    const files = new FileList()
    try {
      const repository = await readRepository(this.#options.disk, `${this.rootOf(name)}/${name}`, name, files)
      if (!repository) {
        this.#drop(name)
        return await this.#readLost(name, readAt)
      }
      const { stamps, ...count } = repository
      this.ledger.put(count, files.take())
      this.stamps.putRepository(name, stamps, readAt)
      return this.#recordIndex(name, count.tags) ? 'read' : 'damaged'
    } catch (problem) {
      if (errorCode(problem) === undefined) throw problem
      this.unreadable.set(name, reasonOf(problem))
      return 'unreadable'
    }
  }

  /** A folder that is no repository now: reports it when it is one that lost its index. */
  async #readLost(name: string, now: number): Promise<ReadOutcome> {
    const { disk } = this.#options
    const root = this.rootOf(name)
    try {
      const lost = await lostIndexIn(disk, `${root}/${name}`, await disk.list(`${root}/${name}`), now)
      if (lost?.kind === 'settling') this.stamps.putFolder(root, name, Number.NaN, now)
      if (lost?.kind !== 'lost') return 'absent'
      this.unreadable.set(name, lost.reason)
      return 'unreadable'
    } catch (problem) {
      if (isNotFound(problem)) return 'absent'
      throw problem
    }
  }

  /** Whether the index was parsed; the reason why a repository is unreadable stays until it is. */
  #recordIndex(name: string, tags: number | undefined): boolean {
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

  async #recount(stopped: () => boolean): Promise<RecountResult> {
    const { disk, folder, now } = this.#options
    const identity = await disk.identity(folder)
    if (
      identity === undefined
        ? this.ledger.repositories > 0
        : this.#identity !== undefined && identity !== this.#identity
    )
      return { changed: 0, isReplaced: true }
    this.#identity = identity
    let changed = 0
    for (const root of this.stamps.roots()) {
      const readAt = now()
      const changes = await findChanges(disk, root, this.stamps, name => this.rootOf(name) === root)
      if (stopped()) return { changed, isReplaced: false }
      // A folder of storage.subPaths may be a volume that is not mounted; its repositories are not deleted then.
      if (changes.folders.get('') === absentStamp && this.#hasRepositories(root)) {
        this.unreadable.set(root, 'it is not there')
        continue
      }
      this.unreadable.delete(root)
      changed += await this.#applyChanges(root, changes, readAt)
    }
    return { changed, isReplaced: false }
  }

  /** Whether any repository was counted below a data folder. */
  #hasRepositories(root: string): boolean {
    return [...this.stamps.repositories().keys()].some(name => this.rootOf(name) === root)
  }

  async #applyChanges(
    root: string,
    { folders, repositories }: Awaited<ReturnType<typeof findChanges>>,
    readAt: number,
  ): Promise<number> {
    const { disk } = this.#options
    const toRead = new Set(repositories)
    let changed = 0
    for (const [name, stamp] of folders) {
      if (stamp === absentStamp) {
        // A data folder that does not exist yet is checked again the next time.
        if (name === '') continue
        this.stamps.dropFolder(root, name)
        if (this.unreadable.delete(name)) changed++
        if (this.rootOf(name) === root && this.ledger.has(name)) toRead.add(name)
        continue
      }
      const path = name === '' ? root : `${root}/${name}`
      try {
        const children = childrenOf(await disk.list(path), name)
        const mayChange = children.isRepository !== this.ledger.has(name) || children.isLayout
        if (mayChange && this.rootOf(name) === root) toRead.add(name)
        // It lists the folders of digest algorithms, of which one may be new.
        if (name.endsWith('/blobs')) toRead.add(name.slice(0, -'/blobs'.length))
        for (const child of children.folders) {
          if (this.stamps.hasFolder(root, child)) continue
          const wanted = (repository: string): boolean => this.rootOf(repository) === root
          const take = (batch: Batch): boolean => {
            changed += batch.repositories.length
            this.addBatch(batch, readAt)
            return true
          }
          this.addUnreadable(await walk(disk, root, take, 4096, wanted, child))
        }
        this.stamps.putFolder(root, name, stamp, readAt)
        if (!this.ledger.has(name) && this.unreadable.delete(name)) changed++
      } catch (problem) {
        if (errorCode(problem) === undefined) throw problem
        // A folder removed just now is noticed the next time.
        if (isNotFound(problem)) continue
        this.unreadable.set(name === '' ? root : name, reasonOf(problem))
        this.stamps.putFolder(root, name, stamp, readAt)
      }
    }
    for (const name of this.unreadable.keys())
      if (name !== root && this.rootOf(name) === root && this.stamps.hasFolder(root, name)) toRead.add(name)
    for (const name of toRead) {
      if (name === '') continue
      const wasKnown = this.ledger.has(name) || this.unreadable.has(name)
      const outcome = await this.#read(name)
      if (wasKnown || outcome !== 'absent') changed++
    }
    return changed
  }
}
