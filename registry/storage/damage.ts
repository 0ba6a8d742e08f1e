import { type FoundRepository, indexMissing, walkRepositories } from './walk.ts'

/** A repository that is on disk and cannot be served. */
export interface DamagedRepository {
  readonly repository: string
  /** In words: "index.json is empty", "access is denied". */
  readonly reason: string
}

/**
 * Which repositories cannot be served, as far as anybody has looked: the walks over the data folder say which
 * folders cannot be entered, the repositories whether their index can be read. One of them hides nothing else.
 */
export class Damage {
  readonly #onFound: (damaged: DamagedRepository) => void
  /** Folders that the last complete walk could not enter, with the reason. */
  #folders = new Map<string, string>()
  /** Indexes that could not be read when last tried, with the reason. */
  readonly #indexes = new Map<string, string>()

  /** `onFound` is called once for each damage, and again when its reason changes or it comes back. */
  constructor(onFound: (damaged: DamagedRepository) => void = () => {}) {
    this.#onFound = onFound
  }

  /** Sorted by name. */
  list(): readonly DamagedRepository[] {
    const all = new Map([...this.#folders, ...this.#indexes])
    return [...all].map(([repository, reason]) => ({ repository, reason })).sort(byName)
  }

  /** The index of a repository could not be read. */
  unreadable(repository: string, reason: string): void {
    if (this.#indexes.get(repository) === reason) return
    this.#indexes.set(repository, reason)
    this.#onFound({ repository, reason })
  }

  /** The index of a repository was read, or written. */
  readable(repository: string): void {
    this.#indexes.delete(repository)
  }

  /** There is no index. Only a walk can find out whether there should be one. */
  absent(repository: string): void {
    if (this.#indexes.get(repository) !== indexMissing) this.#indexes.delete(repository)
  }

  /**
   * Walks over the repositories below `root`, and records folders that cannot be entered and indexes that are missing or
   * no files. `onUnreadable` is called for each such folder. `now`: ms since the epoch.
   */
  async *walk(
    root: string,
    onUnreadable: (name: string) => void = () => {},
    now: () => number = Date.now,
  ): AsyncGenerator<FoundRepository> {
    const folders = new Map<string, string>()
    const names = new Set<string>()
    const lost = new Set<string>()
    const note = (name: string, reason: string, what: 'folder' | 'index'): void => {
      if (what === 'index') {
        if (reason === indexMissing) lost.add(name)
        this.unreadable(name, reason)
        return
      }
      folders.set(name, reason)
      onUnreadable(name)
    }
    for await (const found of walkRepositories(root, note, now)) {
      names.add(found.name)
      yield found
    }
    const before = this.#folders
    this.#folders = folders
    for (const [repository, reason] of folders)
      if (before.get(repository) !== reason) this.#onFound({ repository, reason })
    for (const [name, reason] of this.#indexes)
      if (!names.has(name) || (reason === indexMissing && !lost.has(name))) this.#indexes.delete(name)
  }
}

const byName = (one: DamagedRepository, other: DamagedRepository): number =>
  one.repository < other.repository ? -1 : 1
