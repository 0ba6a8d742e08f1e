import { walkRepositories } from './walk.ts'

/** After this long a question makes the list anew in the background, ms: something else may have changed the folder. */
const freshFor = 60_000

/** The names of all repositories: one walk when first asked, our own additions after it. */
export class Catalog {
  readonly #root: string
  readonly #now: () => number
  readonly #added = new Set<string>()
  #names: readonly string[] | undefined
  #known = new Set<string>()
  #walkedAt = 0
  #walking: Promise<readonly string[]> | undefined

  constructor(root: string, now: () => number = Date.now) {
    this.#root = root
    this.#now = now
  }

  /** Tells of a repository that now holds something. */
  add(name: string): void {
    if (this.#known.has(name)) return
    if (this.#walking) this.#added.add(name)
    if (this.#walkedAt === 0) return
    this.#known.add(name)
    this.#names = undefined
  }

  /** Sorted by code unit. */
  async list(): Promise<readonly string[]> {
    if (this.#walkedAt === 0) return await this.#walk()
    if (this.#now() - this.#walkedAt > freshFor) void this.#walk()
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
    const found = new Set<string>()
    for await (const { name, hasIndex } of walkRepositories(this.#root)) if (hasIndex) found.add(name)
    for (const name of this.#added) found.add(name)
    this.#known = found
    this.#names = [...found].sort()
    this.#walkedAt = this.#now()
    return this.#names
  }
}
