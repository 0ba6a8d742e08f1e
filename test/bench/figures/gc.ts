import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { digestOf, manifestType } from '../client.ts'
import { type Bench, type Figure, missing, rows, skipped } from '../figure.ts'
import { repositoryName } from '../image-store.ts'
import { blobFile } from '../layout-store.ts'
import { startLoad, tookBetween } from '../load.ts'
import { populated, populatedNote, populatedPaths, populatedSizes } from '../populated.ts'
import { registryConfig } from '../side.ts'
import { quantile, summary } from '../stats.ts'
import { storeContent } from '../store-content.ts'

const connections = 16
const pauseMs = 10

/** Garbage collection of many blobs that nothing names, and what readers notice of it. */
export const gc: Figure = {
  name: 'gc',
  about: 'reads during garbage collection of 10,000 dead blobs',
  async run(bench) {
    const { quick, work, engine, say } = bench
    if (!engine) return skipped(missing.ours)
    const folder = await populated(bench, { layout: 'zot' })
    const data = join(folder, 'data')
    const server = await engine.start(work, folder, { settings: { storage: { gc: false } } })
    const port = Number(new URL(server.url).port)
    const change = (storage: Record<string, unknown>) =>
      writeFile(join(folder, 'config.json'), registryConfig(data, port, 'error', { storage }))
    const paths = readPaths(bench)
    const quiet: number[] = []
    const busy: number[] = []
    const took: number[] = []
    for (let round = 0; round < (quick ? 2 : 3); round++) {
      const dead = writeDead(bench, data)
      const load = await startLoad(server.url, {
        method: 'GET',
        paths,
        connections,
        pauseMs,
        headers: { accept: manifestType },
      })
      await pause(quick ? 3_000 : 8_000)
      const calm = Date.now()
      await change({ gc: true, gcDelay: '1ms', gcInterval: '1s' })
      const began = await until(() => dead.some(path => !existsSync(path)))
      const ended = await until(() => !dead.some(path => existsSync(path)))
      await change({ gc: false })
      const answers = await load.stop()
      // The first second warms both sides.
      const before = tookBetween(answers, calm - (quick ? 2_000 : 7_000), calm)
      quiet.push(quantile(before, 0.99))
      busy.push(quantile(tookBetween(answers, began, ended), 0.99))
      took.push((ended - began) / 1000)
      say(
        `gc: p99 ${quiet.at(-1)?.toFixed(2)} ms before, ${busy.at(-1)?.toFixed(2)} ms during ${took.at(-1)?.toFixed(1)} s`,
      )
    }
    await server.stop()
    const ratios = busy.map((p99, round) => (100 * p99) / (quiet[round] ?? p99))
    const note = `${populatedNote(bench)}, and dead ones spread over all repositories; ${connections} clients read manifests and small blobs, each ${pauseMs} ms after its last answer`
    const common = { better: 'less', note } as const
    return rows(
      { name: 'read p99 without collection', unit: 'ms', ...common, ours: summary(quiet) },
      { name: 'read p99 while it collects', unit: 'ms', ...common, ours: summary(busy) },
      {
        name: 'while it collects, of that without',
        unit: '%',
        ...common,
        target: { kind: 'at-most', value: 200 },
        ours: summary(ratios),
      },
      { name: 'collection, first to last blob', unit: 's', ...common, ours: summary(took) },
    )
  },
}

/** Every manifest, and as many small blobs. */
function readPaths(bench: Bench): string[] {
  const blobs: string[] = []
  for (const { name, images } of storeContent(populatedSizes(bench).blobs))
    for (const { blobs: of } of images) blobs.push(`/v2/${name}/blobs/${of.at(-1)?.digest}`)
  return populatedPaths(bench).flatMap((path, i) => [path, blobs[i] ?? path])
}

/** Writes ten blobs that nothing names into each repository; answers some of their files, last ones included. */
function writeDead(bench: Bench, data: string): string[] {
  const { repositories } = populatedSizes(bench)
  const watched: string[] = []
  for (let number = 0; number < repositories; number++)
    for (let blob = 0; blob < 10; blob++) {
      const bytes = randomBytes(4096)
      const path = blobFile(join(data, repositoryName(number)), digestOf(bytes))
      writeFileSync(path, bytes, { mode: 0o600 })
      if (number < 2 || number >= repositories - 2) watched.push(path)
    }
  return watched
}

/** When it came to be, in ms since the epoch. */
async function until(done: () => boolean): Promise<number> {
  const late = performance.now() + 180_000
  while (!done()) {
    if (performance.now() > late) throw new Error('the collection does not get on')
    await pause(20)
  }
  return Date.now()
}
