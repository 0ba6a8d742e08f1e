import type { Clock } from '../../lib/clock.ts'

/** Between two recounts, ms, however little or much one costs. */
const [least, most] = [20_000, 5 * 60_000]
/** A recount may take this part of the time at most: one hundredth. */
const share = 100

/** How long to wait after a recount that took `costMs`, in ms. */
export const pauseAfter = (costMs: number): number => Math.min(most, Math.max(least, share * costMs))

export interface RecountPace {
  /** Whether nobody tells of what is written: then it is looked for often. */
  often(wanted: boolean): void
  /** A recount is over; how long it took, undefined where there was nothing to look at. */
  over(costMs: number | undefined): void
  close(): void
}

/** Asks for recounts while an engine tells nothing: the more one costs, the rarer. */
export function createRecountPace(clock: Clock, recount: () => void): RecountPace {
  let isOften = false
  let closed = false
  let pause = least
  let cancel: (() => void) | undefined
  const arm = (): void => {
    cancel?.()
    cancel = isOften && !closed ? clock.setTimer(clock.now() + pause, recount) : undefined
  }
  return {
    often(wanted) {
      if (wanted === isOften) return
      isOften = wanted
      arm()
    },
    over(costMs) {
      if (costMs !== undefined) pause = pauseAfter(costMs)
      arm()
    },
    close() {
      closed = true
      arm()
    },
  }
}
