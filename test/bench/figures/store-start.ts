import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { ask } from '../answer.ts'
import { manifestType } from '../client.ts'
import { dropCaches } from '../drop-caches.ts'
import { type Figure, missing, type Row, rows, skipped } from '../figure.ts'
import { populated, populatedNote, populatedPaths, populatedSizes } from '../populated.ts'
import { alternate } from '../rounds.ts'

/** Start on a big store that this registry has never seen, until it has told what is in it. */
export const storeStart: Figure = {
  name: 'store-start',
  about: 'start on a populated store, cold index included',
  async run(bench) {
    const { quick, work, ours, peer } = bench
    if (!ours) return skipped(missing.ours)
    const { repositories } = populatedSizes(bench)
    const paths = populatedPaths(bench)
    const sides = { ours, ...(peer ? { peer } : {}) }
    const measured: Row[] = []
    for (const temperature of ['warm', 'cold'] as const) {
      if (temperature === 'cold' && !(await dropCaches())) {
        bench.say('store-start: only root on Linux can drop the caches, so there is no cold start')
        break
      }
      const first: number[] = []
      const whole = await alternate(sides, { count: quick ? 3 : 7, warmup: 1 }, async (side, round) => {
        const folder = await populated(bench, side)
        // All that our engine keeps beside the store itself: it starts as if another had written it.
        await rm(join(folder, 'data', '_zotbar'), { recursive: true, force: true })
        if (temperature === 'cold') await dropCaches()
        const server = await side.start(work, folder)
        const asked = [`/v2/_catalog?n=${repositories}`, paths[round + 1] ?? '', paths.at(-1) ?? '']
        for (const path of asked) {
          const status = await ask(server.url + path, 60_000, { accept: manifestType })
          if (status !== 200) throw new Error(`${side.name}: ${path} is answered with ${status}`)
        }
        const seconds = (performance.now() - server.spawnedAt) / 1000
        if (side === ours && round >= 0) first.push(server.startSeconds)
        await server.stop()
        return seconds
      })
      bench.say(
        `store-start, ${temperature}: first answers after ${first.map(it => it.toFixed(3)).join(', ')} s`,
      )
      measured.push({
        name: `start on that store, ${temperature} page cache`,
        unit: 's',
        better: 'less',
        target: { kind: 'at-most', value: 0.5 },
        note: `${populatedNote(bench)}; from spawn until /v2/, the whole catalog and two manifests by tag are answered, nothing of the engine's own on disk before`,
        ...whole,
      })
    }
    return rows(...measured)
  },
}
