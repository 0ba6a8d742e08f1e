import { LRUCache } from 'lru-cache'
import type { Uploads } from '../storage/storage.ts'

/** Uploads that are remembered: more are never open at a time unless somebody wants to use up memory. */
const maxOpen = 10_000
/** Nobody comes back to an upload after this long; the storage removes it too, ms. */
const openForMs = 24 * 3_600_000

/** Uploads begun here that are neither finished nor cancelled: by id, when each began. */
export type OpenUploads = LRUCache<string, number>

export const createOpenUploads = (): OpenUploads => new LRUCache({ max: maxOpen, ttl: openForMs })

export function countOpen(begun: OpenUploads): number {
  begun.purgeStale()
  return begun.size
}

/** The same uploads, with their times in `begun`. `stored` gets seconds. */
export function measureUploads(
  inner: Uploads,
  begun: OpenUploads,
  stored: (seconds: number) => void,
): Uploads {
  return {
    start: async name => {
      const at = performance.now()
      const started = await inner.start(name)
      if (started.ok) begun.set(started.value, at)
      return started
    },
    offset: (name, id) => inner.offset(name, id),
    write: (name, id, chunk) => inner.write(name, id, chunk),
    commit: async (name, id, digest, last) => {
      const done = await inner.commit(name, id, digest, last)
      const at = begun.get(id)
      if (done.ok && at !== undefined) {
        begun.delete(id)
        stored((performance.now() - at) / 1000)
      }
      return done
    },
    cancel: (name, id) => {
      begun.delete(id)
      return inner.cancel(name, id)
    },
  }
}
