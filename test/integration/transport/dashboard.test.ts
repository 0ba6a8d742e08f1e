import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventReader } from '../../../client/control-events.ts'
import { type Dashboard, startDashboard } from '../../../core/dashboard/dashboard.ts'
import { httpApi } from '../../../core/transport/http-api.ts'
import { eventually } from '../../fakes/eventually.ts'
import { aSnapshot, type FakeHost, fakeHost } from '../../fakes/host.ts'
import { ask, open, type Reply } from './http.ts'

let folder: string
let host: FakeHost
let dashboard: Dashboard
let now = Date.now()
const bugs: string[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-dashboard-'))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'window.html'), '<!doctype html><title>Zotbar</title>')
  await writeFile(join(folder, 'popover.html'), '<!doctype html><title>Popover</title>')
  await writeFile(join(folder, 'assets', 'window-abc.js'), 'export {}')
  await writeFile(join(folder, 'assets', 'secret.txt'), 'not served')
  host = fakeHost({
    registry: {
      cancel: async () => {
        throw new Error('a bug')
      },
    },
  })
  now = Date.now()
  const { randomBytes } = await import('node:crypto')
  const started = await startDashboard({
    port: 0,
    folder,
    api: httpApi(host, { onBug: where => bugs.push(where) }),
    sources: { now: () => now, randomBytes },
  })
  if (!started.ok) throw new Error(started.error.code)
  dashboard = started.value
})

afterEach(async () => {
  await dashboard.close()
  await rm(folder, { recursive: true })
})

type Headers = Record<string, string>
const get = (path: string, headers: Headers = {}, method = 'GET'): Promise<Reply> =>
  ask({
    host: '127.0.0.1',
    port: dashboard.port,
    path,
    method,
    headers: { host: `127.0.0.1:${dashboard.port}`, ...headers },
  })
const post = (path: string, body: string | Buffer, headers: Headers = {}): Promise<Reply> =>
  ask(
    {
      host: '127.0.0.1',
      port: dashboard.port,
      path,
      method: 'POST',
      headers: { host: `127.0.0.1:${dashboard.port}`, 'content-type': 'application/json', ...headers },
    },
    body,
  )
const tokenIn = (url: string): string => url.split('#token=')[1] ?? ''
const redeem = (token: string): Promise<Reply> => post('/api/session', JSON.stringify({ token }))
async function signIn(): Promise<Headers> {
  const { value } = (await redeem(tokenIn(dashboard.createLink()))).json() as { value: { session: string } }
  return { 'x-zotbar-session': value.session }
}
const refused = (reason: string) => ({ ok: false, error: { code: 'not-authorised', reason } })

describe('the dashboard without a session', () => {
  it('serves the pages and their files, with types and caching', async () => {
    const root = await get('/')
    expect([root.status, root.text]).toEqual([200, '<!doctype html><title>Zotbar</title>'])
    expect(root.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(root.headers['cache-control']).toBe('no-cache')
    expect((await get('/?x=1')).status).toBe(200)
    expect((await get('/popover.html')).text).toContain('Popover')
    const script = await get('/assets/window-abc.js')
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(script.headers['cache-control']).toContain('immutable')
    const again = await get('/', { 'if-none-match': root.headers.etag ?? '' })
    expect([again.status, again.text]).toEqual([304, ''])
    const head = await get('/', {}, 'HEAD')
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '36'])
  })

  it.each([
    '/nothing',
    '/assets/',
    '/assets/secret.txt',
    '/assets/../window.html',
    '/assets/..%2fwindow.html',
    '/..%2f..%2fetc/passwd',
    '/../../../../etc/passwd',
    '//etc/passwd',
    '/assets/%2e%2e/window.html',
    '/assets/window-abc.js%00',
    '/WINDOW.html',
    '/apix',
  ])('answers %s with 404 and never the page', async path => {
    const reply = await get(path)
    expect([reply.status, reply.text]).toEqual([404, 'Not found\n'])
  })

  it('answers 401 to everything below /api, known or not', async () => {
    for (const path of ['/api', '/api/', '/api/nothing', '/api/events', '/api/session'])
      expect((await get(path)).json(), path).toEqual(refused('no-session'))
    for (const path of ['/api/registry.restart', '/api/app.snapshot', '/api/nothing']) {
      const reply = await post(path, '{}')
      expect([reply.status, reply.json()], path).toEqual([401, refused('no-session')])
    }
    const wrong = await post('/api/app.snapshot', '{}', { 'x-zotbar-session': 'x'.repeat(43) })
    expect(wrong.status).toBe(401)
    expect(host.calls).toEqual([])
  })

  it('refuses other methods and never speaks CORS', async () => {
    const other = await get('/', {}, 'DELETE')
    expect([other.status, other.headers.allow]).toEqual([405, 'GET, HEAD'])
    const origin = `http://127.0.0.1:${dashboard.port}`
    for (const path of ['/', '/api/registry.restart']) {
      const reply = await get(path, { origin, 'access-control-request-method': 'POST' }, 'OPTIONS')
      expect(reply.status).toBeGreaterThanOrEqual(400)
      expect(Object.keys(reply.headers).filter(name => name.startsWith('access-control'))).toEqual([])
    }
  })

  it('sends the security headers with every answer', async () => {
    for (const path of ['/', '/nothing', '/api/nothing']) {
      const { headers } = await get(path)
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      )
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('no-referrer')
      expect(headers['cross-origin-opener-policy']).toBe('same-origin')
      expect(headers['cross-origin-resource-policy']).toBe('same-origin')
      expect(headers['permissions-policy']).toContain('camera=()')
      expect(headers['set-cookie']).toBeUndefined()
    }
  })
})

