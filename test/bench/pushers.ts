import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { createClient, digestOf } from './client.ts'
import { runWell } from './program.ts'

/** Clients that push at the same time, each its own content over a connection of its own. */
export interface Pushers {
  /** Every client pushes `each` blobs with POST and PUT; seconds from the first POST to the last 201. */
  push(url: string, each: number): Promise<number>
}

/** `size` of a blob in bytes. */
export function createPushers(clients: number, size: number): Pushers {
  const base = randomBytes(size)
  return {
    async push(url, each) {
      // New content each time, hashed beforehand: a registry need not store what it has.
      const queues = Array.from({ length: clients }, () =>
        Array.from({ length: each }, () => {
          const bytes = Buffer.from(base)
          randomBytes(16).copy(bytes)
          return { bytes, digest: digestOf(bytes) }
        }),
      )
      await runWell('sync', [])
      const started = performance.now()
      await Promise.all(
        queues.map(async (queue, number) => {
          const client = createClient(url, 1)
          for (const { bytes, digest } of queue) await client.blob(`bench/push${number}`, bytes, digest)
          await client.close()
        }),
      )
      return (performance.now() - started) / 1000
    },
  }
}
