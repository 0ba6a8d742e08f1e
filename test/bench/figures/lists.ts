import { type Figure, missing, rows, skipped } from '../figure.ts'
import { repositoryName } from '../image-store.ts'
import { pathFile, populated, populatedNote, populatedSizes } from '../populated.ts'
import { alternate, both } from '../rounds.ts'
import { onPath } from '../workspace.ts'
import { walk } from '../wrk.ts'

const connections = 16

/** The catalog, whole and by the page, and the tag list of every repository. */
export const lists: Figure = {
  name: 'lists',
  about: 'catalog and tag list on a populated store',
  async run(bench) {
    const { quick, work, ours, peer } = bench
    if (!ours) return skipped(missing.ours)
    if (!onPath('wrk')) return skipped(missing.wrk)
    const { repositories } = populatedSizes(bench)
    const whole = await pathFile(bench, [`/v2/_catalog?n=${repositories}`])
    const page = await pathFile(bench, ['/v2/_catalog?n=100'])
    const names = Array.from({ length: repositories }, (_, number) => repositoryName(number))
    const tags = await pathFile(
      bench,
      names.map(name => `/v2/${name}/tags/list`),
    )
    const servers = await both({ ours, ...(peer ? { peer } : {}) }, async side =>
      side.start(work, await populated(bench, side)),
    )
    const rate = (file: string) =>
      alternate(servers, { count: quick ? 3 : 5, warmup: 1 }, async server => {
        const seconds = quick ? 2 : 5
        return (await walk(server.url, file, { accept: 'application/json', seconds, connections })).perSecond
      })
    const measured = { whole: await rate(whole), page: await rate(page), tags: await rate(tags) }
    await both(servers, server => server.stop())
    const note = `${populatedNote(bench)}; wrk with ${connections} connections on the same cores`
    const common = { unit: '/s', better: 'more', target: { kind: 'times-peer', value: 10 }, note } as const
    return rows(
      { name: `catalog rate, all ${repositories} at once`, ...common, ...measured.whole },
      { name: 'catalog rate, first 100', ...common, ...measured.page },
      { name: 'tag list rate', ...common, ...measured.tags },
    )
  },
}
