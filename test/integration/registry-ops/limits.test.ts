import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { digestText } from '../../suites/image.ts'
import { pushBlob } from '../registry/client.ts'
import { type Registry, startRegistry, temporaryFolder } from '../registry/registry-process.ts'

const folder = temporaryFolder()
let registry: Registry
const http = { address: '127.0.0.1', port: '0' }

beforeAll(async () => {
  registry = await startRegistry(join(folder.path, 'root'), {
    http: { ...http, readTimeout: '1s', writeTimeout: '1s' },
  })
})
afterAll(async () => {
  expect((await registry.stop()).code).toBe(0)
  folder.dispose()
})

/** The limits themselves are times: a client has to be slow for as long. */
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Sends the text and waits for the connection to end; answers what came back, and after how long. */
async function untilCut(text: string, every?: { ms: number; text: string }) {
  const socket = await registry.connect()
  const startedAt = Date.now()
  let heard = ''
  socket.on('data', bytes => {
    heard += bytes.toString()
  })
  socket.write(text)
  const timer = every && setInterval(() => socket.write(every.text), every.ms)
  await once(socket, 'close')
  clearInterval(timer)
  return { heard, after: Date.now() - startedAt }
}

const upload = async (): Promise<string> =>
  (await registry.ask('/v2/a/blobs/uploads/', { method: 'POST' })).headers.location!

