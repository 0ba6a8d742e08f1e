/** The supervisor's numbers; durations in ms. Tests shorten them, nobody else does. */
export interface Policy {
  /** How long a process may take to answer for the first time, as long as it lives. */
  startLimit: number
  /** The same for an adopted process that already owns its port: it was ready once. */
  adoptLimit: number
  /** Waits before each restart in a row; the last one repeats. The first is 0: at once. */
  waits: number[]
  /** Each wait is multiplied by 1 ± jitter, so that several machines do not start in step. */
  jitter: number
  /** Serving this long makes the next exit the first in a row again. */
  healthyAfter: number
  /** More unasked exits than this within `loopWindow` is a crash loop. */
  loopExits: number
  loopWindow: number
  /** When a crash loop, or a failure that may pass by itself but is costly to try, is tried again. */
  loopRetry: number
  /** When a missing or read-only volume or a busy data folder is looked at again: it serves within 10 s after. */
  failedRetry: number
  /** When a port that somebody else owns is looked at again. */
  foreignRetry: number
  /** How long the check before a start may take: a dead network volume answers never. */
  checkLimit: number
  /** How long pushes under way are waited for. */
  drainLimit: number
  /** How often pushes under way are looked at, and how soon the second look follows the first. */
  uploadsEvery: number
  uploadsSecondLook: number
  /** A push that did not grow for this long is not waited for. */
  uploadsStill: number
  /** From SIGTERM to SIGKILL. */
  killAfter: number
  /** The same for a restart that was asked for without waiting. */
  killAfterNow: number
  /** How long a process may survive SIGKILL before that is told as a failure. */
  giveUpAfter: number
  /** Hang detection: one probe per `hangEvery`, answered within `hangLimit`, `hangMisses` misses in a row. */
  hangEvery: number
  hangLimit: number
  hangMisses: number
  /**
   * An adopted process: how often its pid, and how often its start time, is looked at. The latter runs ps(1) on macOS,
   * and a pid that is given to another process within one `aliveEvery` is all it is for.
   */
  aliveEvery: number
  identityEvery: number
}

/**
 * A crash is answered at once, since most pass; a row of them is slowed down, then told, since somebody has to look:
 * restarting every second for ever hides the fault, and giving up in silence hides the outage.
 */
export const standardPolicy: Policy = {
  startLimit: 300_000,
  adoptLimit: 20_000,
  waits: [0, 1000, 2000, 4000, 8000, 15_000],
  jitter: 0.2,
  healthyAfter: 30_000,
  loopExits: 5,
  loopWindow: 60_000,
  loopRetry: 300_000,
  failedRetry: 5000,
  foreignRetry: 5000,
  checkLimit: 20_000,
  drainLimit: 15_000,
  uploadsEvery: 250,
  uploadsSecondLook: 100,
  uploadsStill: 1000,
  killAfter: 20_000,
  killAfterNow: 250,
  giveUpAfter: 10_000,
  hangEvery: 5000,
  hangLimit: 5000,
  hangMisses: 3,
  aliveEvery: 250,
  identityEvery: 60_000,
}
