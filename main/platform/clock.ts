/**
 * Time, injected everywhere so that tests never wait. Timers are wall-clock deadlines: one that passed while the
 * computer slept fires once, soon after it woke.
 */
export interface Clock {
  /** ms since the epoch. Jumps when the computer slept or its clock was set. */
  now(): number
  /** ms since some fixed moment; never goes back. For measuring durations. */
  monotonic(): number
  /**
   * Calls `fire` once when the wall clock reaches `at` (ms since the epoch), or when as much time has really passed
   * as lay before it: a clock that is set back delays nothing. Returns the cancellation.
   */
  setTimer(at: number, fire: () => void, options?: { unref?: boolean }): () => void
}

export interface SystemClock extends Clock {
  /** Looks at every deadline now: call it when the computer wakes. */
  woke(): void
}

/** Longest real wait before a deadline is looked at again: Node's timers stand still while the computer sleeps. */
const longestWait = 15_000

export function systemClock(): SystemClock {
  const looks = new Set<() => void>()
  return {
    now: Date.now,
    monotonic: () => performance.now(),
    setTimer(at, fire, { unref = false } = {}) {
      const until = performance.now() + (at - Date.now())
      let timer: NodeJS.Timeout | undefined

      function look() {
        clearTimeout(timer)
        const left = Math.min(at - Date.now(), until - performance.now())
        if (left <= 0) {
          looks.delete(look)
          fire()
          return
        }
        arm(left)
      }
      // Rounded up: a timer that comes a moment early would look twice.
      function arm(left: number) {
        timer = setTimeout(look, Math.min(Math.ceil(left), longestWait))
        if (unref) timer.unref()
      }
      looks.add(look)
      arm(Math.max(0, at - Date.now()))
      return () => {
        looks.delete(look)
        clearTimeout(timer)
      }
    },
    woke() {
      for (const look of [...looks]) if (looks.has(look)) look()
    },
  }
}
