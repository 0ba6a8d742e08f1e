import { setTimeout as sleep } from 'node:timers/promises'

/** Work in the background goes on for so long before it makes way, ms. */
const spell = 2
const longestPause = 50

/**
 * A function to call between small pieces of work: it takes half of the time for everybody else, and throws
 * once `signal` says to stop.
 */
export function createPace(signal: AbortSignal): () => Promise<void> {
  let since = performance.now()
  return async () => {
    signal.throwIfAborted()
    const worked = performance.now() - since
    if (worked < spell) return
    await sleep(Math.min(worked, longestPause), undefined, { signal })
    since = performance.now()
  }
}

/** For when there is nobody else. */
export const noPause = async (): Promise<void> => {}
