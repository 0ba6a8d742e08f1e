import type { Snapshot } from '../../contract/snapshot.ts'

// The number counts changes of the snapshot's shape: a copy of another shape is not found.
const storageKey = 'zotbar.last-known.1'

/** Stores a copy for the next first paint, without the dashboard's address, which may contain a token. */
export function saveLastKnown(snapshot: Snapshot): void {
  const { dashboard: _, ...rest } = snapshot
  try {
    localStorage.setItem(storageKey, JSON.stringify(rest))
  } catch {
    // Without storage the next page starts empty; nothing else depends on it.
  }
}

/** The snapshot of an earlier page. */
export function readLastKnown(): Snapshot | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(storageKey) ?? 'null')
    return isSnapshot(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isSnapshot = (value: unknown): value is Snapshot =>
  typeof value === 'object' &&
  value !== null &&
  'takenAt' in value &&
  'process' in value &&
  'storage' in value
