/**
 * Who uses and who removes a digest in one repository at this moment. A push pins what it relies on, a
 * delete announces itself; as both are told synchronously, neither can slip in between the other's
 * check and its effect on disk.
 */
export class Claims {
  readonly #pins = new Map<string, number>()
  readonly #removals = new Map<string, Promise<void>>()

  get idle(): boolean {
    return this.#pins.size === 0 && this.#removals.size === 0
  }

  /** Returns the release. */
  pin(digests: readonly string[]): () => void {
    for (const digest of digests) this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1)
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
