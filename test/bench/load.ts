import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface LoadOptions {
  method: 'GET' | 'HEAD'
  paths: readonly string[]
  connections: number
  headers?: Record<string, string>
  /** Between an answer and the next request of the same connection, ms. */
  pauseMs?: number
}

/** Every answer in the order they came: when, in ms since the epoch, and how long it took, ms. */
export interface Answers {
  at: number[]
  took: number[]
}

export interface RunningLoad {
  /** Throws when any answer was not 200. */
  stop(): Promise<Answers>
}

/**
 * Asks over and over from a thread of its own: where wrk cannot be told to (it waits for a body after HEAD, and
 * says nothing of when each answer came). Resolves once all connections are open.
 */
export async function startLoad(url: string, options: LoadOptions): Promise<RunningLoad> {
  const worker = new Worker(new URL('./load-worker.ts', import.meta.url), { workerData: { url, ...options } })
  await once(worker, 'message')
  return {
    async stop() {
      const said = once(worker, 'message')
      worker.postMessage('stop')
      const [answers] = await said
      await worker.terminate()
      if (answers.failed !== undefined) throw new Error(`${url}: ${answers.failed}`)
      return { at: Array.from(answers.at), took: Array.from(answers.took) }
    },
  }
}

/** How long the answers took that came between two moments, ms. */
export function tookBetween({ at, took }: Answers, from: number, to: number): number[] {
  return took.filter((_, i) => (at[i] ?? 0) >= from && (at[i] ?? 0) <= to)
}
