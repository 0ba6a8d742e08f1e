import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { manifestType } from '../client.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { pathFile, populatedNote, populatedPaths } from '../populated.ts'
import { alternate } from '../rounds.ts'
import { summary } from '../stats.ts'
import { startWithKey } from '../with-key.ts'
import { onPath } from '../workspace.ts'
import { type WalkOptions, walk } from '../wrk.ts'

const connections = 16

/** Manifest GET with an API key beside the same without credentials, under access rules, pulls counted. */
export const signedIn: Figure = {
  name: 'signed-in',
  about: 'manifest GET with an API key, pulls counted',
  async run(bench) {
    const { quick, engine } = bench
    if (!engine) return skipped(missing.ours)
    if (!onPath('wrk')) return skipped(missing.wrk)
    const { server, folder, authorization } = await startWithKey(bench, engine)
    const file = await pathFile(bench, populatedPaths(bench))
    const options: WalkOptions = { accept: manifestType, seconds: quick ? 2 : 5, connections }
    // The two ways in turn, on the same server.
    const rates = await alternate(
      { ours: { ...options, authorization }, peer: options },
      { count: quick ? 3 : 7, warmup: 1 },
      async load => (await walk(server.url, file, load)).perSecond,
    )
    await server.stop()
    const counted = pullsCounted(join(folder, 'data'))
    if (counted === 0) throw new Error('no pull was counted')
    const { ours, peer } = rates
    if (!ours || !peer) throw new Error('a rate is missing')
    const shares = ours.samples.map((rate, round) => (100 * rate) / (peer.samples[round] ?? rate))
    const note = `${populatedNote(bench)}; wrk with ${connections} connections; htpasswd, API keys and accessControl in config.json; ${counted.toLocaleString('en')} pulls were counted on disk`
    const common = { better: 'more', note } as const
    return rows(
      {
        name: 'manifest GET rate with an API key',
        unit: '/s',
        ...common,
        target: { kind: 'at-least', value: 5_000 },
        ours,
      },
      { name: 'the same without credentials', unit: '/s', ...common, ours: peer },
      {
        name: 'with a key, of the rate without',
        unit: '%',
        ...common,
        target: { kind: 'at-least', value: 50 },
        ours: summary(shares),
      },
    )
  },
}

/** What the registry wrote of pulls while it served and when it ended. */
function pullsCounted(data: string): number {
  const database = new DatabaseSync(join(data, '_zotbar', 'activity.db'), { readOnly: true })
  const row = database.prepare('SELECT sum(pulls) AS pulls FROM activity').get()
  database.close()
  return Number(row?.['pulls'] ?? 0)
}
