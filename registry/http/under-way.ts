import type { Client } from './client.ts'

/** Requests of one client that are being answered at a time. */
const maxUnderWay = 256

/** How many requests of each client are under way. */
export class UnderWay {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  constructor(max: number = maxUnderWay) {
    this.#max = max
  }

  hasRoom({ key, isExempt }: Client): boolean {
    return isExempt || (this.#counts.get(key) ?? 0) < this.#max
  }

  begin({ key, isExempt }: Client): void {
    if (!isExempt) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  end({ key, isExempt }: Client): void {
    if (isExempt) return
    const left = (this.#counts.get(key) ?? 0) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}