describe('Host and Origin', () => {
  it('takes only its own names as Host, for pages too', async () => {
    const { port } = dashboard
    for (const good of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
      expect((await get('/', { host: good })).status, good).toBe(200)
    for (const bad of ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1:${port + 1}`, ''])
      for (const path of ['/', '/api/app.snapshot']) {
        const reply = await get(path, { host: bad })
        expect([reply.status, reply.json()], bad).toEqual([403, refused('wrong-host')])
      }
  })

  it('takes only its own Origin, even with a session', async () => {
    const session = await signIn()
    const { port } = dashboard
    for (const origin of [
      'http://evil.example',
      'null',
      `https://127.0.0.1:${port}`,
      `http://127.0.0.1:${port + 1}`,
    ]) {
      const reply = await post('/api/registry.restart', '{}', { ...session, origin })
      expect([reply.status, reply.json()], origin).toEqual([403, refused('wrong-origin')])
    }
    for (const site of ['cross-site', 'same-site']) {
      const reply = await post('/api/registry.restart', '{}', { ...session, 'sec-fetch-site': site })
      expect([reply.status, reply.json()], site).toEqual([403, refused('wrong-origin')])
    }
    expect(host.calls).toEqual([])
    const own = await post('/api/registry.restart', '{}', { ...session, origin: `http://localhost:${port}` })
    expect(own.status).toBe(200)
  })
})

describe('one-time tokens over HTTP', () => {
  it('are exchanged once', async () => {
    const url = dashboard.createLink()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/)
    const first = await redeem(tokenIn(url))
    expect(first.status).toBe(200)
    const again = await redeem(tokenIn(url))
    expect([again.status, again.json()]).toEqual([401, refused('token-used')])
  })

  it('expire', async () => {
    const token = tokenIn(dashboard.createLink())
    now += 10 * 60_000
    expect((await redeem(token)).json()).toEqual(refused('token-used'))
  })

  it('are taken from JSON only', async () => {
    const token = tokenIn(dashboard.createLink())
    const form = await post('/api/session', JSON.stringify({ token }), { 'content-type': 'text/plain' })
    expect(form.status).toBe(415)
    expect((await post('/api/session', 'x'.repeat(2_000))).status).toBe(413)
    for (const body of ['{', '[]', '{"token":1}', 'null'])
      expect((await post('/api/session', body)).json()).toMatchObject({ error: { code: 'bad-input' } })
    expect((await redeem(token)).status).toBe(200)
  })

  it('give a session that ends after twelve idle hours', async () => {
    const session = await signIn()
    now += 12 * 3_600_000 - 1
    expect((await post('/api/app.snapshot', '{}', session)).status).toBe(200)
    now += 12 * 3_600_000
    expect((await post('/api/app.snapshot', '{}', session)).status).toBe(401)
  })
})

describe('commands over HTTP', () => {
  it('run as the dashboard and answer their Result', async () => {
    const session = await signIn()
    const reply = await post('/api/registry.restart', '{"now":true}', session)
    expect([reply.status, reply.json()]).toEqual([200, { ok: true, value: aSnapshot() }])
    expect(reply.headers['cache-control']).toBe('no-store')
    expect(host.calls).toEqual([{ name: 'registry.restart', input: { now: true }, caller: 'full' }])
  })

  it('refuse what is not a command, a method, JSON or small enough', async () => {
    const session = await signIn()
    const unknown = await post('/api/nothing', '{}', session)
    expect([unknown.status, unknown.json()]).toEqual([
      404,
      { ok: false, error: { code: 'unknown-command', name: 'nothing' } },
    ])
    expect((await post('/api/__proto__.toString', '{}', session)).status).toBe(404)
    const method = await get('/api/app.snapshot', session)
    expect([method.status, method.headers.allow]).toEqual([405, 'POST'])
    expect((await post('/api/app.snapshot', '{}', { ...session, 'content-type': 'text/plain' })).status).toBe(
      415,
    )
    const noType = await post('/api/app.snapshot', '{}', { ...session, 'content-type': '' })
    expect(noType.status).toBe(415)
    const zipped = await post('/api/app.snapshot', '{}', { ...session, 'content-encoding': 'gzip' })
    expect(zipped.status).toBe(415)
    for (const body of ['{', '{"a":}', Buffer.from([0x22, 0xff, 0x22])]) {
      const reply = await post('/api/app.snapshot', body, session)
      expect(reply.json()).toMatchObject({ ok: false, error: { code: 'bad-input' } })
    }
    expect((await post('/api/registry.restart', '{"now":"yes"}', session)).json()).toMatchObject({
      error: { code: 'bad-input', field: 'now' },
    })
    expect(host.calls).toEqual([])
  })

  it('refuse a body over 64 KB, with its length told or not', async () => {
    const session = await signIn()
    const big = JSON.stringify({ key: 'k', value: 'x'.repeat(70_000) })
    expect((await post('/api/settings.set', big, session)).status).toBe(413)
    const chunked = await post('/api/settings.set', big, { ...session, 'transfer-encoding': 'chunked' })
    expect(chunked.status).toBe(413)
    expect(host.calls).toEqual([])
  })

  it('tell a bug as a bug, and go on', async () => {
    const session = await signIn()
    const reply = await post('/api/registry.cancel', '{}', session)
    expect([reply.status, reply.json()]).toEqual([
      500,
      { ok: false, error: { code: 'unexpected', where: 'registry.cancel' } },
    ])
    expect(bugs).toContain('registry.cancel')
    expect((await post('/api/app.snapshot', '{}', session)).status).toBe(200)
  })
})

