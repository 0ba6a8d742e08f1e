import { reasonOf } from '../../lib/error-code.ts'
import type { HistoryFile, LastCount, Stored } from './history-file.ts'
import { daily, growth, pace, type Sample, thin } from './samples.ts'

export interface Trend {
  history: Sample[]
  growth?: { bytes: number; days: number }
  /** Bytes a day. */
  pace?: number
}

export interface History {
  /** From now on this folder's history is meant. Its last count, where there is one. */
  use(folder: string): Promise<LastCount | undefined>
  /** A new sum. Kept as a sample at most every five minutes, written to disk as rarely. */
  record(count: LastCount): void
  trend(now: number): Trend
  /** What was recorded of this folder was of another one: it is dropped. */
  forget(): void
  /** Writes what is not written yet. */
  close(): Promise<void>
}

const every = 5 * 60_000
const unchangedEvery = 60 * 60_000
const mostStores = 4

export interface HistoryOptions {
  file: HistoryFile
  log: (message: string) => void
}

/** Sizes over time, for each of the last four data folders: about 40 KB each. */
export function createHistory({ file, log }: HistoryOptions): History {
  let stores: Stored[] | undefined
  let current: string | undefined
  let written: { at: number; bytes: number } | undefined
  let dirty = false
  let readable = true
  let known: { of: string | undefined; at: number; perDay: number | undefined } | undefined
  let writing: Promise<void> | undefined
  const now = (): Stored | undefined => stores?.find(store => store.folder === current)

  const write = (): Promise<void> => {
    dirty = false
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
    use: async folder => {
      stores ??= await file.read().catch((error: unknown) => {
        // It stays as it is: it may hold a year of sizes, and be readable again tomorrow.
        log(`the size history cannot be read and is not continued: ${reasonOf(error)}`)
        readable = false
        return []
      })
      current = folder
      return now()?.last
    },

    record: count => {
      if (!stores || current === undefined) return
      const folder = current
      const { asOf: at, bytes } = count
      const before = now()
      const samples = before ? [...before.samples] : []
      const last = samples.at(-1)
      const previous = samples.at(-2)
      // Within the five minutes the newest sample is replaced, so the last one is always the present.
      if (last && previous && at - previous[0] < every) samples.pop()
      // A clock that was set back would put samples out of order.
      const kept = samples.filter(([taken]) => taken < at)
      const store: Stored = { folder, last: count, samples: thin([...kept, [at, bytes]], at) }
      stores = [store, ...stores.filter(other => other.folder !== folder)].slice(0, mostStores)
      dirty = readable
      if (!readable) return
      const pause = bytes === written?.bytes ? unchangedEvery : every
      if (written && at - written.at < pause && at >= written.at) return
      written = { at, bytes }
      void write()
    },

    trend: at => {
      const samples = now()?.samples ?? []
      const grown = growth(samples, at)
      // Worth some milliseconds, and a pace of days does not change within a minute.
      if (!known || known.of !== current || at - known.at >= 60_000 || at < known.at)
        known = { of: current, at, perDay: pace(samples, at) }
      const { perDay } = known
      return {
        history: daily(samples, at),
        ...(grown ? { growth: grown } : {}),
        ...(perDay === undefined ? {} : { pace: perDay }),
      }
    },

    forget: () => {
      if (!stores || current === undefined) return
      stores = stores.filter(({ folder }) => folder !== current)
      known = undefined
      written = undefined
      dirty = readable
    },

    close: async () => {
      if (dirty) await write()
      await writing
    },
  }
}
