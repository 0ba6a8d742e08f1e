import { manifestType } from '../client.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { pathFile, populatedNote, populatedPaths } from '../populated.ts'
import { alternate } from '../rounds.ts'
import { summary } from '../stats.ts'
import { startWithKey } from '../with-key.ts'
import { onPath } from '../workspace.ts'
import { type WalkOptions, walk } from '../wrk.ts'

const connections = 16

/** Manifest GET as Docker does it, with a token that an API key was shown for, beside Basic with that key. */
export const token: Figure = {
  name: 'token',
  about: 'manifest GET with a token, as Docker, beside Basic',
  async run(bench) {
    const { quick, engine } = bench
    if (!engine) return skipped(missing.ours)
    if (!onPath('wrk')) return skipped(missing.wrk)
    const { server, authorization } = await startWithKey(bench, engine)
    const paths = populatedPaths(bench)
    const repository = nameIn(paths[0] ?? '')
    const file = await pathFile(
      bench,
      paths.filter(path => nameIn(path) === repository),
    )
    const bearer = `Bearer ${await tokenFor(server.url, authorization, repository)}`
    const options: WalkOptions = { accept: manifestType, seconds: quick ? 2 : 5, connections }
    // The two ways in turn, on the same server.
    const rates = await alternate(
      { ours: { ...options, authorization: bearer }, peer: { ...options, authorization } },
      { count: quick ? 3 : 7, warmup: 1 },
      async load => (await walk(server.url, file, load)).perSecond,
    )
    await server.stop()
    const { ours, peer } = rates
    if (!ours || !peer) throw new Error('a rate is missing')
    const shares = ours.samples.map((rate, round) => (100 * rate) / (peer.samples[round] ?? rate))
    const note = `${populatedNote(bench)}; the tags of one repository; wrk with ${connections} connections`
    const common = { better: 'more', note } as const
    return rows(
      { name: 'manifest GET rate with a token', unit: '/s', ...common, ours },
      { name: 'the same with Basic and its key', unit: '/s', ...common, ours: peer },
      {
        name: 'with a token, of the rate with Basic',
        unit: '%',
        ...common,
        target: { kind: 'at-least', value: 90 },
        ours: summary(shares),
      },
    )
  },
}

const nameIn = (path: string): string => /^\/v2\/(.+)\/manifests\//.exec(path)?.[1] ?? ''

async function tokenFor(url: string, authorization: string, repository: string): Promise<string> {
  const query = new URLSearchParams({ service: 'bench', scope: `repository:${repository}:pull` })
  const answer = await fetch(`${url}/zot/auth/token?${query}`, { headers: { authorization } })
  const given: unknown = await answer.json()
  const found = typeof given === 'object' && given !== null ? Reflect.get(given, 'token') : undefined
  if (typeof found !== 'string') throw new Error(`no token: ${answer.status} ${JSON.stringify(given)}`)
  return found
}
