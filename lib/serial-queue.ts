/** Runs one piece of work after the other, in the order in which they were asked for. */
export interface SerialQueue {
  /** Settles as the work does. Work that fails, or throws, holds up nothing that comes after it. */
  run<T>(work: () => T | Promise<T>): Promise<T>
  /** Resolves once everything that was asked for until now has settled; never rejects. */
  idle(): Promise<void>
}

/** For changes that each read and write a whole file: two at a time would lose one of them. */
export function serialQueue(): SerialQueue {
  let last: Promise<void> = Promise.resolve()
  return {
    run(work) {
      const result = last.then(work)
      last = result.then(
        () => {},
        // Its failure is its caller's; the one after it begins all the same.
        () => {},
      )
      return result
    },
    idle: () => last,
  }
}
