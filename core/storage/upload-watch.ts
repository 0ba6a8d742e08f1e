import { realpath } from 'node:fs/promises'
import { reasonOf } from '../../lib/error-code.ts'
import { rootOf } from '../../lib/sub-folders.ts'
import type { Storage, StorageOptions } from './storage-api.ts'
import type { StoreStatus } from './store-status.ts'
import type { Traffic } from './traffic.ts'
import { repositoriesOf, ruleByTime, ruleFor } from './uploads.ts'

interface Options extends Pick<StorageOptions, 'clock' | 'log' | 'readProcessUse'> {
  status: Pick<StoreStatus, 'folder' | 'subFolders' | 'count'>
  traffic: Traffic
}

/** Which uploads are under way, and which were left behind. */
export function createUploadWatch({
  clock,
  log,
  readProcessUse,
  status,
  traffic,
}: Options): Pick<Storage, 'uploadsInProgress' | 'uploadsLeft'> {
  /** Answers nothing where no data folder is known, or where it cannot be read. */
  async function look<T>(
    find: (folderOf: (name: string) => string, candidates: string[]) => Promise<T[]>,
    more: (roots: string[]) => string[] = () => [],
  ): Promise<T[]> {
    const { folder, subFolders, count } = status
    if (folder === undefined) return []
    try {
      const roots = await Promise.all(
        [folder, ...Object.values(subFolders)].map(root => realpath(root).catch(() => root)),
      )
      const candidates = [...(count ? await count.uploadCandidates() : []), ...more(roots)]
      return await find(name => rootOf(folder, subFolders, name), candidates)
    } catch (problem) {
      log(`uploads cannot be seen: ${reasonOf(problem)}`)
      return []
    }
  }

  return {
    async uploadsInProgress(registry) {
      const use = registry && (await readProcessUse?.({ ...registry, own: process.pid }))
      const rule = registry ? ruleFor(use, clock.now()) : ruleByTime(clock.now())
      return look(
        (folderOf, candidates) => traffic.uploads(folderOf, candidates, rule),
        // Also before the store was counted, and where no line of a log told of a new repository.
        roots => repositoriesOf(use?.files ?? [], roots),
      )
    },
    uploadsLeft: since => look((folderOf, candidates) => traffic.left(folderOf, candidates, since)),
  }
}
