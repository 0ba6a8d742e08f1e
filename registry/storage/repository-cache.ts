import { LRUCache } from 'lru-cache'
import type { Damage } from './damage.ts'
import { Repository, type RepositoryObserver } from './repository.ts'

/** Indexes kept in memory, in bytes of rough weight. */
const limit = 48 * 1024 * 1024

/** A new one at each weighing: the library weighs again only what is another object. */
interface CachedRepository {
  readonly repository: Repository
  readonly bytes: number
}

/** The repositories in memory: never two objects for one name, so never two writers of one index. */
export class RepositoryCache {
  readonly #root: string
  readonly #damage: Damage
  readonly #observer: RepositoryObserver
  readonly #limit: number
  readonly #busy = new Map<string, Repository>()
  readonly #known: LRUCache<string, CachedRepository>

  /** `limitBytes`: of rough weight, for all of them together. */
  constructor(root: string, damage: Damage, observer: RepositoryObserver = {}, limitBytes = limit) {
    this.#root = root
    this.#damage = damage
    this.#observer = { ...observer, onSize: (name, repository) => this.#updateSize(name, repository) }
    this.#limit = limitBytes
    this.#known = new LRUCache({
      // Names of nothing, asked for by whoever tries, weigh little but not nothing.
      max: 20_000,
      maxSize: limitBytes,
      sizeCalculation: ({ bytes }) => bytes,
      dispose: ({ repository }, name, reason) => {
        if (reason === 'evict' && !repository.idle) this.#busy.set(name, repository)
      },
    })
  }

  /** For a look at what is in memory. */
  peek(name: string): Repository | undefined {
    return this.#known.get(name)?.repository
  }

  /** `name` is a checked repository name. */
  get(name: string): Repository {
    const known = this.#known.get(name)
    if (known) return known.repository
    const repository = this.#busy.get(name) ?? new Repository(this.#root, name, this.#damage, this.#observer)
    this.#busy.delete(name)
    this.#known.set(name, this.#entryOf(repository))
    return repository
  }

  /** There is no such repository. */
  forget(name: string, repository: Repository): void {
    if (repository.idle && this.#known.peek(name)?.repository === repository) this.#known.delete(name)
  }

  /** An index was loaded or has changed: weighs it again and lets go of what has become idle. */
  #updateSize(name: string, repository: Repository): void {
    // One that was let go of meanwhile stays so: there may be another by now.
    if (this.#known.peek(name)?.repository === repository) this.#known.set(name, this.#entryOf(repository))
    for (const [other, kept] of this.#busy) if (kept.idle) this.#busy.delete(other)
  }

  /** Never more than a part of the limit: what weighs more than all of it would not be kept at all. */
  #entryOf(repository: Repository): CachedRepository {
    return { repository, bytes: Math.ceil(Math.min(repository.sizeBytes, this.#limit / 4)) }
  }
}
