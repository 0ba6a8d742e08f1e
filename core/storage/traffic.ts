import type { PushInProgress } from '../../contract/registry-state.ts'
import type { PushEvent } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { type UploadRule, uploadsIn, uploadsLeftIn } from './uploads.ts'
import type { Write } from './writes.ts'

/** How long a repository is searched for uploads after a write reported one. */
const rememberedMs = 60 * 60_000

type FolderOf = (repository: string) => string

export interface Traffic {
  /** Whether the list of pushes grew. */
  record(write: Write): boolean
  /** Newest first, at most 20. */
  pushes(): PushEvent[]
  /** Uploads under way, in `candidates` and in repositories with a reported upload. Throws when a folder cannot be read. */
  uploads(folderOf: FolderOf, candidates: Iterable<string>, rule: UploadRule): Promise<PushInProgress[]>
  /**
   * Repositories with an upload that the registry left behind when it ended: one that was under way when they were listed
   * last, or that was written to since then or since `since` (ms since the epoch), whichever was later.
   */
  left(folderOf: FolderOf, candidates: Iterable<string>, since: number): Promise<string[]>
}

/** The last pushes, and the uploads under way. */
export function createTraffic(clock: Pick<Clock, 'now'>): Traffic {
  let pushes: PushEvent[] = []
  const uploading = new Map<string, number>()
  let listed: { at: number; files: ReadonlySet<string> } = { at: 0, files: new Set() }
  const searched = (candidates: Iterable<string>): Set<string> => {
    const now = clock.now()
    for (const [name, seenAt] of uploading) if (now - seenAt > rememberedMs) uploading.delete(name)
    return new Set([...uploading.keys(), ...candidates])
  }
  return {
    record: ({ kind, repository, tags, at = clock.now(), by }) => {
      if (kind === 'uploading') uploading.set(repository, clock.now())
      if (kind !== 'push' || tags.length === 0) return false
      const user = by === undefined ? {} : { by }
      pushes = [...tags.map(reference => ({ at, repository, reference, ...user })), ...pushes].slice(0, 20)
      return true
    },
    pushes: () => pushes,
    async uploads(folderOf, candidates, rule) {
      const uploads = await uploadsIn(folderOf, searched(candidates), rule)
      listed = { at: rule.now, files: new Set(uploads.flatMap(({ files }) => files)) }
      return uploads.map(({ repository, bytes }) => ({ repository, bytes }))
    },
    left(folderOf, candidates, since) {
      const now = clock.now()
      const isOfThisEnd = listed.at >= since
      const known: ReadonlySet<string> = isOfThisEnd ? listed.files : new Set()
      return uploadsLeftIn(folderOf, searched(candidates), { known, since: Math.max(since, listed.at), now })
    },
  }
}
