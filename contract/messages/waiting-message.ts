import type { WaitsFor } from '../failure.ts'
import type { LastEnd } from '../registry-state.ts'
import { capital, duration } from './format.ts'
import { saidText, waitsForText } from './start-message.ts'
import type { StatusSummary } from './summary.ts'

/** Something outside that takes longer than this, in ms, to come has to be looked after by somebody. */
const patienceMs = 60_000

/** A registry that is started again and again until something outside is there. */
type Waiting = LastEnd & { waitsFor: WaitsFor }

export const isWaiting = (end: LastEnd): end is Waiting => end.waitsFor !== undefined

/** The same through all tries, so that it does not flicker. `next`: of this try or the next, "; it ...". `now` in ms since the epoch. */
export function waitingSummary(
  end: Waiting,
  next: string,
  now: number,
): Pick<StatusSummary, 'class' | 'headline' | 'reason'> {
  const waitedMs = now - (end.waitingSince ?? now)
  return {
    class: waitedMs > patienceMs ? 'down' : 'working',
    headline: capital(waitsForText(end.waitsFor)),
    reason: `The registry does not start without it. It has tried for ${duration(waitedMs)}${next}.${saidText(end)} The images are not touched.`,
  }
}
