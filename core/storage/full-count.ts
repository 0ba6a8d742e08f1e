import { createEmitter } from '../../lib/emitter.ts'
import { type Counts, createCounts } from './counts.ts'
import { asyncDisk } from './disk.ts'
import type { RepositoryRefresh } from './repository-refresh.ts'
import { type Scan, type ScanOutcome, startScan } from './scan.ts'
import type { StorageOptions } from './storage-api.ts'
import { dataUnreadable } from './storage-state.ts'
import { StoreCount } from './store-count.ts'
import type { StoreStatus } from './store-status.ts'

export interface FullCountOptions
  extends Pick<StorageOptions, 'clock' | 'log' | 'dataFolder' | 'subFolders' | 'scanner' | 'fileTime'> {
  status: StoreStatus
  repositories: RepositoryRefresh
}

/** Counts everything in the data folder, and makes the result the current one. */
export class FullCount {
  readonly #options: FullCountOptions
  readonly #status: StoreStatus
  readonly #counts: Counts
  readonly #events = createEmitter<{ begin: undefined }>()
  /** Repositories written to during the count, which may have read them before the write. */
  #written = new Set<string>()

  constructor(options: FullCountOptions) {
    this.#options = options
    this.#status = options.status
    this.#counts = createCounts({
      clock: options.clock,
      count: (folder, cancelled, started) => this.#count(folder, cancelled, started),
      onStuck: (folder, stuckMs) => this.#giveUp(folder, stuckMs),
      onChange: () => this.#status.notify(),
    })
  }

  onBegin(listener: () => void): () => void {
    return this.#events.on('begin', listener)
  }

  isRunning(): boolean {
    return this.#counts.isRunning()
  }

  /** Joins a count of the same folder. Resolves when the count is over, also on failure. */
  begin(): Promise<void> {
    if (this.#status.isClosed) return Promise.resolve()
    this.#events.emit('begin')
    return this.#counts.begin(this.#options.dataFolder())
  }

  noteWrite(repository: string): void {
    if (this.isRunning()) this.#written.add(repository)
  }

  /** Drops what is known of the data folder, and the count under way, which may have begun in the folder before. */
  forget(): void {
    this.#status.forget()
    this.#options.repositories.forgetTries()
    void this.#counts.begin(undefined)
    this.#status.notify()
  }

  /** Resolves when the count under way has ended. */
  end(): Promise<void> {
    return this.#counts.end()
  }

  async #count(
    folder: string | undefined,
    cancelled: () => boolean,
    started: (scan: Scan) => void,
  ): Promise<void> {
    const { subFolders: configuredSubFolders, scanner = startScan, fileTime: now = Date.now } = this.#options
    const status = this.#status
    await this.#setFolder(folder)
    // Read from the status, because the folder may have been forgotten meanwhile.
    const root = status.folder
    if (root === undefined || cancelled()) return
    status.notify()
    const { present, problem } = await status.check(root)
    if (cancelled()) return
    if (problem) {
      status.error = problem
      return
    }
    this.#written = new Set()
    const subFolders = configuredSubFolders?.() ?? {}
    status.subFolders = subFolders
    if (!present) return this.#countAbsent(root, cancelled)
    const scan = scanner(root, { onProgress: () => this.#counts.noteProgress(), subFolders, now })
    started(scan)
    const outcome = await scan.done
    if (!cancelled()) this.#takeOutcome(root, outcome)
  }

  async #setFolder(folder: string | undefined): Promise<void> {
    if (folder === this.#status.folder) return
    this.#status.setFolder(folder)
    this.#options.repositories.forgetTries()
    if (folder !== undefined) await this.#status.loadLastCount(folder)
  }

  /** On a first run: recounts find the folder, and those of storage.subPaths, as soon as they hold something. */
  async #countAbsent(root: string, cancelled: () => boolean): Promise<void> {
    const status = this.#status
    const now = this.#options.fileTime ?? Date.now
    const count = new StoreCount({ disk: asyncDisk, folder: root, subFolders: status.subFolders, now })
    status.count = count
    status.error = undefined
    await count.recount(cancelled)
    status.publish()
  }

  #takeOutcome(root: string, outcome: ScanOutcome): void {
    const status = this.#status
    switch (outcome.kind) {
      case 'cancelled':
        return
      case 'failed':
        status.error = dataUnreadable(root, outcome.reason)
        this.#options.log(`the count of ${root} failed: ${outcome.reason}`)
        return
      case 'counted': {
        const { count } = outcome
        status.count = count
        status.isReplaced = false
        const wholeFolder = outcome.unreadable.find(({ name }) => name === '')
        status.error = wholeFolder && dataUnreadable(wholeFolder.path, wholeFolder.reason)
        status.publish()
        for (const name of new Set([...this.#written, ...count.damagedRepositories()]))
          this.#options.repositories.mark(name)
      }
    }
  }

  #giveUp(folder: string | undefined, stuckMs: number): void {
    if (folder === undefined || folder !== this.#status.folder) return
    const minutes = stuckMs / 60_000
    this.#status.error = dataUnreadable(folder, `counting it got no further for ${minutes} min`)
    this.#options.log(`the count of ${folder} was given up: it got no further for ${minutes} min`)
  }
}
