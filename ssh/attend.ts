import type { Clock } from '../lib/clock.ts'
import { within } from '../lib/within.ts'
import { fired, type Limit } from './limit.ts'

/** A command that runs, wherever it is. */
export interface Running {
  /** Resolves once it has ended and its output is read. */
  over: Promise<void>
  /** Tells it and all that it started to end, kills what does not, and resolves once that is done. */
  stop(): Promise<void>
  /** Stops listening to it. */
  leave(): void
}

/** After a stop its last output is waited for so long, in ms. */
const lastWords = 2000

/** Waits for a command, and stops it when it has to. */
export async function attend(
  running: Running,
  limit: Limit,
  clock: Clock,
): Promise<'over' | 'too-slow' | 'cancelled'> {
  await Promise.race([running.over, fired(limit.signal)])
  const why = limit.why()
  if (why === undefined) return 'over'
  await running.stop()
  await within(clock, lastWords, running.over)
  running.leave()
  return why
}
