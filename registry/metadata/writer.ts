import { once } from 'node:events'
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { runAll, type Statement } from './database.ts'

/** Writes to a metadata file, in the order in which it is asked. */
export interface DatabaseWriter {
  /** All or nothing. On disk for good when it ends; rejects where the disk takes nothing. */
  write(statements: readonly Statement[]): Promise<void>
  /** Ends once everything asked for before is written. */
  close(): Promise<void>
}

/** Writes at once, in this thread: for tests and tools, where nobody else waits. */
export function directWriter(database: DatabaseSync): DatabaseWriter {
  return {
    write: async statements => runAll(database, statements),
    close: async () => {},
  }
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * Writes in a thread of its own, so that no fsync is waited for on the event loop. `file` was opened and brought to
 * its current version before. The thread is started at once and lasts until `close`.
 */
export function openWriter(file: string): DatabaseWriter {
  const worker = new Worker(workerUrl(import.meta.url), { workerData: { file } })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let dead: Error | undefined
  // It keeps the process alive only while somebody waits for it.
  worker.unref()
  worker.on('message', ({ id, error }: { id: number; error?: string }) => {
    const asked = waiting.get(id)
    waiting.delete(id)
    if (waiting.size === 0) worker.unref()
    if (error === undefined) asked?.resolve()
    else asked?.reject(new Error(error))
  })
  const end = (error: Error): void => {
    dead ??= error
    for (const { reject } of waiting.values()) reject(dead)
    waiting.clear()
  }
  worker.on('error', end)
  const ended = once(worker, 'exit').then(() => end(new Error(`the writer of ${file} has ended`)))
  ended.catch(() => {})
  return {
    write: statements =>
      new Promise((resolve, reject) => {
        if (dead) return reject(dead)
        if (statements.length === 0) return resolve()
        const id = ++lastId
        waiting.set(id, { resolve, reject })
        worker.ref()
        worker.postMessage({ id, statements })
      }),
    close: async () => {
      if (dead) return
      worker.ref()
      worker.postMessage('close')
      await ended.catch(() => {})
    },
  }
}

/** Beside the bundle, or beside this file where it runs as it is. */
function workerUrl(own: string): URL {
  if (own.endsWith('.ts')) return new URL('./writer-worker.ts', own)
  return new URL(/\/chunks\/[^/]*$/.test(own) ? '../writer-worker.mjs' : './writer-worker.mjs', own)
}
