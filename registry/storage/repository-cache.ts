import { LRUCache } from 'lru-cache'
import type { Damage } from './damage.ts'
import { Repository, type RepositoryObserver } from './repository.ts'

/** What the indexes in memory may take, estimated, bytes. */
const limit = 48 * 1024 * 1024

/** A new object for each size: the library measures only what it has not seen. */
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

  /** `limitBytes`: for all of them together, estimated. */
  constructor(root: string, damage: Damage, observer: RepositoryObserver = {}, limitBytes = limit) {
    this.#root = root
    this.#damage = damage
    this.#observer = {
      ...observer,
      onSize: (name, repository) => {
        this.#updateSize(name, repository)
        observer.onSize?.(name, repository)
      },
    }
    this.#limit = limitBytes
    this.#known = new LRUCache({
      // Names without a repository, which anybody may ask for, take a little memory too.
      max: 20_000,
      maxSize: limitBytes,
      sizeCalculation: ({ bytes }) => bytes,
      dispose: ({ repository }, name, reason) => {
        if (reason === 'evict' && !repository.idle) this.#busy.set(name, repository)
      },
    })
  }

  /** The repository if it is in memory. */
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

  /** An index was loaded or has changed: updates its size, and forgets repositories that have become idle. */
  #updateSize(name: string, repository: Repository): void {
    // One that was forgotten meanwhile stays so: there may be another object for its name.
    if (this.#known.peek(name)?.repository === repository) this.#known.set(name, this.#entryOf(repository))
    for (const [other, repository] of this.#busy) if (repository.idle) this.#busy.delete(other)
  }

  /** At most a quarter of the limit: the cache would refuse what is larger than all of it. */
  #entryOf(repository: Repository): CachedRepository {
    return { repository, bytes: Math.ceil(Math.min(repository.sizeBytes, this.#limit / 4)) }
  }
}
