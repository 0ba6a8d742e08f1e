import type { Failure } from '../../contract/failure.ts'
import type { StorageState } from '../../contract/snapshot.ts'
import { createEmitter } from '../../lib/emitter.ts'
import { reasonOf } from '../../lib/error-code.ts'
import type { SubFolders } from '../../lib/sub-folders.ts'
import type { FreeSpace } from '../platform/volume.ts'
import type { History } from './history.ts'
import type { LastCount } from './history-file.ts'
import type { StorageOptions } from './storage-api.ts'
import { checkRoot, storageStateOf } from './storage-state.ts'
import type { StoreCount } from './store-count.ts'

export interface StoreStatusOptions
  extends Pick<StorageOptions, 'clock' | 'log' | 'freeSpace' | 'findTrouble'> {
  history: History
}

/** What is known of the current data folder, and the state that clients see of it. */
export class StoreStatus {
  subFolders: SubFolders = {}
  count: StoreCount | undefined
  error: Failure | undefined
  /** Another folder than the one that was counted, or none, is at its path. */
  isReplaced = false
  readonly #options: StoreStatusOptions
  readonly #events = createEmitter<{ changed: undefined }>()
  #folder: string | undefined
  #totals: LastCount | undefined
  #space: FreeSpace | undefined
  #cached: { state: StorageState; dataFolder: string | undefined } | undefined
  #isClosed = false

  constructor(options: StoreStatusOptions) {
    this.#options = options
  }

  /** The folder that all of this describes; another one than the configured one until that is counted. */
  get folder(): string | undefined {
    return this.#folder
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Drops everything that was known of the folder before. */
  setFolder(folder: string | undefined): void {
    this.#folder = folder
    this.count = undefined
    this.isReplaced = false
    this.#space = undefined
    this.error = undefined
    this.#totals = undefined
  }

  async loadLastCount(folder: string): Promise<void> {
    this.#totals = await this.#options.history.open(folder)
  }

  /** Drops the current folder together with its history. */
  forget(): void {
    this.#options.history.forget()
    this.setFolder(undefined)
  }

  /** Keeps the free space that was known when it cannot be read now. */
  async readSpace(folder: string): Promise<void> {
    try {
      this.#space = (await this.#options.freeSpace(folder)) ?? this.#space
    } catch (problem) {
      this.#options.log(`free space of ${folder} cannot be read: ${reasonOf(problem)}`)
    }
  }

  /** Whether the folder is present, and why it must not be counted; its totals stay, so it never shows as empty. */
  async check(folder: string): Promise<Awaited<ReturnType<typeof checkRoot>>> {
    const checked = await checkRoot(folder, () => (this.#totals?.bytes ?? 0) > 0)
    await this.readSpace(folder)
    const trouble = checked.problem === undefined ? await this.#options.findTrouble?.() : undefined
    return trouble === undefined ? checked : { ...checked, problem: trouble }
  }

  /** Takes over the sums of the count as those of now. */
  publish(): void {
    if (!this.count) return
    const { ledger } = this.count
    const { bytes, repositories, tags } = ledger
    const asOf = this.#options.clock.now()
    this.#totals = { asOf, bytes, repositories, tags, biggest: ledger.biggest(10) }
    this.#options.history.record(this.#totals)
    this.notify()
  }

  notify(): void {
    this.#cached = undefined
    if (!this.#isClosed) this.#events.emit('changed')
  }

  onChange(listener: () => void): () => void {
    return this.#events.on('changed', listener)
  }

  /** `dataFolder`: the one that config.json names now. */
  state(dataFolder: string | undefined, scanning: boolean): StorageState {
    if (this.#cached?.dataFolder !== dataFolder) this.#cached = undefined
    this.#cached ??= { state: this.#stateOf(dataFolder, scanning), dataFolder }
    return this.#cached.state
  }

  close(): void {
    this.#isClosed = true
  }

  #stateOf(dataFolder: string | undefined, scanning: boolean): StorageState {
    // What is known of another folder must not be shown for this one.
    if (dataFolder !== undefined && dataFolder !== this.#folder) return { scanning, biggest: [], history: [] }
    return storageStateOf({
      scanning,
      totals: this.#totals,
      space: this.#space,
      trend: this.#options.history.trend(this.#options.clock.now()),
      error: this.error,
      unreadable: this.count?.unreadable,
    })
  }
}
