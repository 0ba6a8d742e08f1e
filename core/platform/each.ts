import { reasonOf } from '../../lib/error-code.ts'

type Job = () => unknown

/**
 * Does one job after the other, each to its end, whatever becomes of the ones before: beginnings and ends of parts that
 * know nothing of each other. What fails is told. Never rejects.
 */
export async function doEach(
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
