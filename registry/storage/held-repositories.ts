/** Indexes that are read at a time. */
const atOnce = 16

/**
 * Which repositories hold a manifest: what is known from the indexes that were read or written, so that each is read
 * only once for this.
 */
export class HeldRepositories {
  readonly #isEmpty = new Map<string, boolean>()

  /** An index with so many entries was read or written. */
  note(name: string, entries: number): void {
    this.#isEmpty.set(name, entries === 0)
  }

  forget(name: string): void {
    this.#isEmpty.delete(name)
  }

  /**
   * Those of `names` that hold a manifest, or may: an index that cannot be read says nothing. `load` reads an index,
   * and has it noted here if it can be read.
   */
  async among(
    names: readonly string[],
    load: (name: string) => Promise<unknown>,
  ): Promise<readonly string[]> {
    const unknown = names.filter(name => !this.#isEmpty.has(name))
    for (let at = 0; at < unknown.length; at += atOnce)
      await Promise.all(unknown.slice(at, at + atOnce).map(name => load(name)))
    return names.filter(name => this.#isEmpty.get(name) !== true)
  }
}
