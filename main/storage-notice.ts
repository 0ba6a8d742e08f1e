import type { Notice, StorageState } from '../preload/contract/snapshot.ts'

/** Whether the disk deserves a warning: under `percent` free, or full within `days` at the measured growth. */
export function storageNotice(storage: StorageState, percent: number, days: number): Notice | undefined {
  const { asOf, daysToFull, freeBytes, volumeBytes } = storage
  if (asOf === undefined || freeBytes === undefined || volumeBytes === undefined || volumeBytes === 0)
    return undefined
  const tight = (freeBytes / volumeBytes) * 100 < percent
  const soon = daysToFull !== undefined && daysToFull < days
  if (!tight && !soon) return undefined
  return { id: 'storage-nearly-full', at: asOf, kind: 'storage-nearly-full', freeBytes, volumeBytes }
}
