import type { Clock } from '../../lib/clock.ts'
import type { FullCount } from './full-count.ts'
import type { Recount } from './recount.ts'
import { isAboutPath } from './storage-state.ts'
import type { StoreStatus } from './store-status.ts'

const refreshIntervalMs = 5 * 60_000

export interface PeriodicRefreshOptions {
  clock: Clock
  status: StoreStatus
  fullCount: FullCount
  recount: Recount
}

/** Checks the folder and its free space every five minutes: both change without any write of the registry. */
export class PeriodicRefresh {
  readonly #options: PeriodicRefreshOptions
  #cancelTimer: (() => void) | undefined

  /** Begins with the first full count. */
  constructor(options: PeriodicRefreshOptions) {
    this.#options = options
    options.fullCount.onBegin(() => this.#arm())
  }

  close(): void {
    this.#cancelTimer?.()
  }

  #arm(): void {
    const { clock, status } = this.#options
    this.#cancelTimer?.()
    if (!status.isClosed)
      this.#cancelTimer = clock.setTimer(clock.now() + refreshIntervalMs, () => void this.#refresh())
  }

  async #refresh(): Promise<void> {
    const { status, fullCount, recount } = this.#options
    const { folder } = status
    if (folder === undefined || status.isClosed) return
    const { problem } = await status.check(folder)
    if (status.isClosed || status.folder !== folder) return
    if (problem) status.error = problem
    else if (isAboutPath(status.error, folder) && !status.isReplaced) void fullCount.begin()
    if (!status.error && !fullCount.isRunning()) status.publish()
    else status.notify()
    this.#arm()
    if (!problem) void recount.run()
  }
}
