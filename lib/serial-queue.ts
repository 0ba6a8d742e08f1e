/** Runs one piece of work after the other, in the order in which they were asked for. */
export interface SerialQueue {
  /** Settles as the work does. Work that fails, or throws, holds up nothing that comes after it. */
  run<T>(work: () => T | Promise<T>): Promise<T>
  /**
   * As `run`, for work that only reads: joins work of the same key that has not settled yet, unless `run` was called
   * since. The type of the result is that of the key.
   */
  share<T>(key: string, read: () => T | Promise<T>): Promise<T>
  /** Resolves once everything that was asked for until now has settled; never rejects. */
  idle(): Promise<void>
}

/** For changes that each read and write a whole file: two at a time would lose one of them. */
export function serialQueue(): SerialQueue {
  let last: Promise<void> = Promise.resolve()
  const shared = new Map<string, Promise<unknown>>()

  function append<T>(work: () => T | Promise<T>): Promise<T> {
    const result = last.then(work)
    last = result.then(
      () => {},
      // Its failure is its caller's; the one after it begins all the same.
      () => {},
    )
    return result
  }

  return {
    run(work) {
      shared.clear()
      return append(work)
    },
    share<T>(key: string, read: () => T | Promise<T>): Promise<T> {
      const under = shared.get(key) as Promise<T> | undefined
      if (under !== undefined) return under
      const result = append(read)
      shared.set(key, result)
      const forget = (): void => {
        if (shared.get(key) === result) shared.delete(key)
      }
      result.then(forget, forget)
      return result
    },
    idle: () => last,
  }
}
