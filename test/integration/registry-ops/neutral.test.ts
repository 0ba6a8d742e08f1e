import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import type { Flood } from '../../fakes/flood.ts'
import { askNeutrally, endFlood, percentile, startFlood } from '../../fakes/neutral-client.ts'
import { wideScopes } from '../../fakes/wide-scopes.ts'
import { digestText } from '../../suites/image.ts'
import { pushBlob } from '../registry/client.ts'
import { as, basic, threeTiers, writeHtpasswd } from '../registry/people.ts'
import { type Registry, startRegistry, temporaryFolder } from '../registry/registry-process.ts'

const folder = temporaryFolder()
let registry: Registry
/** Resident before any flood, MB. */
let atFirst: number
let blob: string
let key: string

/** One that nothing has come to yet: each flood is to find it as a start leaves it. */
async function begin(): Promise<void> {
  const root = mkdtempSync(join(folder.path, 'root-'))
  registry = await startRegistry(root, threeTiers(writeHtpasswd(root, 'root')))
  const admin = as(registry, basic('root'))
  const layer = randomBytes(8 * 1024 * 1024)
  expect(await pushBlob(admin, 'alice/x', layer)).toBe(201)
  blob = `/v2/alice/x/blobs/${digestText(layer)}`
  const body = JSON.stringify({ label: 'wide', scopes: wideScopes })
  const made = await admin.ask('/zot/auth/apikey', { method: 'POST', body })
  key = basic('root', JSON.parse(made.body.toString()).apiKey)
  await askNeutrally(registry.port, '/v2/', 500)
  atFirst = megabytes()
}
afterAll(() => folder.dispose())

const megabytes = (): number => {
  if (process.platform !== 'linux') return 0
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${registry.pid}/status`, 'utf8'))?.[1]) / 1024
}

type Order = Flood extends infer F ? (F extends Flood ? Omit<F, 'port' | 'from'> : never) : never

describe.each(['127.0.0.2', '127.0.0.1'])('what comes from %s', from => {
  const floods: ChildProcess[] = []
  beforeEach(begin)
  afterEach(async () => {
    for (const flood of floods.splice(0)) await endFlood(flood)
    await registry.stop()
  })

  it.each<[string, () => Order]>([
    ['requests sent ahead', () => ({ kind: 'pipelining', path: blob, requests: 20_000 })],
    [
      'scopes made to be slow',
      () => ({
        kind: 'requests',
        at: 24,
        authorization: key,
        paths: Array.from({ length: 90 }, (_, at) => `/v2/${'a/'.repeat(30 + at)}b/tags/list`),
      }),
    ],
    ['connections', () => ({ kind: 'connections', count: 4200 })],
  ])(
    '%s: a neutral client is served, and memory is bounded',
    async (_what, order) => {
      floods.push(await startFlood({ ...order(), port: registry.port, from } as Flood))
      const heard = await askNeutrally(registry.port, '/v2/', 1000)
      expect(heard.refused).toEqual({})
      expect(percentile(heard, 0.99)).toBeLessThan(100)
      expect(megabytes()).toBeLessThan(250)
      if (order().kind !== 'connections') return
      for (const flood of floods.splice(0)) await endFlood(flood)
      await eventually(() => megabytes() < atFirst + 48, 30_000)
    },
    60_000,
  )
})

/** Asks from an address and leaves the answer unread. */
function hear(
  path: string,
  from: string,
  options: { method?: string; headers?: object } = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {} } = options
    const to = { port: registry.port, host: '127.0.0.1', localAddress: from, agent: false } as const
    const req = request(
      { ...to, path, method, headers: { ...headers, Authorization: basic('root') } },
      resolve,
    )
    req.on('error', reject)
    req.end()
  })
}

const refusal = async (answer: IncomingMessage): Promise<unknown> => {
  let text = ''
  for await (const bytes of answer) text += String(bytes)
  return { status: answer.statusCode, retry: answer.headers['retry-after'], ...JSON.parse(text).errors[0] }
}

describe('one address', () => {
  beforeAll(begin)
  afterAll(() => registry.stop())

  it('may hold 516 connections and pull 50 times at once', async () => {
    const held: Socket[] = []
    for (let at = 0; at < 516; at++) {
      held.push(connect({ port: registry.port, host: '127.0.0.1', localAddress: '127.0.0.3' }))
    }
    const pulls = await Promise.all(Array.from({ length: 50 }, () => hear(blob, '127.0.0.3')))
    for (const pull of pulls) {
      let size = 0
      for await (const bytes of pull) size += (bytes as Buffer).length
      expect([pull.statusCode, size]).toEqual([200, 8 * 1024 * 1024])
    }
    expect(held.filter(socket => socket.closed)).toEqual([])
    for (const socket of held) socket.destroy()
  }, 60_000)

  it('may hold 1,024 connections; one more closes the longest idle', async () => {
    const held: Socket[] = []
    const open = (): void => {
      const socket = connect({ port: registry.port, host: '127.0.0.1', localAddress: '127.0.0.4' })
      socket.on('error', () => {})
      held.push(socket)
    }
    for (let at = 0; at < 1024; at++) open()
    await eventually(() => held.every(socket => !socket.connecting))
    expect((await hear('/v2/', '127.0.0.4')).statusCode).toBe(200)
    await eventually(() => held.filter(socket => socket.closed).length === 1)
    for (const socket of held) socket.destroy()
  })

  it('may have 256 requests under way, also behind a proxy; others are served', async () => {
    for (const [from, headers] of [
      ['127.0.0.5', {}],
      ['127.0.0.1', { 'X-Forwarded-For': '192.0.2.1, 192.0.2.7' }],
    ] as const) {
      const held = await Promise.all(Array.from({ length: 256 }, () => hear(blob, from, { headers })))
      expect(held.every(answer => answer.statusCode === 200)).toBe(true)
      expect(await refusal(await hear('/v2/', from, { headers }))).toMatchObject({
        status: 429,
        retry: '1',
        code: 'TOOMANYREQUESTS',
        message: expect.stringContaining('under way'),
      })
      expect((await hear('/v2/', '127.0.0.6')).statusCode).toBe(200)
      expect((await hear('/v2/', '127.0.0.1')).statusCode).toBe(200)
      for (const answer of held) answer.destroy()
      await eventually(async () => (await hear('/v2/', from, { headers })).statusCode === 200)
    }
  }, 60_000)

  it('may have 64 uploads open, and goes on when one has ended', async () => {
    const begin = (from = '127.0.0.7') => hear('/v2/alice/up/blobs/uploads/', from, { method: 'POST' })
    const begun = await Promise.all(Array.from({ length: 70 }, () => begin()))
    expect(begun.filter(answer => answer.statusCode === 202)).toHaveLength(64)
    expect(await refusal(await begin())).toMatchObject({
      status: 429,
      retry: '5',
      code: 'TOOMANYREQUESTS',
      message: expect.stringContaining('uploads'),
    })
    expect((await begin('127.0.0.1')).statusCode).toBe(202)
    const location = begun.find(answer => answer.statusCode === 202)?.headers.location ?? ''
    expect((await hear(location, '127.0.0.7', { method: 'DELETE' })).statusCode).toBe(204)
    expect((await begin()).statusCode).toBe(202)
  })
})
