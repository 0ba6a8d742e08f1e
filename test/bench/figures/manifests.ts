import { setTimeout as pause } from 'node:timers/promises'
import { manifestType } from '../client.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { startLoad } from '../load.ts'
import { pathFile, populated, populatedNote, populatedPaths } from '../populated.ts'
import { procIsThere, residentMegabytes } from '../proc.ts'
import { alternate, both } from '../rounds.ts'
import { summary } from '../stats.ts'
import { onPath } from '../workspace.ts'
import { walk } from '../wrk.ts'

const connections = 16
const manyConnections = 32

/** Manifest GET and HEAD by tag, spread over every tag of a big store. */
export const manifests: Figure = {
  name: 'manifests',
  about: 'manifest GET and HEAD on a populated store',
  async run(bench) {
    const { quick, work, ours, peer } = bench
    if (!ours) return skipped(missing.ours)
    if (!onPath('wrk')) return skipped(missing.wrk)
    const paths = populatedPaths(bench)
    const file = await pathFile(bench, paths)
    const seconds = quick ? 2 : 5
    const rounds = { count: quick ? 3 : 5, warmup: 1 }
    const servers = await both({ ours, ...(peer ? { peer } : {}) }, async side => {
      const server = await side.start(work, await populated(bench, side))
      return { ...server, p99: [] as number[] }
    })
    const gets = await alternate(servers, rounds, async server => {
      return (await walk(server.url, file, { accept: manifestType, seconds, connections })).perSecond
    })
    const p99 = await alternate(servers, rounds, async server => {
      const load = await walk(server.url, file, {
        accept: manifestType,
        seconds,
        connections: manyConnections,
      })
      return load.p99Milliseconds
    })
    const heads = await alternate(servers, rounds, async server => {
      const headers = { accept: manifestType }
      const load = await startLoad(server.url, { method: 'HEAD', paths, connections, headers })
      await pause(seconds * 1000)
      return (await load.stop()).took.length / seconds
    })
    const resident = procIsThere
      ? await both(servers, async server => summary([await residentMegabytes(server.pid)]))
      : undefined
    await both(servers, server => server.stop())

    const store = populatedNote(bench)
    const target = { kind: 'times-peer', value: 10 } as const
    const wrk = `${store}; wrk with ${connections} connections on the same cores`
    const head = `${store}; ${connections} connections of a client of our own, as wrk cannot do HEAD: it takes more of the cores than wrk`
    return rows(
      { name: 'manifest GET rate', unit: '/s', better: 'more', target, note: wrk, ...gets },
      { name: 'manifest HEAD rate', unit: '/s', better: 'more', target, note: head, ...heads },
      {
        name: `manifest GET p99, ${manyConnections} clients`,
        unit: 'ms',
        better: 'less',
        target: { kind: 'at-most', value: 5 },
        note: 'wrk, without pause: each client asks again at once; p99 of each round',
        ...p99,
      },
      ...(resident
        ? [{ name: 'memory after that load', unit: 'MB', better: 'less', ...resident } as const]
        : []),
    )
  },
}
