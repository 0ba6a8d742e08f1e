import { LRUCache } from 'lru-cache'
import type { Damage } from './damage.ts'
import { Repository, type WaitObserver } from './repository.ts'

/** Indexes kept in memory, in bytes of rough weight. */
const limit = 48 * 1024 * 1024

/** The repositories in memory: never two objects for one name, so never two writers of one index. */
export class RepositoryCache {
  readonly #root: string
  readonly #damage: Damage
  readonly #onWait: WaitObserver | undefined
  readonly #busy = new Map<string, Repository>()
  readonly #known = new LRUCache<string, Repository>({
    // Names of nothing, asked for by whoever tries, weigh little but not nothing.
    max: 20_000,
    maxSize: limit,
    // Never more than a part of the limit: what weighs more than all of it would not be kept at all.
    sizeCalculation: repository => Math.min(repository.weight, limit / 4),
    dispose: (repository, name, reason) => {
      if (reason === 'evict' && !repository.idle) this.#busy.set(name, repository)
    },
  })

  constructor(root: string, damage: Damage, onWait?: WaitObserver) {
    this.#root = root
    this.#damage = damage
    this.#onWait = onWait
  }

  /** For a look at what is in memory. */
  peek(name: string): Repository | undefined {
    return this.#known.get(name)
  }

  /** `name` is a checked repository name. */
  get(name: string): Repository {
    const known = this.#known.get(name)
    if (known) return known
    const repository = this.#busy.get(name) ?? new Repository(this.#root, name, this.#damage, this.#onWait)
    this.#busy.delete(name)
    this.#known.set(name, repository)
    return repository
  }

  /** There is no such repository. */
  forget(name: string, repository: Repository): void {
    if (repository.idle && this.#known.peek(name) === repository) this.#known.delete(name)
  }

  /** Call when an index was loaded or has grown: weighs it again and lets go of what has become idle. */
  weigh(name: string, repository: Repository): void {
    this.#known.set(name, repository)
    for (const [other, kept] of this.#busy) if (kept.idle) this.#busy.delete(other)
  }
}
