import { isFull } from '../../contract/messages/storage-message.ts'
import type { Notice, StorageState } from '../../contract/snapshot.ts'

/**
 * Whether the disk deserves a warning: under `percent` free, full within `days` at the measured growth, or full now,
 * whatever the settings are and whenever the store was counted. `now` in ms since the epoch.
 */
export function storageNotice(
  storage: StorageState,
  percent: number,
  days: number,
  now: number,
): Notice | undefined {
  const { asOf = now, daysToFull, freeBytes, volumeBytes } = storage
  if (freeBytes === undefined || volumeBytes === undefined || volumeBytes === 0) return undefined
  const tight = (freeBytes / volumeBytes) * 100 < percent || isFull(freeBytes)
  const soon = daysToFull !== undefined && daysToFull < days
  if (!tight && !soon) return undefined
  return { id: 'storage-nearly-full', at: asOf, kind: 'storage-nearly-full', freeBytes, volumeBytes }
}
