import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventReader } from '../../../client/control-events.ts'
import { commandNames } from '../../../contract/dispatch.ts'
import type { Notice } from '../../../contract/snapshot.ts'
import type { Dashboard } from '../../../core/dashboard/dashboard.ts'
import { httpApi } from '../../../core/transport/http-api.ts'
import { type FakeClock, fakeClock } from '../../fakes/clock.ts'
import { startTestDashboard } from '../../fakes/dashboard.ts'
import { eventually } from '../../fakes/eventually.ts'
import { inputs, mayCall } from '../../fakes/every-command.ts'
import { aSnapshot, type FakeHost, fakeHost } from '../../fakes/host.ts'
import { freePort } from '../../setup/free-port.ts'
import { ask, open, type Reply } from './http.ts'

let folder: string
let host: FakeHost
let home: string
let dashboard: Dashboard
let port: number
let clock: FakeClock
let notices: Notice[]
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
  clock = fakeClock(Date.now())
  notices = []
  home = await mkdtemp(join(tmpdir(), 'zotbar-dashboard-home-'))
  dashboard = await start(0)
  port = dashboard.port()
})

const start = (wanted: number): Promise<Dashboard> =>
  startTestDashboard({
    home,
    port: wanted,
    folder,
    api: httpApi(host, { onBug: where => bugs.push(where) }),
    clock,
    notices,
  })

afterEach(async () => {
  await dashboard.close()
  await rm(folder, { recursive: true })
  await rm(home, { recursive: true })
})

type Headers = Record<string, string>
const get = (path: string, headers: Headers = {}, method = 'GET'): Promise<Reply> =>
  ask({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: { host: `127.0.0.1:${port}`, ...headers },
  })
const post = (path: string, body: string | Buffer, headers: Headers = {}): Promise<Reply> =>
  ask(
    {
      host: '127.0.0.1',
      port,
      path,
      method: 'POST',
      headers: { host: `127.0.0.1:${port}`, 'content-type': 'application/json', ...headers },
    },
    body,
  )
