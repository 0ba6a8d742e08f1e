import { type Figure, missing, type Row, rows, skipped } from '../figure.ts'
import { populated, populatedNote } from '../populated.ts'
import { createPushers } from '../pushers.ts'
import { alternate, both } from '../rounds.ts'

/** Sizes in MB, and how many of them a single client pushes in a round. */
const sizes = [
  { megabytes: 1, each: 48 },
  { megabytes: 100, each: 1 },
]
const clients = [1, 8]

/** Push of blobs into a populated store, by one client and by eight at once. */
export const pushes: Figure = {
  name: 'pushes',
  about: '1 MB and 100 MB push with 1 and 8 clients on a populated store',
  async run(bench) {
    const { quick, work, ours, peer } = bench
    if (!ours) return skipped(missing.ours)
    const servers = await both({ ours, ...(peer ? { peer } : {}) }, async side =>
      side.start(work, await populated(bench, side)),
    )
    const rounds = { count: quick ? 3 : 5, warmup: 1 }
    const note = `${populatedNote(bench)}; POST and PUT from memory, each client over one connection, into a repository of its own; bytes over wall time`
    const measured: Row[] = []
    for (const { megabytes, each } of sizes)
      for (const count of clients) {
        const pushers = createPushers(count, megabytes * 1e6)
        const perClient = Math.max(1, Math.round(each / Math.sqrt(count)))
        const rates = await alternate(servers, rounds, async ({ url }) => {
          return (count * perClient * megabytes) / 1000 / (await pushers.push(url, perClient))
        })
        measured.push({
          name: `${megabytes} MB push, ${count} client${count > 1 ? 's' : ''}`,
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
