import type { PushInProgress } from '../../contract/registry-state.ts'
import type { PushEvent } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { uploadsIn } from './uploads.ts'
import type { Write } from './writes.ts'

/** How long a repository is looked at for uploads after the log named one. */
const remembered = 60 * 60_000

export interface Traffic {
  /** Whether the list of pushes grew. */
  take(write: Write): boolean
  /** Newest first, at most 20. */
  pushes(): PushEvent[]
  /** Uploads that grew within the last 5 s, in `places` and where a write told of one. Throws when a folder cannot be read. */
  uploads(folderOf: (repository: string) => string, places: Iterable<string>): Promise<PushInProgress[]>
}

/** What goes in: the last pushes, and the uploads that are under way. */
export function createTraffic(clock: Pick<Clock, 'now'>): Traffic {
  let pushes: PushEvent[] = []
  const uploading = new Map<string, number>()
  return {
    take: ({ kind, repository, tags, at = clock.now(), by }) => {
      if (kind === 'uploading') uploading.set(repository, clock.now())
      if (kind !== 'push' || tags.length === 0) return false
      const who = by === undefined ? {} : { by }
      pushes = [...tags.map(reference => ({ at, repository, reference, ...who })), ...pushes].slice(0, 20)
      return true
    },
    pushes: () => pushes,
    uploads: (folderOf, places) => {
      const now = clock.now()
      for (const [name, seen] of uploading) if (now - seen > remembered) uploading.delete(name)
      return uploadsIn(folderOf, new Set([...uploading.keys(), ...places]), now)
    },
  }
}