const tokenIn = (url: string): string => url.split('#token=')[1] ?? ''
const redeem = (token: string): Promise<Reply> => post('/api/session', JSON.stringify({ token }))
async function signIn(): Promise<Headers> {
  const { value } = (await redeem(tokenIn(dashboard.createLink() ?? ''))).json() as {
    value: { session: string }
  }
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
    const origin = `http://127.0.0.1:${port}`
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
    const url = dashboard.createLink() ?? ''
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/)
    const first = await redeem(tokenIn(url))
    expect(first.status).toBe(200)
    const again = await redeem(tokenIn(url))
    expect([again.status, again.json()]).toEqual([401, refused('token-used')])
  })

  it('expire', async () => {
    const token = tokenIn(dashboard.createLink() ?? '')
    await clock.advance(10 * 60_000)
    expect((await redeem(token)).json()).toEqual(refused('token-used'))
  })

  it('are taken from JSON only', async () => {
    const token = tokenIn(dashboard.createLink() ?? '')
    const form = await post('/api/session', JSON.stringify({ token }), { 'content-type': 'text/plain' })
    expect(form.status).toBe(415)
    expect((await post('/api/session', 'x'.repeat(2_000))).status).toBe(413)
    for (const body of ['{', '[]', '{"token":1}', 'null'])
      expect((await post('/api/session', body)).json()).toMatchObject({ error: { code: 'bad-input' } })
    expect((await redeem(token)).status).toBe(200)
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

describe('a session that only looks', () => {
  it('is refused every command that is not for it, and is told what would help', async () => {
    const session = await signIn()
    await clock.advance(12 * 3_600_000)
    const reserved = commandNames().filter(name => !mayCall('looking', name))
    expect(reserved.length).toBeGreaterThan(25)
    for (const name of reserved) {
      const reply = await post(`/api/${name}`, JSON.stringify(inputs[name]), session)
      const reason = mayCall('full', name) ? 'needs-full-session' : 'wrong-sender'
      expect([reply.status, reply.json()], name).toEqual([200, refused(reason)])
    }
    expect(host.calls).toEqual([])
    for (const name of commandNames().filter(each => mayCall('looking', each)))
      expect(
        (await post(`/api/${name}`, JSON.stringify(inputs[name]), session)).json(),
        name,
      ).not.toMatchObject({
        error: { code: 'not-authorised' },
      })
    expect(new Set(host.calls.map(({ caller }) => caller))).toEqual(new Set(['looking']))
  })

  it('may do them again after another link', async () => {
    const session = await signIn()
    await clock.advance(12 * 3_600_000)
    const token = tokenIn(dashboard.createLink() ?? '')
    const { value } = (await post('/api/session', JSON.stringify({ token }), session)).json() as {
      value: { session: string }
    }
    const full = { 'x-zotbar-session': value.session }
    const reply = await post('/api/images.delete', JSON.stringify(inputs['images.delete']), full)
    expect(reply.json()).toMatchObject({ ok: true })
  })
})

describe('events over HTTP', () => {
  it('come as they happen, the state of now first, and end with the reader', async () => {
    const session = await signIn()
    const stream = await open({
      host: '127.0.0.1',
      port,
      path: '/api/events?with=log',
      headers: { host: `127.0.0.1:${port}`, ...session },
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
      port,
      path: '/api/events?with=log',
      headers: { host: `127.0.0.1:${port}`, ...session },
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
      port,
      path: '/api/events?with=log',
      headers: { host: `127.0.0.1:${port}`, ...session },
    })
    let heard = ''
    events.on('error', () => undefined)
    events.on('data', bytes => {
      heard += bytes.toString()
    })
    const others: Socket[] = []
    for (let count = 0; count < 140; count++) {
      const socket = connect(port, '127.0.0.1')
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

describe('sessions over HTTP', () => {
  const snapshotWith = async (session: Headers): Promise<number> =>
    (await post('/api/app.snapshot', '{}', session)).status
  async function change(session: Headers): Promise<Headers> {
    const { value } = (await post('/api/session/change', '{}', session)).json() as {
      value: { session: string }
    }
    return { 'x-zotbar-session': value.session }
  }

  it('say what they allow, and are full again with another link', async () => {
    const first = await redeem(tokenIn(dashboard.createLink() ?? ''))
    expect(first.json()).toEqual({
      ok: true,
      value: { session: expect.any(String), fullForMs: 12 * 3_600_000 },
    })
    const session = { 'x-zotbar-session': (first.json() as { value: { session: string } }).value.session }
    await clock.advance(13 * 3_600_000)
    const changed = await post('/api/session/change', '{}', session)
    expect(changed.json()).toEqual({ ok: true, value: { session: expect.any(String), fullForMs: 0 } })
    const token = tokenIn(dashboard.createLink() ?? '')
    const again = await post('/api/session', JSON.stringify({ token }), session)
    expect(again.json()).toMatchObject({ value: { fullForMs: 12 * 3_600_000 } })
  })

  it('change their token; the one before ends everything, with a notice, once the overlap is over', async () => {
    const first = await signIn()
    const stream = await open({
      host: '127.0.0.1',
      port,
      path: '/api/events',
      headers: { host: `127.0.0.1:${port}`, ...first },
    })
    const ended = once(stream.resume(), 'end')
    const second = await change(first)
    expect([await snapshotWith(first), await snapshotWith(second), await snapshotWith(first)]).toEqual([
      200, 200, 200,
    ])
    const late = await post('/api/session/change', '{}', first)
    expect([late.status, late.json()]).toEqual([200, { ok: true, value: null }])
    await clock.advance(10_000)
    const replayed = await post('/api/app.snapshot', '{}', first)
    expect([replayed.status, replayed.json()]).toEqual([401, refused('session-replayed')])
    expect(await snapshotWith(second)).toBe(401)
    await ended
    expect(notices.map(({ kind }) => kind)).toEqual(['session-replayed'])
  })

  it('end with a sign-out, and so does what is open', async () => {
    const session = await signIn()
    const other = await signIn()
    const stream = await open({
      host: '127.0.0.1',
      port,
      path: '/api/events',
      headers: { host: `127.0.0.1:${port}`, ...session },
    })
    const ended = once(stream.resume(), 'end')
    expect((await post('/api/session/end', '{}', session)).status).toBe(200)
    await ended
    expect([await snapshotWith(session), await snapshotWith(other)]).toEqual([401, 200])
    expect((await post('/api/session/end', '{}')).status).toBe(200)
  })

  it('survive a restart, and end when they are revoked, with the links', async () => {
    const session = await signIn()
    await dashboard.close()
    dashboard = await start(port)
    expect(await snapshotWith(session)).toBe(200)
    const link = tokenIn(dashboard.createLink() ?? '')
    expect(await dashboard.revokeSessions()).toEqual({ ok: true, value: { sessions: 1 } })
    expect(await snapshotWith(session)).toBe(401)
    expect((await redeem(link)).json()).toEqual(refused('token-used'))
  })

  it('need their own Host and Origin too', async () => {
    const session = await signIn()
    for (const path of ['/api/session', '/api/session/change', '/api/session/end']) {
      const other = await post(path, '{}', { ...session, origin: `http://127.0.0.1:${port + 1}` })
      expect([other.status, other.json()]).toEqual([403, refused('wrong-origin')])
    }
    expect(await snapshotWith(session)).toBe(200)
  })
})

describe('the port', () => {
  let thief: Server | undefined
  const take = async (): Promise<void> => {
    const server = createServer()
    thief = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
  }
  const free = (): Promise<void> => new Promise(resolve => (thief ? thief.close(() => resolve()) : resolve()))
  afterEach(free)

  it('that another program holds is named, all sessions end, and it is taken when it is free', async () => {
    const session = await signIn()
    await dashboard.close()
    await take()
    dashboard = await start(port)
    // It may only be a core that ends.
    expect([dashboard.url(), dashboard.notice()]).toEqual([undefined, undefined])
    await clock.advance(1_000)
    await eventually(() => dashboard.notice() !== undefined)
    expect(dashboard.notice()).toMatchObject({ kind: 'no-dashboard', port, pid: process.pid })
    expect(dashboard.failure()).toMatchObject({
      code: 'port-taken',
      what: 'dashboard',
      port,
      pid: process.pid,
    })
    expect(dashboard.createLink()).toBeUndefined()
    await expect(readFile(join(home, 'sessions.json'))).rejects.toThrow('ENOENT')
    await free()
    await clock.advance(10_000)
    await eventually(() => dashboard.url() !== undefined)
    expect(dashboard.notice()).toBeUndefined()
    expect((await post('/api/app.snapshot', '{}', session)).status).toBe(401)
    expect((await post('/api/app.snapshot', '{}', await signIn())).status).toBe(200)
  })

  it('that is given up within a second by a core that ends leaves the sessions', async () => {
    const session = await signIn()
    await dashboard.close()
    await take()
    dashboard = await start(port)
    await free()
    await clock.advance(100)
    await eventually(() => dashboard.url() !== undefined)
    expect((await post('/api/app.snapshot', '{}', session)).status).toBe(200)
  })

  it('is another one at once when the setting changes, and the sessions of the old one end', async () => {
    const session = await signIn()
    const before = port
    await dashboard.move(await freePort())
    port = dashboard.port()
    expect(port).not.toBe(before)
    expect((await post('/api/app.snapshot', '{}', session)).status).toBe(401)
    await expect(ask({ host: '127.0.0.1', port: before, path: '/' })).rejects.toThrow('ECONNREFUSED')
  })
})