describe('events over HTTP', () => {
  it('come as they happen, the state of now first, and end with the reader', async () => {
    const session = await signIn()
    const stream = await open({
      host: '127.0.0.1',
      port: dashboard.port,
      path: '/api/events?with=log',
      headers: { host: `127.0.0.1:${dashboard.port}`, ...session },
    })
    expect(stream.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    const seen: [string, unknown][] = []
    const read = eventReader((event, data) => seen.push([event, JSON.parse(data)]))
    stream.setEncoding('utf8')
    stream.on('data', read)
    stream.on('error', () => undefined)
    await eventually(() => seen.length === 1)
    host.push('snapshot', aSnapshot({ takenAt: 2 }))
    host.push('log', { lines: ['a\nb', 'c'] })
    await eventually(() => seen.length === 3)
    expect(seen).toEqual([
      ['snapshot', aSnapshot()],
      ['snapshot', aSnapshot({ takenAt: 2 })],
      ['log', { lines: ['a\nb', 'c'] }],
    ])
    stream.destroy()
    await eventually(() => host.listeners('log') === 0)
  })

  it('to a reader that stands still cost a bounded amount', async () => {
    const session = await signIn()
    const stream = await open({
      host: '127.0.0.1',
      port: dashboard.port,
      path: '/api/events?with=log',
      headers: { host: `127.0.0.1:${dashboard.port}`, ...session },
    })
    stream.pause()
    const before = process.memoryUsage()
    const line = 'x'.repeat(1_000)
    for (let i = 0; i < 2_000; i += 1) {
      host.push('log', { lines: Array.from({ length: 50 }, () => line) })
      if (i % 50 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    host.push('snapshot', aSnapshot({ takenAt: 9 }))
    const grown = process.memoryUsage()
    // 100 MB went by.
    expect(grown.external + grown.heapUsed - before.external - before.heapUsed).toBeLessThan(60_000_000)
    let dropped = 0
    let last: unknown
    const read = eventReader((event, data) => {
      const value: unknown = JSON.parse(data)
      if (event === 'dropped') dropped += (value as { lines: number }).lines
      if (event === 'snapshot') last = value
    })
    stream.setEncoding('utf8')
    stream.on('data', read)
    stream.on('error', () => undefined)
    stream.resume()
    await eventually(
      () => dropped > 50_000 && JSON.stringify(last) === JSON.stringify(aSnapshot({ takenAt: 9 })),
    )
    stream.destroy()
  })
})

describe('connections of others', () => {
  it('keep nobody out, and end no event stream', async () => {
    const session = await signIn()
    const events = await open({
      host: '127.0.0.1',
      port: dashboard.port,
      path: '/api/events?with=log',
      headers: { host: `127.0.0.1:${dashboard.port}`, ...session },
    })
    let heard = ''
    events.on('error', () => undefined)
    events.on('data', bytes => {
      heard += bytes.toString()
    })
    const others: Socket[] = []
    for (let count = 0; count < 140; count++) {
      const socket = connect(dashboard.port, '127.0.0.1')
      socket.on('error', () => {})
      others.push(socket)
      await once(socket, 'connect')
    }
    expect((await get('/')).status).toBe(200)
    await eventually(() => others.filter(socket => socket.closed).length >= 13)
    expect(others.at(-1)?.closed).toBe(false)
    heard = ''
    host.push('snapshot', aSnapshot({ takenAt: 3 }))
    await eventually(() => heard.includes('"takenAt":3'))
    events.destroy()
    for (const socket of others) socket.destroy()
  })
})

describe('the port', () => {
  it('that is taken is a failure with its number', async () => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const started = await startDashboard({ port, folder, api: httpApi(host) })
    expect(started).toEqual({ ok: false, error: { code: 'port-taken', what: 'dashboard', port } })
    other.close()
  })
})
