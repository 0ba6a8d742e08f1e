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
  /** Tells the listeners, then looks at every deadline now: call it when the computer wakes. */
  woke(): void
  /** Calls back after a sleep that was told or that a timer noticed, before any deadline that passed in it. */
  onWake(listener: () => void): void
}

/** Longest real wait before a deadline is looked at again: Node's timers stand still while the computer sleeps. */
const longestWait = 15_000
/** A wall clock that went on for so long without a timer that was due: the computer slept. */
const slept = longestWait + 10_000

export function systemClock(): SystemClock {
  const looks = new Set<() => void>()
  const listeners: (() => void)[] = []
  let seen = Date.now()

  function wake() {
    seen = Date.now()
    for (const listener of listeners) listener()
  }
  function noticeSleep() {
    if (Date.now() - seen > slept) wake()
    seen = Date.now()
  }
  return {
    now: Date.now,
    monotonic: () => performance.now(),
    setTimer(at, fire, { unref = false } = {}) {
      const until = performance.now() + (at - Date.now())
      let timer: NodeJS.Timeout | undefined

      function look() {
        clearTimeout(timer)
        noticeSleep()
        if (!looks.has(look)) return
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
      // Only then: after a sleep the timers from before it are the ones to notice it.
      if (looks.size === 0) seen = Date.now()
      looks.add(look)
      arm(Math.max(0, at - Date.now()))
      return () => {
        looks.delete(look)
        clearTimeout(timer)
      }
    },
    onWake(listener) {
      listeners.push(listener)
    },
    woke() {
      wake()
      for (const look of [...looks]) if (looks.has(look)) look()
    },
  }
}
