import type { PushInProgress } from '../../contract/registry-state.ts'
import type { PushEvent } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { uploadsIn } from './uploads.ts'
import type { Write } from './writes.ts'

/** How long a repository is searched for uploads after a write reported one. */
const rememberedMs = 60 * 60_000

export interface Traffic {
  /** Whether the list of pushes grew. */
  record(write: Write): boolean
  /** Newest first, at most 20. */
  pushes(): PushEvent[]
  /** Uploads that grew within the last 5 s, in `candidates` and in repositories with a reported upload. Throws when a folder cannot be read. */
  uploads(folderOf: (repository: string) => string, candidates: Iterable<string>): Promise<PushInProgress[]>
}

/** The last pushes, and the uploads under way. */
export function createTraffic(clock: Pick<Clock, 'now'>): Traffic {
  let pushes: PushEvent[] = []
  const uploading = new Map<string, number>()
  return {
    record: ({ kind, repository, tags, at = clock.now(), by }) => {
      if (kind === 'uploading') uploading.set(repository, clock.now())
      if (kind !== 'push' || tags.length === 0) return false
      const user = by === undefined ? {} : { by }
      pushes = [...tags.map(reference => ({ at, repository, reference, ...user })), ...pushes].slice(0, 20)
      return true
    },
    pushes: () => pushes,
    uploads: (folderOf, candidates) => {
      const now = clock.now()
      for (const [name, seenAt] of uploading) if (now - seenAt > rememberedMs) uploading.delete(name)
      return uploadsIn(folderOf, new Set([...uploading.keys(), ...candidates]), now)
    },
  }
}
