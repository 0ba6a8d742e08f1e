import { once } from 'node:events'
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { threadCode } from '../../lib/thread-code.ts'
import { type Durability, runAll, type Statement } from './database.ts'

/** Writes to a metadata file, in the order in which it is asked. */
export interface DatabaseWriter {
  /** All or nothing. On disk when it ends, as durably as the file is meant to be; rejects where the disk takes nothing. */
  write(statements: readonly Statement[]): Promise<void>
}

/** A thread that writes, so that no fsync is waited for on the event loop. */
export interface WriterThread {
  /** `file` was opened and brought to its current version before. */
  writer(file: string, durability: Durability): DatabaseWriter
  isRunning(): boolean
  /** Ends once everything asked for before is written. */
  close(): Promise<void>
}

/** Writes at once, in this thread: for tests and tools, where nobody else waits. */
export function directWriter(database: DatabaseSync): DatabaseWriter {
  return { write: async statements => runAll(database, statements) }
}

interface PendingWrite {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Running {
  readonly worker: Worker
  readonly waiting: Map<number, PendingWrite>
  readonly ended: Promise<unknown>
}

/** An idle thread is 20 MB of memory, ms. */
const idleMs = 30_000

/** The thread is started with a write and ends when it was idle for `idleFor` ms; its code is read now. */
export function createWriterThread(idleFor: number = idleMs): WriterThread {
  const code = threadCode(import.meta.url, 'writer-worker')
  const resting = new Set<Promise<unknown>>()
  let running: Running | undefined
  let idle: NodeJS.Timeout | undefined
  let lastId = 0
  let closed = false

  /** Ends the idle thread: it closes its files first. */
  const rest = (): void => {
    clearTimeout(idle)
    if (!running) return
    const { worker, ended } = running
    running = undefined
    resting.add(ended)
    void ended.finally(() => resting.delete(ended))
    worker.postMessage('close')
  }

  const start = (): Running => {
    const worker = new Worker(code)
    // It keeps the process alive only while somebody waits for it.
    worker.unref()
    const waiting = new Map<number, PendingWrite>()
    const started: Running = { worker, waiting, ended: once(worker, 'exit').catch(() => {}) }
    const gone = (error: Error): void => {
      if (running === started) running = undefined
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    worker.on('message', ({ id, error }: { id: number; error?: string }) => {
      const asked = waiting.get(id)
      waiting.delete(id)
      if (waiting.size === 0) {
        worker.unref()
        clearTimeout(idle)
        idle = setTimeout(rest, idleFor).unref()
      }
      if (error === undefined) asked?.resolve()
      else asked?.reject(new Error(error))
    })
    worker.on('error', gone)
    worker.on('exit', () => gone(new Error('the thread that writes has ended')))
    return started
  }

  return {
    writer: (file, durability) => ({
      write: statements =>
        new Promise((resolve, reject) => {
          if (closed) return reject(new Error(`the writer of ${file} has ended`))
          if (statements.length === 0) return resolve()
          clearTimeout(idle)
          running ??= start()
          const id = ++lastId
          running.waiting.set(id, { resolve, reject })
          running.worker.ref()
          running.worker.postMessage({ id, file, durability, statements })
        }),
    }),
    isRunning: () => running !== undefined,
    close: async () => {
      closed = true
      // Messages are read in order: what was asked for comes before the end.
      running?.worker.ref()
      rest()
      await Promise.all(resting)
    },
  }
}
