import type { Failure } from '../../contract/failure.ts'
import type { StorageState } from '../../contract/snapshot.ts'
import type { FreeSpace } from '../platform/volume.ts'
import { checkVolume } from '../platform/volume.ts'
import type { Trend } from './history.ts'
import type { LastCount } from './history-file.ts'
import { daysToFull } from './samples.ts'

interface StorageFacts {
  scanning: boolean
  totals: LastCount | undefined
  space: FreeSpace | undefined
  trend: Trend
  error: Failure | undefined
  /** The reason for each repository. */
  unreadable: ReadonlyMap<string, string> | undefined
}

/** How many unreadable repositories a snapshot names at most. */
const maxUnreadable = 100

/** The state of the store that clients see. */
export function storageStateOf({
  scanning,
  totals,
  space,
  trend,
  error,
  unreadable,
}: StorageFacts): StorageState {
  const fullInDays = space && daysToFull(trend.bytesPerDay, space.freeBytes)
  const unreadableList = [...(unreadable ?? [])]
    .map(([repository, reason]) => ({ repository, reason }))
    .sort((one, other) => (one.repository < other.repository ? -1 : 1))
    .slice(0, maxUnreadable)
  return {
    scanning,
    biggest: [],
    ...totals,
    ...space,
    history: trend.history,
    ...(trend.growth ? { growth: trend.growth } : {}),
    ...(fullInDays === undefined ? {} : { daysToFull: fullInDays }),
    ...(error ? { error } : {}),
    ...(unreadableList.length === 0 ? {} : { unreadable: unreadableList }),
  }
}

/** The failure for a folder that cannot be read; `reason` is half a sentence. */
export const dataUnreadable = (path: string, reason: string): Failure => ({
  code: 'data-unreadable',
  path,
  reason,
})

/** Whether a failure concerns that folder. */
export const isAboutPath = (error: Failure | undefined, path: string): boolean =>
  error !== undefined && 'path' in error && error.path === path

/** Whether the data folder can be counted now. `hadContent`: it was not empty before, so its absence is a failure. */
export async function checkRoot(
  root: string,
  hadContent: () => boolean,
): Promise<{ present: boolean; problem: Failure | undefined }> {
  const volume = await checkVolume(root)
  if (volume.ok) {
    const { present } = volume.value
    const problem: Failure = { code: 'data-volume-missing', path: root, parent: root }
    return { present, problem: !present && hadContent() ? problem : undefined }
  }
  // A volume that cannot be written to can be counted.
  const readable = volume.error.code === 'data-read-only'
  return { present: readable, problem: readable ? undefined : volume.error }
}
