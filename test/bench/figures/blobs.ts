import { randomBytes } from 'node:crypto'
import { createClient } from '../client.ts'
import { type Figure, missing, type Row, rows, skipped } from '../figure.ts'
import { populated, populatedNote } from '../populated.ts'
import { runWell } from '../program.ts'
import { alternate, both } from '../rounds.ts'
import { onPath } from '../workspace.ts'

/** Sizes in MB, and how many of them the clients get together in a round (each at least one). */
const sizes = [
  { megabytes: 1, gets: 1600 },
  { megabytes: 64, gets: 32 },
]
const clients = [1, 8, 32]

/** GET of blobs that are in the page cache, by one client and by many at once. */
export const blobs: Figure = {
  name: 'blobs',
  about: '1 MB and 64 MB blob GET with 1, 8 and 32 clients on a populated store',
  async run(bench) {
    const { quick, work, ours, peer } = bench
    if (!ours) return skipped(missing.ours)
    if (!onPath('curl')) return skipped(missing.curl)
    const contents = sizes.map(({ megabytes }) => randomBytes(megabytes * 1e6))
    const servers = await both({ ours, ...(peer ? { peer } : {}) }, async side => {
      const server = await side.start(work, await populated(bench, side))
      const client = createClient(server.url)
      const urls: string[] = []
      for (const bytes of contents) {
        const { digest } = await client.blob('bench/r0000', bytes)
        urls.push(`${server.url}/v2/bench/r0000/blobs/${digest}`)
      }
      await client.close()
      return { urls, stop: server.stop }
    })
    const rounds = { count: quick ? 3 : 5, warmup: 1 }
    const note = `${populatedNote(bench)}; each client is a curl that reads to /dev/null over one connection; bytes over wall time`
    const measured: Row[] = []
    for (const [which, { megabytes, gets }] of sizes.entries())
      for (const count of clients) {
        const each = Math.max(1, Math.round(gets / count / (quick ? 2 : 1)))
        const rates = await alternate(servers, rounds, ({ urls }) =>
          rate(urls[which] ?? '', megabytes * 1e6, count, each),
        )
        measured.push({
          name: `${megabytes} MB blob GET, ${count} client${count > 1 ? 's' : ''}`,
          unit: 'GB/s',
          better: 'more',
          target: { kind: 'times-peer', value: 1 },
          note,
          ...rates,
        })
      }
    await both(servers, server => server.stop())
    return rows(...measured)
  },
}

/** GB/s over all clients, from the start of the first to the end of the last. */
async function rate(url: string, size: number, clients: number, gets: number): Promise<number> {
  const args = [
    '-sSf',
    ...Array.from({ length: gets }, () => ['-o', '/dev/null', url]).flat(),
    '-w',
    '%{size_download}\n',
  ]
  const ran = await Promise.all(Array.from({ length: clients }, () => runWell('curl', args)))
  const bytes = ran
    .flatMap(({ stdout }) => stdout.trim().split('\n'))
    .reduce((sum, line) => sum + Number(line), 0)
  if (bytes !== clients * gets * size)
    throw new Error(`curl read ${bytes} bytes instead of ${clients * gets * size}`)
  return bytes / 1e9 / Math.max(...ran.map(({ seconds }) => seconds))
}
