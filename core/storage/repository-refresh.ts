import type { Clock } from '../../lib/clock.ts'
import { createRereads, type Rereads } from './rereads.ts'
import type { StoreStatus } from './store-status.ts'

/** How often a damaged index.json is read again before it is reported. */
const indexRetries = 3

/** Reads single repositories again after writes, and a damaged index until it is certain that it stays damaged. */
export class RepositoryRefresh {
  readonly #status: StoreStatus
  readonly #rereads: Rereads
  readonly #indexTries = new Map<string, number>()

  constructor({ clock, status }: { clock: Clock; status: StoreStatus }) {
    this.#status = status
    this.#rereads = createRereads({ clock, read: name => this.#read(name) })
  }

  /** Something was written in this repository. */
  mark(name: string): void {
    this.#rereads.mark(name)
  }

  /** An engine that writes index.json in place may have been in the middle of that when the file was read. */
  retryDamaged(name: string): void {
    const tries = this.#indexTries.get(name) ?? 0
    if (tries >= indexRetries) {
      this.#status.count?.unreadable.set(name, 'its index.json is damaged')
      return
    }
    this.#indexTries.set(name, tries + 1)
    this.#rereads.mark(name)
  }

  /** Another folder is counted from now on. */
  forgetTries(): void {
    this.#indexTries.clear()
  }

  close(): void {
    this.#rereads.close()
  }

  async #read(name: string): Promise<void> {
    const { folder, count } = this.#status
    if (folder === undefined || !count) return
    const outcome = await count.read(name)
    // A count that ended meanwhile has read this repository as well.
    if (this.#status.count !== count) return
    if (outcome === 'damaged') this.retryDamaged(name)
    else this.#indexTries.delete(name)
    await this.#status.readSpace(folder)
    this.#status.publish()
  }
}
