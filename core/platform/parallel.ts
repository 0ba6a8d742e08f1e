/** Works on `width` at a time, as most of it is waiting; results in the order of what was given. */
export async function inParallel<T, R>(
  all: readonly T[],
  work: (one: T) => Promise<R>,
  width = 16,
): Promise<R[]> {
  const results: R[] = []
  const waiting = all.entries()
  const next = async (): Promise<void> => {
    for (const [at, one] of waiting) results[at] = await work(one)
  }
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, next))
  return results
}
