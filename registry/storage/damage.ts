import { type Found, walkRepositories } from './walk.ts'

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
  /** By the walk that ended last. */
  #folders = new Map<string, string>()
  /** By those who read the index last. */
  readonly #indexes = new Map<string, string>()

  /** `onFound` hears of each damage once, until it is mended or becomes another one. */
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

  /** The index of a repository was read, or there is none. */
  readable(repository: string): void {
    this.#indexes.delete(repository)
  }

  /** Walks over the repositories below `root`, takes note of what cannot be entered, and tells `onUnreadable` of it. */
  async *walk(root: string, onUnreadable: (name: string) => void = () => {}): AsyncGenerator<Found> {
    const folders = new Map<string, string>()
    const names = new Set<string>()
    for await (const found of walkRepositories(root, (name, reason) => {
      folders.set(name, reason)
      onUnreadable(name)
    })) {
      names.add(found.name)
      yield found
    }
    const before = this.#folders
    this.#folders = folders
    for (const [repository, reason] of folders)
      if (before.get(repository) !== reason) this.#onFound({ repository, reason })
    for (const name of this.#indexes.keys()) if (!names.has(name)) this.#indexes.delete(name)
  }
}

const byName = (one: DamagedRepository, other: DamagedRepository): number =>
  one.repository < other.repository ? -1 : 1
