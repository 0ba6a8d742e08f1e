import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient, digestOf, withDigest } from '../client.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { run, runWell } from '../program.ts'
import { alternate, both } from '../rounds.ts'
import type { Server } from '../side.ts'
import { onPath } from '../workspace.ts'

const size = 100e6
const curl = ['-sS', '-o', '/dev/null', '-H', 'Expect:', '-H', 'Content-Type: application/octet-stream']

/** Push of a 100 MB blob, digest checked: in one request, and in the three that docker and podman send. */
export const push: Figure = {
  name: 'push',
  about: '100 MB push with digest check',
  async run({ quick, work, ours, peer }) {
    if (!ours) return skipped(missing.ours)
    if (!onPath('curl')) return skipped(missing.curl)
    const folder = await work.sub('layer')
    const file = join(folder, 'layer')
    const bytes = randomBytes(size)
    const servers = await both({ ours, ...(peer ? { peer } : {}) }, async side =>
      side.start(work, await work.sub('push')),
    )
    const rounds = { count: quick ? 3 : 7, warmup: 1 }

    async function timed(server: Server, send: (digest: string) => Promise<number>): Promise<number> {
      // New content each time: a registry need not store what it has.
      randomBytes(16).copy(bytes)
      await writeFile(file, bytes)
      await runWell('sync', [])
      const digest = digestOf(bytes)
      const seconds = await send(digest)
      const client = createClient(server.url)
      const status = await client.status(`/v2/bench/push/blobs/${digest}`, 'HEAD')
      await client.close()
      if (status !== 200) throw new Error(`${server.url}: the pushed blob is not there (${status})`)
      return seconds
    }
    const single = await alternate(servers, rounds, server =>
      timed(server, async digest => {
        const session = await newSession(server)
        return (
          session.seconds + (await upload('PUT', file, withDigest(session.location, digest), 201)).seconds
        )
      }),
    )
    const streamed = await alternate(servers, rounds, server =>
      timed(server, async digest => {
        const session = await newSession(server)
        const patched = await upload('PATCH', file, session.location, 202)
        const closed = await upload('PUT', '/dev/null', withDigest(patched.location, digest), 201)
        return session.seconds + patched.seconds + closed.seconds
      }),
    )
    const refusals = await both(servers, async server => {
      const session = await newSession(server)
      const wrong = await upload('PUT', file, withDigest(session.location, digestOf('something else')))
      return wrong.status
    })
    await both(servers, server => server.stop())
    for (const [side, status] of Object.entries(refusals))
      if (status !== 400) throw new Error(`${side} took a wrong digest (${status})`)

    const note =
      'curl with its body from a file, the time of all requests; a wrong digest was refused by both'
    const common = { unit: 's', better: 'less', target: { kind: 'times-peer', value: 1 }, note } as const
    return rows(
      { name: '100 MB push: POST, PUT', ...common, ...single },
      { name: '100 MB push: POST, PATCH, PUT', ...common, ...streamed },
    )
  },
}

interface Sent {
  status: number
  seconds: number
  location: string
}

const format = ['-w', '%{http_code} %{time_total} %header{location}']

async function newSession(server: Server): Promise<Sent> {
  const url = `${server.url}/v2/bench/push/blobs/uploads/`
  return read((await runWell('curl', [...curl, ...format, '-X', 'POST', url])).stdout, url, 202)
}

/** Throws where the answer is not `want`; without `want` any answer will do. */
async function upload(method: 'PUT' | 'PATCH', file: string, url: string, want?: number): Promise<Sent> {
  const { stdout } = await run('curl', [...curl, ...format, '-X', method, '-T', file, url])
  return read(stdout, url, want)
}

function read(output: string, url: string, want?: number): Sent {
  const [code = '', time = '', location = ''] = output.split(' ')
  const status = Number(code)
  if (want !== undefined && status !== want) throw new Error(`${url}: ${status} instead of ${want}`)
  return { status, seconds: Number(time), location: location === '' ? '' : new URL(location, url).href }
}
