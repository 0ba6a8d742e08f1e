import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { manifestType } from '../client.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { manifestPaths, pushStore } from '../image-store.ts'
import { procIsThere, residentMegabytes } from '../proc.ts'
import { alternate, both } from '../rounds.ts'
import { summary } from '../stats.ts'
import { onPath } from '../workspace.ts'
import { walk } from '../wrk.ts'

const connections = 16

/** Manifest GET by tag, spread over every tag of a big store. */
export const manifests: Figure = {
  name: 'manifests',
  about: 'manifest GET rate over 10,000 tags',
  async run({ quick, work, ours, peer, say }) {
    if (!ours) return skipped(missing.ours)
    if (!onPath('wrk')) return skipped(missing.wrk)
    const shape = { repositories: quick ? 100 : 1000, tags: 10 }
    const tags = shape.repositories * shape.tags
    const file = join(await work.sub('walk'), 'paths')
    await writeFile(file, manifestPaths(shape).join('\n'))

    const servers = await both({ ours, ...(peer ? { peer } : {}) }, async side => {
      const server = await side.start(work, await work.sub('manifests'))
      const started = performance.now()
      await pushStore(server.url, shape)
      const seconds = (performance.now() - started) / 1000
      say(`manifests: ${tags.toLocaleString('en')} tags pushed to ${side.name} in ${seconds.toFixed(1)} s`)
      return { url: server.url, pid: server.pid, stop: server.stop, p99: [] as number[] }
    })
    const rates = await alternate(servers, { count: quick ? 3 : 5, warmup: 1 }, async (server, round) => {
      const load = await walk(server.url, file, { accept: manifestType, seconds: quick ? 2 : 5, connections })
      if (round >= 0) server.p99.push(load.p99Milliseconds)
      return load.perSecond
    })
    const latency = await both(servers, async server => summary(server.p99))
    const resident = procIsThere
      ? await both(servers, async server => summary([await residentMegabytes(server.pid)]))
      : undefined
    await both(servers, server => server.stop())

    const note = `${tags.toLocaleString('en')} tags in ${shape.repositories} repositories, wrk with ${connections} connections on the same cores`
    const target = { kind: 'times-peer', value: 10 } as const
    return rows(
      { name: 'manifest GET rate', unit: '/s', better: 'more', target, note, ...rates },
      { name: 'manifest GET p99', unit: 'ms', better: 'less', note, ...latency },
      ...(resident
        ? [{ name: 'memory after that load', unit: 'MB', better: 'less', ...resident } as const]
        : []),
    )
  },
}
