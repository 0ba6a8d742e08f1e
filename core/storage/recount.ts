import type { Clock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import type { FullCount } from './full-count.ts'
import { createRecountPace, type RecountPace } from './recount-pace.ts'
import type { RepositoryRefresh } from './repository-refresh.ts'
import type { StoreStatus } from './store-status.ts'

export interface RecountOptions {
  clock: Clock
  status: StoreStatus
  fullCount: FullCount
  repositories: RepositoryRefresh
  log(message: string): void
}

/** Reads again what changed in the data folder since it was counted, one recount at a time. */
export class Recount {
  readonly #options: RecountOptions
  readonly #pace: RecountPace
  #running: Promise<void> | undefined
  /** A caller of the recount under way knows that the registry serves this folder. */
  #isServed = false

  constructor(options: RecountOptions) {
    this.#options = options
    this.#pace = createRecountPace(options.clock, () => void this.run())
  }

  /** Joins the recount under way. Resolves when it is over, also on failure. */
  run(reason?: 'it serves this folder'): Promise<void> {
    this.#isServed ||= reason !== undefined
    this.#running ??= this.#measure().then(durationMs => {
      this.#running = undefined
      this.#isServed = false
      this.#pace.recountEnded(durationMs)
    })
    return this.#running
  }

  setFrequent(isFrequent: boolean): void {
    this.#pace.setFrequent(isFrequent)
  }

  close(): void {
    this.#pace.close()
  }

  /** How long the recount took, in ms; undefined when there was nothing to recount. */
  async #measure(): Promise<number | undefined> {
    const { clock, status, fullCount, log } = this.#options
    const { folder, count } = status
    if (folder === undefined || !count || fullCount.isRunning() || status.isClosed) return undefined
    let durationMs: number | undefined
    try {
      const startedAt = clock.monotonic()
      const isOutdated = (): boolean => status.isClosed || status.count !== count
      const result = await count.recount(isOutdated)
      durationMs = clock.monotonic() - startedAt
      if (isOutdated()) return durationMs
      const wasReplaced = status.isReplaced
      status.isReplaced = result.isReplaced
      if (result.isReplaced) this.#reportReplaced(folder)
      else if (result.changed > 0 || wasReplaced) {
        if (wasReplaced) status.error = undefined
        for (const name of count.damagedRepositories()) this.#options.repositories.retryDamaged(name)
        await status.readSpace(folder)
        status.publish()
      }
    } catch (problem) {
      log(`the data folder could not be looked at again: ${reasonOf(problem)}`)
    }
    return durationMs
  }

  /** The totals of the folder before stay visible with their time, unless the registry proved that it uses this one. */
  #reportReplaced(folder: string): void {
    const { status, fullCount } = this.#options
    if (this.#isServed) {
      void fullCount.begin()
      return
    }
    status.error = { code: 'data-volume-missing', path: folder, parent: folder }
    status.notify()
  }
}
