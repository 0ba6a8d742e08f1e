import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { hashSync } from 'bcryptjs'
import type { Flood } from '../../fakes/flood.ts'
import { askNeutrally, endFlood, percentile, startFlood } from '../../fakes/neutral-client.ts'
import { wideScopes } from '../../fakes/wide-scopes.ts'
import { createClient } from '../client.ts'
import { type Figure, missing, type Row, rows, skipped } from '../figure.ts'
import { procIsThere, residentMegabytes } from '../proc.ts'
import { summary } from '../stats.ts'

type Order = Flood extends infer F ? (F extends Flood ? Omit<F, 'port' | 'from'> : never) : never

const note =
  '1,000 requests over one connection from 127.0.0.1 while another process floods; memory at its most and 10 s after'

/** What a client that does nothing wrong notices of one that floods. */
export const neutral: Figure = {
  name: 'neutral',
  about:
    'p99 of a neutral client and memory while another client floods (requests ahead, connections, scopes)',
  async run({ work, engine, say }) {
    if (!engine) return skipped(missing.ours)
    if (!procIsThere) return skipped(missing.proc)
    const folder = await work.sub('neutral')
    const htpasswd = join(folder, 'htpasswd')
    await writeFile(htpasswd, `bob:${hashSync('bob', 4)}\n`)
    const accessControl = { repositories: { '**': { anonymousPolicy: ['read', 'create'] } } }
    const auth = { htpasswd: { path: htpasswd }, apikey: true }
    const server = await engine.start(work, folder, { settings: { http: { auth, accessControl } } })
    const port = Number(new URL(server.url).port)
    const client = createClient(server.url)
    const { digest } = await client.blob('alice/x', randomBytes(8 * 1024 * 1024))
    await client.close()
    const authorization = await wideKey(server.url)
    const orders: Record<string, Order> = {
      'sent ahead': { kind: 'pipelining', path: `/v2/alice/x/blobs/${digest}`, requests: 20_000 },
      connections: { kind: 'connections', count: 4200 },
      scopes: {
        kind: 'requests',
        at: 24,
        authorization,
        paths: Array.from({ length: 90 }, (_, at) => `/v2/${'a/'.repeat(30 + at)}b/tags/list`),
      },
    }
    await askNeutrally(port, '/v2/', 500)
    const first = await residentMegabytes(server.pid)
    const measured: Row[] = [
      { name: 'memory before any flood', unit: 'MB', better: 'less', ours: summary([first]), note },
    ]
    for (const [name, order] of Object.entries(orders)) {
      for (const from of ['127.0.0.2', '127.0.0.1']) {
        const flood = await startFlood({ ...order, port, from })
        let most = 0
        const timer = setInterval(() => {
          void residentMegabytes(server.pid).then(now => {
            most = Math.max(most, now)
          })
        }, 50)
        const heard = await askNeutrally(port, '/v2/', 1000)
        clearInterval(timer)
        await endFlood(flood)
        await pause(10_000)
        const after = await residentMegabytes(server.pid)
        say(`  ${name} from ${from}: refused ${JSON.stringify(heard.refused)}`)
        const what = `neutral client, ${name} from ${from}`
        const p99 = summary([percentile(heard, 0.99)])
        measured.push(
          {
            name: `${what}: p99`,
            unit: 'ms',
            better: 'less',
            ours: p99,
            target: { kind: 'at-most', value: 100 },
            note,
          },
          {
            name: `${what}: memory`,
            unit: 'MB',
            better: 'less',
            ours: summary([most]),
            target: { kind: 'at-most', value: 250 },
            note,
          },
          { name: `${what}: memory after`, unit: 'MB', better: 'less', ours: summary([after]), note },
        )
      }
    }
    await server.stop()
    return rows(...measured)
  },
}

/** Authorization with a key of as many and as wide scopes as a key may have. */
async function wideKey(url: string): Promise<string> {
  const basic = (secret: string): string => `Basic ${Buffer.from(`bob:${secret}`).toString('base64')}`
  const answer = await fetch(`${url}/zot/auth/apikey`, {
    method: 'POST',
    headers: { Authorization: basic('bob') },
    body: JSON.stringify({ label: 'wide', scopes: wideScopes }),
  })
  const made: { apiKey: string } = await answer.json()
  return basic(made.apiKey)
}
