import { reasonOf } from '../../lib/error-code.ts'

type Job = () => unknown

/**
 * Does one job after the other, each to its end, whatever becomes of the ones before: beginnings and ends of parts that
 * know nothing of each other. What fails is reported. Never rejects.
 */
export async function runEach(
  jobs: Readonly<Record<string, Job>>,
  failed: (message: string, data: Record<string, unknown>) => void,
): Promise<void> {
  for (const [name, job] of Object.entries(jobs)) {
    try {
      await job()
    } catch (error) {
      failed(`${name} failed`, { reason: reasonOf(error), error })
    }
  }
}

/** Works on `width` at a time, as most of it is waiting; results in the order of what was given. */
export async function inParallel<T, R>(
  all: readonly T[],
  work: (item: T) => Promise<R>,
  width = 16,
): Promise<R[]> {
  const results: R[] = []
  const waiting = all.entries()
  const next = async (): Promise<void> => {
    for (const [at, item] of waiting) results[at] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, next))
  return results
}
