import type { Failure } from '../../contract/failure.ts'
import type { StorageState } from '../../contract/snapshot.ts'
import type { FreeSpace } from '../platform/volume.ts'
import { checkVolume } from '../platform/volume.ts'
import type { Trend } from './history.ts'
import type { LastCount } from './history-file.ts'
import { daysToFull } from './samples.ts'

interface Known {
  scanning: boolean
  shown: LastCount | undefined
  space: FreeSpace | undefined
  trend: Trend
  error: Failure | undefined
  /** Why, by name. */
  unreadable: ReadonlyMap<string, string> | undefined
}

/** The most that a snapshot names. */
const mostUnreadable = 100

/** What is known of the store, as it is shown. */
export function present({ scanning, shown, space, trend, error, unreadable }: Known): StorageState {
  const full = space && daysToFull(trend.pace, space.freeBytes)
  const named = [...(unreadable ?? [])]
    .map(([repository, reason]) => ({ repository, reason }))
    .sort((one, other) => (one.repository < other.repository ? -1 : 1))
    .slice(0, mostUnreadable)
  return {
    scanning,
    biggest: [],
    ...shown,
    ...space,
    history: trend.history,
    ...(trend.growth ? { growth: trend.growth } : {}),
    ...(full === undefined ? {} : { daysToFull: full }),
    ...(error ? { error } : {}),
    ...(named.length === 0 ? {} : { unreadable: named }),
  }
}

/** What cannot be read, and why, in half a sentence. */
export const unreadable = (path: string, reason: string): Failure => ({
  code: 'data-unreadable',
  path,
  reason,
})

/** Whether a failure speaks of that folder. */
export const isAboutPath = (error: Failure | undefined, path: string): boolean =>
  error !== undefined && 'path' in error && error.path === path

/** Whether the data folder can be counted now. `held`: it had something in it before, so it must not be gone. */
export async function checkRoot(
  root: string,
  held: () => boolean,
): Promise<{ present: boolean; problem: Failure | undefined }> {
  const volume = await checkVolume(root)
  if (volume.ok) {
    const { present } = volume.value
    const problem: Failure = { code: 'data-volume-missing', path: root, parent: root }
    return { present, problem: !present && held() ? problem : undefined }
  }
  // A volume that cannot be written to can be counted.
  const readable = volume.error.code === 'data-read-only'
  return { present: readable, problem: readable ? undefined : volume.error }
}
