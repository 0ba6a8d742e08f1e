import { randomBytes } from 'node:crypto'
import { createClient } from '../client.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { runWell } from '../program.ts'
import { alternate, both } from '../rounds.ts'
import { onPath } from '../workspace.ts'

const size = 64e6

/** GET of a 64 MB blob that is in the page cache, by one client and by four at once. */
export const blobs: Figure = {
  name: 'blobs',
  about: '64 MB blob GET with 1 and 4 clients',
  async run({ quick, work, ours, peer }) {
    if (!ours) return skipped(missing.ours)
    if (!onPath('curl')) return skipped(missing.curl)
    const bytes = randomBytes(size)
    const servers = await both({ ours, ...(peer ? { peer } : {}) }, async side => {
      const server = await side.start(work, await work.sub('blobs'))
      const client = createClient(server.url)
      const { digest } = await client.blob('bench/big', bytes)
      await client.close()
      return { blob: `${server.url}/v2/bench/big/blobs/${digest}`, stop: server.stop }
    })
    const rounds = { count: quick ? 3 : 7, warmup: 1 }
    const gets = quick ? 6 : 16
    const one = await alternate(servers, rounds, server => rate(server.blob, 1, gets))
    const four = await alternate(servers, rounds, server => rate(server.blob, 4, gets / 2))
    await both(servers, server => server.stop())
    const note = 'each client is a curl that reads to /dev/null over one connection; bytes over wall time'
    const common = { unit: 'GB/s', better: 'more', target: { kind: 'times-peer', value: 1 }, note } as const
    return rows(
      { name: '64 MB blob GET, 1 client', ...common, ...one },
      { name: '64 MB blob GET, 4 clients', ...common, ...four },
    )
  },
}

/** GB/s over all clients, from the start of the first to the end of the last. */
async function rate(url: string, clients: number, gets: number): Promise<number> {
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
