/** The supervisor's time limits and counts. Only tests change them. */
export interface Policy {
  /** A process that lives may take this long to answer for the first time. */
  startTimeoutMs: number
  /** The same for an adopted process that owns its port, because it was ready before. */
  adoptTimeoutMs: number
  /** The pause before each restart in a row; the last one repeats. The first is 0: at once. */
  backoffMs: number[]
  /** Each pause is multiplied by up to 1 ± this, so that several machines do not restart in step. */
  jitterRatio: number
  /** After serving this long the next exit is the first in a row again. */
  healthyAfterMs: number
  /** More unasked exits than this within `loopWindowMs` are a crash loop. */
  loopExits: number
  loopWindowMs: number
  /** When a crash loop is tried again, or a failure that may pass but is costly to try. */
  loopRetryMs: number
  /** A registry that waits for something outside is started once in this time, as launchd does, after this pause at least. */
  throttleMs: number
  minThrottleMs: number
  /** When a missing file, a missing or read-only volume, or a data folder in use is checked again: it then serves within 10 s. */
  failedRetryMs: number
  /** When a port that somebody else owns is checked again. */
  foreignRetryMs: number
  /** The check before a start is given up after this, because a dead network volume never answers. */
  checkTimeoutMs: number
  /** How long pushes under way are waited for. */
  drainTimeoutMs: number
  /** How often pushes under way are listed, and how soon after a list without any. */
  uploadsIntervalMs: number
  uploadsSecondListMs: number
  /** From SIGTERM to SIGKILL. */
  killAfterMs: number
  /** The same for a restart that does not wait for pushes. */
  killAfterNowMs: number
  /** A process that survives SIGKILL this long is reported as a failure. */
  giveUpAfterMs: number
  /** One probe per `hangIntervalMs`, answered within `hangTimeoutMs`; `hangMisses` misses in a row are a hang. */
  hangIntervalMs: number
  hangTimeoutMs: number
  hangMisses: number
  /**
   * How often the pid and the start time of an adopted process are checked. The start time is checked less often because
   * that runs ps(1) on macOS, and it matters only where the pid was given to a new process within one `aliveIntervalMs`.
   */
  aliveIntervalMs: number
  identityIntervalMs: number
}

/**
 * The first crash is followed by a restart at once, because most pass. A row of them is slowed down and then reported:
 * restarting every second for ever would hide the fault, and giving up in silence would hide the outage.
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
  throttleMs: 10_000,
  minThrottleMs: 1000,
  failedRetryMs: 5000,
  foreignRetryMs: 5000,
  checkTimeoutMs: 20_000,
  drainTimeoutMs: 15_000,
  uploadsIntervalMs: 250,
  uploadsSecondListMs: 100,
  killAfterMs: 20_000,
  killAfterNowMs: 250,
  giveUpAfterMs: 10_000,
  hangIntervalMs: 5000,
  hangTimeoutMs: 5000,
  hangMisses: 3,
  aliveIntervalMs: 250,
  identityIntervalMs: 60_000,
}
