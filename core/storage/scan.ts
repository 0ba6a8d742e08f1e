import { Worker } from 'node:worker_threads'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import type { SubFolders } from '../../lib/sub-folders.ts'
import { threadCode } from '../../lib/thread-code.ts'
import { asyncDisk } from './disk.ts'
import type { Ledger } from './ledger.ts'
import { StoreCount } from './store-count.ts'
import { type Batch, type Unreadable, walkAll } from './walk.ts'

export type ScanOutcome =
  | { kind: 'counted'; count: StoreCount; ledger: Ledger; unreadable: Unreadable[] }
  /** The folder itself could not be read; `reason` is text for people. */
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

type StartThread = (folder: string, subFolders: SubFolders) => ScanThread

export interface ScanOptions {
  startThread?: StartThread
  /** Up to this number of files the store is counted in this thread, a few requests at a time. */
  smallStore?: number
  subFolders?: SubFolders
  /** Called for each part that was counted. */
  onProgress?: () => void
  /** ms since the epoch, by the clock that the file system uses. */
  now?: () => number
}

/**
 * Counts everything below `folder` and the sub folders once. A big store is counted by a thread that ends afterwards; for
 * a small one that is not worth the 15 MB that a thread costs the process for good.
 */
export function startScan(folder: string, options: ScanOptions = {}): Scan {
  const { startThread = startWorker, smallStore = 3000, subFolders = {}, onProgress = () => {} } = options
  const { now = Date.now } = options
  const createCount = (): StoreCount => new StoreCount({ disk: asyncDisk, folder, subFolders, now })
  let cancelled = false
  let thread: Scan | undefined
  const count = async (): Promise<ScanOutcome> => {
    const small = await countInProcess(
      createCount(),
      folder,
      subFolders,
      smallStore,
      () => cancelled,
      onProgress,
      now,
    )
    if (cancelled) return { kind: 'cancelled' }
    if (small !== 'too-big') return small
    thread = countInThread(createCount(), () => startThread(folder, subFolders), onProgress, now)
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

async function countInProcess(
  count: StoreCount,
  folder: string,
  subFolders: SubFolders,
  maxFiles: number,
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
      subFolders,
      batch => {
        files += batch.files.sizes.length
        count.addBatch(batch, readAt)
        onProgress()
        return !cancelled() && files <= maxFiles
      },
      256,
    )
    return files > maxFiles ? 'too-big' : counted(count, unreadable)
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    return { kind: 'failed', reason: reasonOf(error) }
  }
}

/** The outcome of a complete count. */
function counted(count: StoreCount, unreadable: Unreadable[]): ScanOutcome {
  count.addUnreadable(unreadable)
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
        return count.addBatch(message.batch, readAt)
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

function startWorker(folder: string, subFolders: SubFolders): ScanThread {
  return new Worker(threadCode(import.meta.url, 'scan-worker'), {
    workerData: { folder, subFolders },
    env: {},
    // Small generations: the walk makes much garbage and keeps almost nothing.
    resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 },
  })
}
