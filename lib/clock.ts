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
  /** Calls back after a sleep that was announced or that a timer noticed, before any deadline that passed in it. */
  onWake(listener: () => void): void
}

/** Longest real wait before a deadline is looked at again: Node's timers stand still while the computer sleeps. */
const longestWait = 15_000
/** A wall clock that went on for so long without a timer that was due: the computer slept. */
const slept = longestWait + 10_000

export function systemClock(): SystemClock {
  const wakeListeners = new Set<() => void>()
  const listeners: (() => void)[] = []
  let seenAt = Date.now()

  function wake() {
    seenAt = Date.now()
    for (const listener of listeners) listener()
  }
  function noticeSleep() {
    if (Date.now() - seenAt > slept) wake()
    seenAt = Date.now()
  }
  return {
    now: Date.now,
    monotonic: () => performance.now(),
    setTimer(at, fire, { unref = false } = {}) {
      const deadline = performance.now() + (at - Date.now())
      let timer: NodeJS.Timeout | undefined

      function check() {
        clearTimeout(timer)
        noticeSleep()
        if (!wakeListeners.has(check)) return
        const remainingMs = Math.min(at - Date.now(), deadline - performance.now())
        if (remainingMs <= 0) {
          wakeListeners.delete(check)
          fire()
          return
        }
        arm(remainingMs)
      }
      // Rounded up: a timer that comes a moment early would look twice.
      function arm(remainingMs: number) {
        timer = setTimeout(check, Math.min(Math.ceil(remainingMs), longestWait))
        if (unref) timer.unref()
      }
      // Only then: after a sleep the timers from before it are the ones to notice it.
      if (wakeListeners.size === 0) seenAt = Date.now()
      wakeListeners.add(check)
      arm(Math.max(0, at - Date.now()))
      return () => {
        wakeListeners.delete(check)
        clearTimeout(timer)
      }
    },
    onWake(listener) {
      listeners.push(listener)
    },
    woke() {
      wake()
      for (const listener of [...wakeListeners]) if (wakeListeners.has(listener)) listener()
    },
  }
}
