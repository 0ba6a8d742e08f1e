import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { hash } from 'bcryptjs'
import { manifestType } from '../client.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { pathFile, populated, populatedNote, populatedPaths } from '../populated.ts'
import { alternate } from '../rounds.ts'
import { summary } from '../stats.ts'
import { onPath } from '../workspace.ts'
import { type WalkOptions, walk } from '../wrk.ts'

const connections = 16
const [user, password] = ['ci', 'a password of the bench']
const basic = (secret: string): string => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`

/** Manifest GET with an API key beside the same without credentials, under access rules, pulls counted. */
export const signedIn: Figure = {
  name: 'signed-in',
  about: 'manifest GET with an API key, pulls counted',
  async run(bench) {
    const { quick, work, engine } = bench
    if (!engine) return skipped(missing.ours)
    if (!onPath('wrk')) return skipped(missing.wrk)
    const folder = await populated(bench, { layout: 'zot' })
    const users = join(folder, 'htpasswd')
    await writeFile(users, `${user}:${await hash(password, 5)}\n`)
    const server = await engine.start(work, folder, {
      settings: {
        http: {
          auth: { htpasswd: { path: users }, apikey: true },
          accessControl: {
            groups: { ci: { users: [user] } },
            repositories: {
              '**': {
                anonymousPolicy: ['read'],
                policies: [{ groups: ['ci'], actions: ['read', 'create'] }],
              },
            },
          },
        },
      },
    })
    const authorization = basic(await createKey(server.url))
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

async function createKey(url: string): Promise<string> {
  const answer = await fetch(`${url}/zot/auth/apikey`, {
    method: 'POST',
    headers: { authorization: basic(password), 'content-type': 'application/json' },
    body: JSON.stringify({ label: 'bench', scopes: ['repository:bench/**:read'] }),
  })
  const made: unknown = await answer.json()
  const key = typeof made === 'object' && made !== null ? Reflect.get(made, 'apiKey') : undefined
  if (typeof key !== 'string') throw new Error(`no key: ${answer.status} ${JSON.stringify(made)}`)
  return key
}

/** What the registry wrote of pulls while it served and when it ended. */
function pullsCounted(data: string): number {
  const database = new DatabaseSync(join(data, '_zotbar', 'activity.db'), { readOnly: true })
  const row = database.prepare('SELECT sum(pulls) AS pulls FROM activity').get()
  database.close()
  return Number(row?.['pulls'] ?? 0)
}
