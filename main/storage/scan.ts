import { Worker } from 'node:worker_threads'
import { errorCode, reasonOf } from '../platform/error-code.ts'
import { asyncDisk } from './disk.ts'
import { Ledger } from './ledger.ts'
import type { SubFolders } from './roots.ts'
import type { ScanMessage } from './scan-message.ts'
import { type Batch, type Unreadable, walkAll } from './walk.ts'

export type ScanOutcome =
  | { kind: 'counted'; ledger: Ledger; unreadable: Unreadable[] }
  /** The folder itself could not be read; why, in words. */
  | { kind: 'failed'; reason: string }
  | { kind: 'cancelled' }

export interface Scan {
  done: Promise<ScanOutcome>
  cancel(): void
}

/** The part of a worker thread that a scan uses; tests give another. */
export interface ScanThread {
  on(event: 'message', listener: (message: ScanMessage) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'exit', listener: (code: number) => void): unknown
  terminate(): unknown
}

export type StartThread = (folder: string, subs: SubFolders) => ScanThread

export interface ScanOptions {
  startThread?: StartThread
  /** Up to so many files are counted here, a few requests at a time. */
  smallStore?: number
  subFolders?: SubFolders
  /** Some of it was counted. */
  onProgress?: () => void
}

/**
 * One count of everything below `folder` and the sub folders. A big store is counted by a thread that ends afterwards; a small one
 * is not worth the 15 MB that a thread leaves behind in the process for good.
 */
export function startScan(folder: string, options: ScanOptions = {}): Scan {
  const { startThread = startWorker, smallStore = 3000, subFolders = {}, onProgress = () => {} } = options
  let cancelled = false
  let thread: Scan | undefined
  const count = async (): Promise<ScanOutcome> => {
    const small = await countHere(folder, subFolders, smallStore, () => cancelled, onProgress)
    if (cancelled) return { kind: 'cancelled' }
    if (small !== 'too-big') return small
    thread = countInThread(() => startThread(folder, subFolders), onProgress)
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
  folder: string,
  subs: SubFolders,
  most: number,
  cancelled: () => boolean,
  onProgress: () => void,
): Promise<ScanOutcome | 'too-big'> {
  const ledger = new Ledger()
  let files = 0
  try {
    const unreadable = await walkAll(
      asyncDisk,
      folder,
      subs,
      batch => {
        files += batch.files.sizes.length
        addBatch(ledger, batch)
        onProgress()
        return !cancelled() && files <= most
      },
      256,
    )
    return files > most ? 'too-big' : { kind: 'counted', ledger, unreadable }
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    return { kind: 'failed', reason: reasonOf(error) }
  }
}

function countInThread(start: () => ScanThread, onProgress: () => void): Scan {
  const ledger = new Ledger()
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
        return addBatch(ledger, message.batch)
      case 'done':
        return end({ kind: 'counted', ledger, unreadable: message.unreadable })
      case 'failed':
        return end({ kind: 'failed', reason: message.reason })
    }
  })
  thread.on('error', error => end({ kind: 'failed', reason: error.message }))
  thread.on('exit', () => resolve({ kind: 'cancelled' }))
  return { done: promise, cancel: () => end({ kind: 'cancelled' }) }
}

function addBatch(ledger: Ledger, { repositories, files }: Batch): void {
  let at = 0
  for (const { files: count, ...repository } of repositories) {
    // A copy, because a view would keep the whole batch alive.
    const keys = files.keys.slice(2 * at, 2 * (at + count))
    ledger.put(repository, { keys, sizes: files.sizes.subarray(at, at + count) })
    at += count
  }
}

function startWorker(folder: string, subs: SubFolders): ScanThread {
  return new Worker(workerFile(import.meta.url), {
    workerData: { folder, subs },
    env: {},
    // Small generations: the walk makes much garbage and keeps almost nothing.
    resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 },
  })
}

/** The worker's file seen from this module: a source, an entry of the bundle, or a chunk one folder below. */
export function workerFile(here: string): URL {
  if (here.endsWith('.ts')) return new URL('./scan-worker.ts', here)
  return new URL(/\/chunks\/[^/]*$/.test(here) ? '../scan-worker.mjs' : './scan-worker.mjs', here)
}
