import { Worker } from 'node:worker_threads'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import type { SubFolders } from '../../lib/sub-folders.ts'
import { asyncDisk } from './disk.ts'
import type { Ledger } from './ledger.ts'
import { StoreCount } from './store-count.ts'
import { type Batch, type Unreadable, walkAll } from './walk.ts'

export type ScanOutcome =
  | { kind: 'counted'; count: StoreCount; ledger: Ledger; unreadable: Unreadable[] }
  /** The folder itself could not be read; why, in words. */
  | { kind: 'failed'; reason: string }
  | { kind: 'cancelled' }

export interface Scan {
  done: Promise<ScanOutcome>
  cancel(): void
}

/** What the scanning thread sends: batches, then one end. */
export type ScanMessage =
  | { kind: 'batch'; batch: Batch }
  | { kind: 'done'; unreadable: Unreadable[] }
  | { kind: 'failed'; reason: string }

/** The part of a worker thread that a scan uses; tests give another. */
export interface ScanThread {
  on(event: 'message', listener: (message: ScanMessage) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'exit', listener: (code: number) => void): unknown
  terminate(): unknown
}

type StartThread = (folder: string, subs: SubFolders) => ScanThread

export interface ScanOptions {
  startThread?: StartThread
  /** Up to so many files are counted here, a few requests at a time. */
  smallStore?: number
  subFolders?: SubFolders
  /** Some of it was counted. */
  onProgress?: () => void
  /** ms since the epoch, by the clock that the file system uses. */
  now?: () => number
}

/**
 * One count of everything below `folder` and the sub folders. A big store is counted by a thread that ends afterwards; a small one
 * is not worth the 15 MB that a thread leaves behind in the process for good.
 */
export function startScan(folder: string, options: ScanOptions = {}): Scan {
  const { startThread = startWorker, smallStore = 3000, subFolders = {}, onProgress = () => {} } = options
  const { now = Date.now } = options
  const begin = (): StoreCount => new StoreCount({ disk: asyncDisk, folder, subFolders, now })
  let cancelled = false
  let thread: Scan | undefined
  const count = async (): Promise<ScanOutcome> => {
    const small = await countHere(begin(), folder, subFolders, smallStore, () => cancelled, onProgress, now)
    if (cancelled) return { kind: 'cancelled' }
    if (small !== 'too-big') return small
    thread = countInThread(begin(), () => startThread(folder, subFolders), onProgress, now)
    return thread.done
  }
  return {
    done: count(),
    cancel: () => {
      cancelled = true
      thread?.cancel()
    },
  }
}

async function countHere(
  count: StoreCount,
  folder: string,
  subs: SubFolders,
  most: number,
  cancelled: () => boolean,
  onProgress: () => void,
  now: () => number,
): Promise<ScanOutcome | 'too-big'> {
  const readAt = now()
  let files = 0
  try {
    await count.identify()
    const unreadable = await walkAll(
      asyncDisk,
      folder,
      subs,
      batch => {
        files += batch.files.sizes.length
        count.take(batch, readAt)
        onProgress()
        return !cancelled() && files <= most
      },
      256,
    )
    return files > most ? 'too-big' : counted(count, unreadable)
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    return { kind: 'failed', reason: reasonOf(error) }
  }
}

/** A count that has seen everything. */
function counted(count: StoreCount, unreadable: Unreadable[]): ScanOutcome {
  count.takeUnreadable(unreadable)
  return { kind: 'counted', count, ledger: count.ledger, unreadable }
}

function countInThread(
  count: StoreCount,
  start: () => ScanThread,
  onProgress: () => void,
  now: () => number,
): Scan {
  const readAt = now()
  const identified = count.identify()
  const { promise, resolve } = Promise.withResolvers<ScanOutcome>()
  const thread = start()
  const end = (outcome: ScanOutcome) => {
    resolve(outcome)
    thread.terminate()
  }
  thread.on('message', message => {
    switch (message.kind) {
      case 'batch':
        onProgress()
        return count.take(message.batch, readAt)
      case 'done':
        return void identified.then(
          () => end(counted(count, message.unreadable)),
          error => end({ kind: 'failed', reason: reasonOf(error) }),
        )
      case 'failed':
        return end({ kind: 'failed', reason: message.reason })
    }
  })
  thread.on('error', error => end({ kind: 'failed', reason: error.message }))
  thread.on('exit', () => resolve({ kind: 'cancelled' }))
  return { done: promise, cancel: () => end({ kind: 'cancelled' }) }
}

function startWorker(folder: string, subs: SubFolders): ScanThread {
  return new Worker(workerFile(import.meta.url), {
    workerData: { folder, subs },
    env: {},
    // Small generations: the walk makes much garbage and keeps almost nothing.
    resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 },
  })
}

/** The worker's file seen from this module: a source, or an entry or a chunk of the bundle, which lie in folders side by side. */
export function workerFile(here: string): URL {
  if (here.endsWith('.ts')) return new URL('./scan-worker.ts', here)
  return new URL('../core/scan-worker.mjs', here)
}
