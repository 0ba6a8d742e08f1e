import { LRUCache } from 'lru-cache'
import type { Client } from '../http/client.ts'

/** Uploads that one client may have begun and not finished. */
export const maxOpenUploads = 64
/** An upload that nobody has gone on with for so long no longer counts, ms: collection takes it then, too. */
const forgottenAfterMs = 3_600_000
/** Uploads that are kept in mind; the longest quiet is forgotten first. */
const maxKnown = 50_000

/** With the repository: an identifier that is unknown in another one says nothing about where it was begun. */
export const uploadKey = (repository: string, id: string): string => `${repository} ${id}`

/**
 * Which client has begun which uploads, as each leaves a file. Memory only: after a restart everybody begins
 * with none.
 */
export class OpenUploads {
  readonly #max: number
  readonly #holders = new Map<string, number>()
  readonly #uploads: LRUCache<string, string>

  constructor(max: number = maxOpenUploads, now: () => number = () => performance.now()) {
    this.#max = max
    this.#uploads = new LRUCache<string, string>({
      max: maxKnown,
      ttl: forgottenAfterMs,
      ttlResolution: 0,
      updateAgeOnGet: true,
      perf: { now },
      dispose: (holder, _upload, reason) => {
        if (reason !== 'set') this.#count(holder, -1)
      },
    })
  }

  /** Undefined: there is no room. Call the answer with the key of the upload, or with undefined if none was begun. */
  begin({ key, isExempt }: Client): ((id: string | undefined) => void) | undefined {
    if (isExempt) return () => {}
    if (!this.#hasRoom(key)) {
      this.#uploads.purgeStale()
      if (!this.#hasRoom(key)) return undefined
    }
    this.#count(key, 1)
    return upload => {
      if (upload === undefined) this.#count(key, -1)
      else this.#uploads.set(upload, key)
    }
  }

  /** Somebody goes on with it. */
  touched(upload: string): void {
    this.#uploads.get(upload)
  }

  /** It is a blob now, or gone. */
  ended(upload: string): void {
    this.#uploads.delete(upload)
  }

  #hasRoom(key: string): boolean {
    return (this.#holders.get(key) ?? 0) < this.#max
  }

  #count(key: string, by: number): void {
    const left = (this.#holders.get(key) ?? 0) + by
    if (left > 0) this.#holders.set(key, left)
    else this.#holders.delete(key)
  }
}
