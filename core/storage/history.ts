import { reasonOf } from '../../lib/error-code.ts'
import type { HistoryFile, LastCount, StoredHistory } from './history-file.ts'
import { bytesPerDay, daily, growth, type Sample, thin } from './samples.ts'

export interface Trend {
  history: Sample[]
  growth?: { bytes: number; days: number }
  /** Bytes a day. */
  bytesPerDay?: number
}

export interface History {
  /** Makes this folder the current one, and returns its last count if there is one. */
  open(folder: string): Promise<LastCount | undefined>
  /** Records a count: one sample in five minutes at most, and written to disk no more often. */
  record(count: LastCount): void
  trend(now: number): Trend
  /** Drops what was recorded of the current folder, because it was about another one. */
  forget(): void
  /** Writes what is not written yet. */
  close(): Promise<void>
}

const sampleIntervalMs = 5 * 60_000
const unchangedIntervalMs = 60 * 60_000
const maxStores = 4

export interface HistoryOptions {
  file: HistoryFile
  log: (message: string) => void
}

/** Sizes over time, for each of the last four data folders: about 40 KB each. */
export function createHistory({ file, log }: HistoryOptions): History {
  let stores: StoredHistory[] | undefined
  let current: string | undefined
  let lastWrite: { at: number; bytes: number } | undefined
  let isDirty = false
  let isReadable = true
  let cachedPace: { folder: string | undefined; at: number; perDay: number | undefined } | undefined
  let writing: Promise<void> | undefined
  const currentStore = (): StoredHistory | undefined => stores?.find(store => store.folder === current)

  const write = (): Promise<void> => {
    isDirty = false
    const value = stores ?? []
    const before = writing
    const next = (async () => {
      await before
      try {
        await file.write(value)
      } catch (error) {
        log(`the size history could not be written: ${reasonOf(error)}`)
      }
    })()
    writing = next
    return next
  }

  return {
    open: async folder => {
      stores ??= await file.read().catch((error: unknown) => {
        // The file is not overwritten: it may hold a year of sizes, and be readable again tomorrow.
        log(`the size history cannot be read and is not continued: ${reasonOf(error)}`)
        isReadable = false
        return []
      })
      current = folder
      return currentStore()?.last
    },

    record: count => {
      if (!stores || current === undefined) return
      const folder = current
      const { asOf: at, bytes } = count
      const before = currentStore()
      const samples = before ? [...before.samples] : []
      const last = samples.at(-1)
      const previous = samples.at(-2)
      // Within the five minutes the newest sample is replaced, so the last one is always the present.
      if (last && previous && at - previous[0] < sampleIntervalMs) samples.pop()
      // A clock that was set back would put samples out of order.
      const earlier = samples.filter(([taken]) => taken < at)
      const store: StoredHistory = { folder, last: count, samples: thin([...earlier, [at, bytes]], at) }
      stores = [store, ...stores.filter(other => other.folder !== folder)].slice(0, maxStores)
      isDirty = isReadable
      if (!isReadable) return
      const pause = bytes === lastWrite?.bytes ? unchangedIntervalMs : sampleIntervalMs
      if (lastWrite && at - lastWrite.at < pause && at >= lastWrite.at) return
      lastWrite = { at, bytes }
      void write()
    },

    trend: at => {
      const samples = currentStore()?.samples ?? []
      const grown = growth(samples, at)
      // Takes some milliseconds, and hardly changes within a minute.
      if (!cachedPace || cachedPace.folder !== current || at - cachedPace.at >= 60_000 || at < cachedPace.at)
        cachedPace = { folder: current, at, perDay: bytesPerDay(samples, at) }
      const { perDay } = cachedPace
      return {
        history: daily(samples, at),
        ...(grown ? { growth: grown } : {}),
        ...(perDay === undefined ? {} : { bytesPerDay: perDay }),
      }
    },

    forget: () => {
      if (!stores || current === undefined) return
      stores = stores.filter(({ folder }) => folder !== current)
      cachedPace = undefined
      lastWrite = undefined
      isDirty = isReadable
    },

    close: async () => {
      if (isDirty) await write()
      await writing
    },
  }
}
