import type { FoundRepository } from './walk.ts'

/** After this long a question makes the list anew in the background, ms: something else may have changed the folder. */
const freshForMs = 60_000

/** The names of all repositories: one walk when first asked, our own additions after it. */
export class Catalog {
  readonly #find: () => AsyncIterable<FoundRepository>
  readonly #now: () => number
  readonly #added = new Set<string>()
  /** Removed while a walk is under way, which may have seen them. */
  readonly #removed = new Set<string>()
  #names: readonly string[] | undefined
  #known = new Set<string>()
  #walkedAt = 0
  #walking: Promise<readonly string[]> | undefined

  /** `find` walks over everything that is there now. */
  constructor(find: () => AsyncIterable<FoundRepository>, now: () => number = Date.now) {
    this.#find = find
    this.#now = now
  }

  /** Adds a repository that has content now. */
  add(name: string): void {
    this.#removed.delete(name)
    if (this.#walking) this.#added.add(name)
    if (this.#known.has(name)) return
    if (this.#walkedAt === 0) return
    this.#known.add(name)
    this.#names = undefined
  }

  /** Takes out a repository that is gone. */
  remove(name: string): void {
    this.#added.delete(name)
    if (this.#walking) this.#removed.add(name)
    if (this.#known.delete(name)) this.#names = undefined
  }

  /** Sorted by code unit. Throws as the first walk does; after it, the names of before are kept. */
  async list(): Promise<readonly string[]> {
    if (this.#walkedAt === 0) return await this.#walk()
    if (this.#now() - this.#walkedAt > freshForMs) void this.#walk().catch(() => {})
    this.#names ??= [...this.#known].sort()
    return this.#names
  }

  #walk(): Promise<readonly string[]> {
    this.#walking ??= this.#collect().finally(() => {
      this.#walking = undefined
    })
    return this.#walking
  }

  async #collect(): Promise<readonly string[]> {
    this.#added.clear()
    this.#removed.clear()
    const found = new Set<string>()
    for await (const { name, hasIndex } of this.#find()) if (hasIndex) found.add(name)
    for (const name of this.#added) found.add(name)
    for (const name of this.#removed) found.delete(name)
    this.#known = found
    this.#names = [...found].sort()
    this.#walkedAt = this.#now()
    return this.#names
  }
}
