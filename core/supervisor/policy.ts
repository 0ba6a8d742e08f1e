/** The supervisor's numbers; durations in ms. Tests shorten them, nobody else does. */
export interface Policy {
  /** How long a process may take to answer for the first time, as long as it lives. */
  startTimeoutMs: number
  /** The same for an adopted process that already owns its port: it was ready once. */
  adoptTimeoutMs: number
  /** Waits before each restart in a row; the last one repeats. The first is 0: at once. */
  backoffMs: number[]
  /** Each wait is multiplied by 1 ± jitter, so that several machines do not start in step. */
  jitterRatio: number
  /** Serving this long makes the next exit the first in a row again. */
  healthyAfterMs: number
  /** More unasked exits than this within `loopWindow` is a crash loop. */
  loopExits: number
  loopWindowMs: number
  /** When a crash loop, or a failure that may pass by itself but is costly to try, is tried again. */
  loopRetryMs: number
  /** When a missing or read-only volume or a busy data folder is looked at again: it serves within 10 s after. */
  failedRetryMs: number
  /** When a port that somebody else owns is looked at again. */
  foreignRetryMs: number
  /** How long the check before a start may take: a dead network volume answers never. */
  checkTimeoutMs: number
  /** How long pushes under way are waited for. */
  drainTimeoutMs: number
  /** How often pushes under way are looked at, and how soon the second look follows the first. */
  uploadsIntervalMs: number
  uploadsSecondListMs: number
  /** A push that did not grow for this long is not waited for. */
  uploadsStalledMs: number
  /** From SIGTERM to SIGKILL. */
  killAfterMs: number
  /** The same for a restart that was asked for without waiting. */
  killAfterNowMs: number
  /** How long a process may survive SIGKILL before that is told as a failure. */
  giveUpAfterMs: number
  /** Hang detection: one probe per `hangEvery`, answered within `hangLimit`, `hangMisses` misses in a row. */
  hangIntervalMs: number
  hangTimeoutMs: number
  hangMisses: number
  /**
   * An adopted process: how often its pid, and how often its start time, is looked at. The latter runs ps(1) on macOS,
   * and a pid that is given to another process within one `aliveEvery` is all it is for.
   */
  aliveIntervalMs: number
  identityIntervalMs: number
}

/**
 * A crash is answered at once, since most pass; a row of them is slowed down, then told, since somebody has to look:
 * restarting every second for ever hides the fault, and giving up in silence hides the outage.
 */
export const standardPolicy: Policy = {
  startTimeoutMs: 300_000,
  adoptTimeoutMs: 20_000,
  backoffMs: [0, 1000, 2000, 4000, 8000, 15_000],
  jitterRatio: 0.2,
  healthyAfterMs: 30_000,
  loopExits: 5,
  loopWindowMs: 60_000,
  loopRetryMs: 300_000,
  failedRetryMs: 5000,
  foreignRetryMs: 5000,
  checkTimeoutMs: 20_000,
  drainTimeoutMs: 15_000,
  uploadsIntervalMs: 250,
  uploadsSecondListMs: 100,
  uploadsStalledMs: 1000,
  killAfterMs: 20_000,
  killAfterNowMs: 250,
  giveUpAfterMs: 10_000,
  hangIntervalMs: 5000,
  hangTimeoutMs: 5000,
  hangMisses: 3,
  aliveIntervalMs: 250,
  identityIntervalMs: 60_000,
}
