/**
 * What protects the digests of one repository from removal. A push pins what it relies on, and a removal announces
 * itself. Both happen synchronously, so neither can come between the other's check and its effect on disk.
 */
export class Leases {
  readonly #pins = new Map<string, number>()
  readonly #removals = new Map<string, Promise<void>>()
  readonly #watches = new Set<Set<string>>()
  /** Removals that wait for another one of the same digest. */
  #waiting = 0
  /** Requests that write in the folder without a digest of their own. */
  #entered = 0
  /** Ends when the removal of the repository itself does. */
  #closed: Promise<void> | undefined

  get idle(): boolean {
    const isUsed =
      this.#pins.size + this.#removals.size + this.#watches.size + this.#waiting + this.#entered > 0
    return !isUsed && this.#closed === undefined
  }

  /** For a request that writes in the folder of the repository; ends when it may. Answers how to leave. */
  async enter(): Promise<() => void> {
    this.#entered++
    while (this.#closed) await this.#closed
    return () => {
      this.#entered--
    }
  }

  /**
   * Begins to remove the repository itself; only while it is idle. Who pins or enters now waits until the answer is
   * called.
   */
  close(): () => void {
    const done = Promise.withResolvers<void>()
    this.#closed = done.promise
    return () => {
      this.#closed = undefined
      done.resolve()
    }
  }

  /** Answers how to release them. */
  pin(digests: readonly string[]): () => void {
    for (const digest of digests) this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1)
    for (const watch of this.#watches) for (const digest of digests) watch.add(digest)
    return () => {
      for (const digest of digests) {
        const count = this.#pins.get(digest) ?? 0
        if (count > 1) this.#pins.set(digest, count - 1)
        else this.#pins.delete(digest)
      }
    }
  }

  isPinned(digest: string): boolean {
    return this.#pins.has(digest)
  }

  /**
   * Collects every digest that is pinned from now until `end`: for work that decides now what to remove, and removes
   * it later.
   */
  watch(): { readonly pinned: ReadonlySet<string>; readonly end: () => void } {
    const pinned = new Set(this.#pins.keys())
    this.#watches.add(pinned)
    return { pinned, end: () => void this.#watches.delete(pinned) }
  }

  /** Ends when no removal of these digests, or of the repository, is under way. Pin first. */
  async settled(digests: readonly string[]): Promise<void> {
    while (this.#closed) await this.#closed
    for (const digest of digests) {
      while (this.#removals.has(digest)) await this.#removals.get(digest)
    }
  }

  /** Runs a removal; those of the same digest follow each other. */
  async removing<T>(digest: string, work: () => Promise<T>): Promise<T> {
    this.#waiting++
    try {
      while (this.#removals.has(digest)) await this.#removals.get(digest)
    } finally {
      this.#waiting--
    }
    const end = this.announce([digest])
    try {
      return await work()
    } finally {
      end?.()
    }
  }

  /**
   * Announces the removal of all these digests; call the answer when it is over. Undefined: one of them is being
   * removed already, and nothing was announced.
   */
  announce(digests: readonly string[]): (() => void) | undefined {
    if (digests.some(digest => this.#removals.has(digest))) return undefined
    const done = Promise.withResolvers<void>()
    const all = new Set(digests)
    for (const digest of all) this.#removals.set(digest, done.promise)
    return () => {
      for (const digest of all) this.#removals.delete(digest)
      done.resolve()
    }
  }
}
