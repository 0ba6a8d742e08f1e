/**
 * Who uses and who removes a digest in one repository at this moment. A push pins what it relies on, a
 * delete announces itself; as both are told synchronously, neither can slip in between the other's
 * check and its effect on disk.
 */
export class Claims {
  readonly #pins = new Map<string, number>()
  readonly #removals = new Map<string, Promise<void>>()
  readonly #watches = new Set<Set<string>>()

  get idle(): boolean {
    return this.#pins.size === 0 && this.#removals.size === 0 && this.#watches.size === 0
  }

  /** Returns the release. */
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
   * Every digest that is or was pinned since the call, until `end`: for work that decides now what to remove
   * and removes it after a while.
   */
  watch(): { readonly pinned: ReadonlySet<string>; readonly end: () => void } {
    const pinned = new Set(this.#pins.keys())
    this.#watches.add(pinned)
    return { pinned, end: () => void this.#watches.delete(pinned) }
  }

  /** Ends when no removal of these digests is under way. Pin first. */
  async settled(digests: readonly string[]): Promise<void> {
    for (const digest of digests) {
      while (this.#removals.has(digest)) await this.#removals.get(digest)
    }
  }

  /** Runs a removal; those of the same digest follow each other. */
  async removing<T>(digest: string, work: () => Promise<T>): Promise<T> {
    while (this.#removals.has(digest)) await this.#removals.get(digest)
    const done = Promise.withResolvers<void>()
    this.#removals.set(digest, done.promise)
    try {
      return await work()
    } finally {
      this.#removals.delete(digest)
      done.resolve()
    }
  }
}