describe('clients that do not move', () => {
  it('are cut before they say anything, and between requests', async () => {
    expect((await untilCut('')).after).toBeLessThan(8000)
  })

  it('are cut in the middle of their headers, however busily they drip (slowloris)', async () => {
    const { after } = await untilCut('GET /v2/ HTTP/1.1\r\n', { ms: 100, text: 'X: y\r\n' })
    expect(after).toBeLessThan(8000)
  })

  it('are cut in the middle of an upload; what arrived stays', async () => {
    const location = await upload()
    await untilCut(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc`)
    await eventually(async () => (await registry.ask(location)).headers.range === '0-2')
  })

  it('are cut when they read nothing of a download', async () => {
    const bytes = Buffer.alloc(32 * 1024 * 1024, 'zotbar')
    expect(await pushBlob(registry, 'a', bytes)).toBe(201)
    const socket = await registry.connect()
    socket.pause()
    socket.write(`GET /v2/a/blobs/${digestText(bytes)} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await eventually(() => registry.log().some(line => line['bodySize'] === bytes.length), 20_000)
    socket.destroy()
  })
})

describe('clients that are slow but move', () => {
  it('finish an upload that takes several time-outs', async () => {
    const location = await upload()
    const socket = await registry.connect()
    let heard = ''
    socket.on('data', bytes => {
      heard += bytes.toString()
    })
    socket.write(
      `PUT ${location}?digest=${digestText('0123456789')} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n`,
    )
    // Three time-outs long, and never still for one.
    for (const byte of '0123456789') {
      await pause(300)
      socket.write(byte)
    }
    await eventually(() => heard.includes('201 Created'))
    socket.destroy()
  })

  it('finish a download that takes several time-outs', async () => {
    const bytes = Buffer.alloc(24 * 1024 * 1024, 'slow')
    expect(await pushBlob(registry, 'a', bytes)).toBe(201)
    const socket = await registry.connect()
    socket.write(`GET /v2/a/blobs/${digestText(bytes)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    let received = 0
    socket.on('data', part => {
      received += part.length
      socket.pause()
      // 3 MB a second at most.
      setTimeout(() => socket.resume(), part.length / 3000)
    })
    await eventually(() => received > bytes.length, 55_000)
    expect(received).toBeGreaterThan(bytes.length)
  })
})

describe('floods and lies', () => {
  it('of headers are answered 431', async () => {
    // Larger than what the system buffers: the client is still sending when it is answered, and has to hear it.
    for (const size of [140_000, 8_000_000]) {
      const { heard } = await untilCut(`GET /v2/ HTTP/1.1\r\nX: ${'y'.repeat(size)}\r\n\r\n`)
      expect(heard).toMatch(/^HTTP\/1\.1 431 /)
      expect(JSON.parse(heard.split('\r\n\r\n')[1] ?? '').errors[0].code).toBe('SIZE_INVALID')
    }
    const many = 'X: y\r\n'.repeat(30_000)
    expect((await untilCut(`GET /v2/ HTTP/1.1\r\n${many}\r\n`)).heard).toMatch(/^HTTP\/1\.1 431 /)
  })

  it.each([
    ['two lengths', 'Content-Length: 1\r\nContent-Length: 2'],
    ['a length and chunks', 'Content-Length: 1\r\nTransfer-Encoding: chunked'],
    ['a negative length', 'Content-Length: -1'],
    ['an endless length', 'Content-Length: 99999999999999999999'],
    ['no number', 'Content-Length: 1x'],
  ])('%s is no request', async (_name, header) => {
    const location = await upload()
    const { heard } = await untilCut(`PATCH ${location} HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n0`)
    expect(heard).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('about ranges are told from the truth', async () => {
    const location = await upload()
    const patch = (range: string, body: string) =>
      registry.ask(location, { method: 'PATCH', body, headers: { 'Content-Range': range } })
    expect((await patch('0-99', 'abc')).status).toBe(400)
    expect((await patch('5-7', 'abc')).status).toBe(416)
    expect((await patch('2-0', 'abc')).status).toBe(416)
    expect(await patch('0-2', 'abc')).toMatchObject({ status: 202, headers: { range: '0-2' } })
  })

  it('leave it serving', async () => {
    expect((await registry.ask('/readyz')).status).toBe(200)
  })
})

describe('rate limits', () => {
  it('answer 429 with Retry-After, and never to the health checks', async () => {
    const limited = await startRegistry(join(folder.path, 'limited'), {
      http: { ...http, ratelimit: { rate: 1000, methods: [{ method: 'PUT', rate: 1 }] } },
    })
    const put = () => limited.ask('/v2/a/manifests/v1', { method: 'PUT', body: '{}' })
    const answers = await Promise.all([put(), put(), put(), put()])
    const refused = answers.filter(answer => answer.status === 429)
    expect(refused.length).toBeGreaterThanOrEqual(2)
    expect(refused[0]).toMatchObject({ code: 'TOOMANYREQUESTS', headers: { 'retry-after': '1' } })
    expect((await limited.ask('/v2/')).status).toBe(200)
    await limited.stop()
  })
})

describe('pages of other origins', () => {
  it('may read and write only where the config names their origin', async () => {
    const named = await startRegistry(join(folder.path, 'named'), {
      http: { ...http, allowOrigin: 'https://ui.example.org' },
    })
    const Origin = 'https://ui.example.org'
    const read = await named.ask('/v2/', { headers: { Origin } })
    expect(read.headers['access-control-allow-origin']).toBe(Origin)
    const preflight = await named.ask('/v2/a/manifests/v1', { method: 'OPTIONS', headers: { Origin } })
    expect(preflight).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-methods': 'GET,HEAD,PUT,DELETE,OPTIONS',
        'access-control-allow-headers':
          'Authorization,content-type,X-ZOT-API-CLIENT,Accept,Cache-Control,Content-Range,If-None-Match,If-Range,Range',
      },
    })
    const other = await named.ask('/v2/', { headers: { Origin: 'https://evil.example' } })
    expect(other.headers['access-control-allow-origin']).toBeUndefined()
    const begin = (origin: string) =>
      named.ask('/v2/a/blobs/uploads/', { method: 'POST', headers: { Origin: origin } })
    expect((await begin(Origin)).status).toBe(202)
    expect((await begin('https://evil.example')).status).toBe(403)
    await named.stop()
    const silent = await registry.ask('/v2/', { headers: { Origin } })
    expect(silent.headers['access-control-allow-origin']).toBeUndefined()
  })
})
