import type { UnreadableRepository } from '../image.ts'
import type { ProbeId, StorageState } from '../snapshot.ts'
import { aboutDays, bytes, capital, count } from './format.ts'

/** "41.2 GB in 58 repositories"; undefined before the first count. */
export function storageTitle(storage: StorageState): string | undefined {
  if (storage.bytes === undefined || storage.repositories === undefined) return undefined
  if (storage.repositories === 0) return 'No images yet'
  return `${bytes(storage.bytes)} in ${count(storage.repositories, 'repository', 'repositories')}`
}

/** Less than most images need: pushes fail, or will with the next one. */
export const isFull = (freeBytes: number): boolean => freeBytes < 16 * 1024 * 1024

/** "19 GB more in the last 30 days"; undefined while there are too few samples. */
export function growthText(storage: StorageState): string | undefined {
  if (!storage.growth) return undefined
  const days = Math.max(1, Math.round(storage.growth.days))
  const period = days === 1 ? 'day' : count(days, 'day')
  const change = storage.growth.bytes
  if (change === 0) return `No change in the last ${period}`
  return `${bytes(Math.abs(change))} ${change > 0 ? 'more' : 'less'} in the last ${period}`
}

/** "Full in about 11 months"; undefined where it does not grow, or has not been measured for long. */
export const daysToFullText = (storage: StorageState): string | undefined =>
  storage.daysToFull === undefined ? undefined : capital(`full in ${aboutDays(storage.daysToFull)}`)

/** The bar as one sentence, for screen readers: "Images 41.2 GB, free 212 GB". */
export const barText = (storage: StorageState): string =>
  [
    storage.bytes === undefined ? '' : `Images ${bytes(storage.bytes)}`,
    storage.freeBytes === undefined ? '' : `free ${bytes(storage.freeBytes)}`,
  ]
    .filter(text => text !== '')
    .join(', ')

/** The line of growth as one sentence: "Growth over 30 days, from 22 GB to 41.2 GB". */
export function historyText(storage: StorageState): string {
  const first = storage.history[0]
  const last = storage.history.at(-1)
  if (!first || !last) return 'No samples yet'
  const days = Math.max(1, Math.round((last[0] - first[0]) / 86_400_000))
  return `Growth over ${count(days, 'day')}, from ${bytes(first[1])} to ${bytes(last[1])}`
}

/** "1 repository cannot be read", and each with its reason: "team/app: access is denied". Undefined where there is none. */
export function unreadableMessage(
  unreadable: readonly UnreadableRepository[] | undefined,
  limit = 10,
): { title: string; lines: string[] } | undefined {
  if (unreadable === undefined || unreadable.length === 0) return undefined
  const lines = unreadable.slice(0, limit).map(({ repository, reason }) => `${repository}: ${reason}`)
  const omitted = unreadable.length - lines.length
  return {
    title: `${count(unreadable.length, 'repository', 'repositories')} cannot be read`,
    lines: omitted > 0 ? [...lines, `and ${omitted} more`] : lines,
  }
}

/** What a probe proves when it passes, as the title of its row. */
export const probeTitle: Record<ProbeId, string> = {
  port: 'Port answers',
  ready: 'Ready',
  catalog: 'Catalog',
  manifest: 'A pull matches its digest',
}

/** How a probe ended, for screen readers and beside its glyph. */
export const outcomeText = { passed: 'passed', failed: 'failed', skipped: 'not checked' } as const
