import { postToSocket } from '../../../lib/socket-request.ts'
import { digestText, imageOf } from '../../suites/image.ts'
import { basic } from '../registry/people.ts'

export interface Counted {
  sent: number
  /** What each failed one was answered, or how it broke. */
  failed: string[]
}

/** Asks without a pause until `stop`: pulls, pushes and asks with a password, with an API key, and scrapes the metrics. */
export function startTraffic(url: string, apiKey: string) {
  const counts = new Map<string, Counted>()
  let isOver = false
  const password = basic('robot')

  async function ask(name: string, path: string, init: RequestInit, expected: number): Promise<Response> {
    const count = counts.get(name) ?? { sent: 0, failed: [] }
    counts.set(name, count)
    count.sent += 1
    try {
      const answer = await fetch(new URL(path, url), { ...init, signal: AbortSignal.timeout(10_000) })
      if (answer.status !== expected) count.failed.push(`${path}: ${answer.status}`)
      await answer.clone().arrayBuffer()
      return answer
    } catch (error) {
      count.failed.push(`${path}: ${String(error)}`)
      return new Response(null, { status: 599 })
    }
  }
  const headers = { authorization: password }

  const pull = async (): Promise<void> =>
    void (await ask('pull', '/v2/team/app/manifests/1', { headers }, 200))
  const token = async (): Promise<void> => {
    const byKey = { authorization: basic('robot', apiKey) }
    await ask('token', '/v2/_catalog', { headers: byKey }, 200)
  }
  async function metrics(): Promise<void> {
    await ask('metrics', '/metrics', { headers: { authorization: basic('root') } }, 200)
  }
  // Tags are not overwritten: each traffic has its own.
  const own = Date.now().toString(36)
  let pushes = 0
  async function push(): Promise<void> {
    pushes += 1
    const layer = `layer ${own} ${pushes}`
    const begun = await ask('push', '/v2/team/pushed/blobs/uploads/', { method: 'POST', headers }, 202)
    const location = begun.headers.get('location') ?? '/'
    await ask('push', location, { method: 'PATCH', headers, body: layer }, 202)
    await ask('push', `${location}?digest=${digestText(layer)}`, { method: 'PUT', headers }, 201)
    const { bytes, mediaType } = imageOf([layer])
    await ask(
      'push',
      `/v2/team/pushed/manifests/${own}-${pushes}`,
      { method: 'PUT', headers: { ...headers, 'content-type': mediaType }, body: new Uint8Array(bytes) },
      201,
    )
  }

  const loops = [pull, push, token, metrics].map(async step => {
    while (!isOver) await step()
  })
  return {
    async stop(): Promise<Record<string, Counted>> {
      isOver = true
      await Promise.all(loops)
      return Object.fromEntries(counts)
    },
  }
}

/** Asks at the control socket every few ms until `stop`; answers the longest time without an answer, in ms. */
export function watchControlSocket(socketPath: string) {
  let isOver = false
  let last = performance.now()
  let longest = 0
  const watching = (async () => {
    while (!isOver) {
      const asked = performance.now()
      const answer = await postToSocket({
        socketPath,
        path: '/api/app.snapshot',
        input: {},
        limitMs: 1000,
      })
      const now = performance.now()
      if (answer.kind === 'answered' && answer.text.startsWith('{"ok":true')) {
        longest = Math.max(longest, asked - last)
        last = now
      }
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  })()
  return {
    async stop(): Promise<number> {
      isOver = true
      await watching
      return Math.round(longest)
    },
  }
}
