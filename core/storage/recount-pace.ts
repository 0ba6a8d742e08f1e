import type { Clock } from '../../lib/clock.ts'

/** The shortest and the longest pause between two recounts. */
const [minPauseMs, maxPauseMs] = [20_000, 5 * 60_000]
/** The pause is at least this many times as long as the recount before it. */
const pauseFactor = 100

/** How long to wait after a recount that took `costMs`, in ms. */
export const pauseAfterMs = (costMs: number): number =>
  Math.min(maxPauseMs, Math.max(minPauseMs, pauseFactor * costMs))

export interface RecountPace {
  /** Recounts often: wanted while no events report what is written. */
  setFrequent(isWanted: boolean): void
  /** A recount ended after `costMs`; undefined when there was nothing to recount. */
  recountEnded(costMs: number | undefined): void
  close(): void
}

/** Runs recounts while an engine has no events: the longer one takes, the longer the pause after it. */
export function createRecountPace(clock: Clock, recount: () => void): RecountPace {
  let isFrequent = false
  let isClosed = false
  let pauseMs = minPauseMs
  let cancel: (() => void) | undefined
  const arm = (): void => {
    cancel?.()
    cancel = isFrequent && !isClosed ? clock.setTimer(clock.now() + pauseMs, recount) : undefined
  }
  return {
    setFrequent(isWanted) {
      if (isWanted === isFrequent) return
      isFrequent = isWanted
      arm()
    },
    recountEnded(costMs) {
      if (costMs !== undefined) pauseMs = pauseAfterMs(costMs)
      arm()
    },
    close() {
      isClosed = true
      arm()
    },
  }
}
