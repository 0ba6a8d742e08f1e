import { chmod, lstat, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adminClient } from '../../../core/platform/admin-client.ts'
import { registryHttp } from '../../../core/platform/registry-http.ts'
import { createKeys } from '../../../core/registry-client/keys.ts'
import { type AdminServer, startAdminServer } from '../../../registry/admin/admin-server.ts'
import { openAccessDatabase } from '../../../registry/metadata/access-database.ts'
import { ApiKeys } from '../../../registry/metadata/api-keys.ts'
import { openActivity, Pulls } from '../../../registry/metadata/pulls.ts'
import { createWriterThread, directWriter } from '../../../registry/metadata/writer.ts'
import { adminParts } from '../../fakes/admin-parts.ts'
import { fakeClock } from '../../fakes/clock.ts'

const day = 86_400_000
let folder: string
let path: string
let admin: AdminServer | undefined
let server: Server | undefined
let clock: ReturnType<typeof fakeClock>
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-adm-'))
  await mkdir(join(folder, 'run'), { mode: 0o700 })
  path = join(folder, 'run', 'admin.sock')
  clock = fakeClock(Date.parse('2026-03-01T10:00:00Z'))
})
afterEach(async () => {
  await admin?.close()
  admin = undefined
  server?.closeAllConnections()
  server?.close()
  server = undefined
  await rm(folder, { recursive: true })
})

const logged: string[] = []

async function serve(withKeys = true) {
  const access = openAccessDatabase(join(folder, 'meta'))
  const activity = openActivity(join(folder, 'meta'), createWriterThread())
  if (!access.ok || !activity.ok) throw new Error('no database')
  const keys = new ApiKeys(access.database, directWriter(access.database), clock.now)
  const pulls = new Pulls(activity.database, activity.writer, clock.now)
  const started = await startAdminServer({
    ...adminParts(join(folder, 'data')),
    path,
    keys: withKeys ? keys : undefined,
    pulls,
    policy: { defaultLife: 90 * day, maxLife: 366 * day },
    originOf: user => (user === 'jane@example.com' ? 'oidc' : 'local'),
    now: clock.now,
    audit: (message, fields) => logged.push(JSON.stringify([message, fields])),
  })
  if (!started.ok) throw new Error(started.message)
  admin = started.admin
  return { keys, pulls }
}

function keysOf(options: { user?: string; url?: string; serves?: boolean } = {}) {
  const { user, url, serves = true } = options
  const credential = async () => (user === undefined ? undefined : { user, password: 'pw' })
  return createKeys({
    admin: adminClient(path),
    registry: registryHttp({ url: () => url, credential }),
    engine: 'zot',
    serves: () => serves,
    credential,
    refusal: () => undefined,
    clock,
    address: () => 'registry.example.net',
    warnings: async ({ user, account }) => {
      if (user === 'broken') throw new Error('a fault')
      asked.push(account)
      return user === 'cii' ? [{ code: 'user-unknown', user }] : []
    },
  })
}
/** What is known of the accounts of new keys. */
const asked: unknown[] = []

describe('over the administration socket', () => {
  it('only this user may ask', async () => {
    await serve()
    expect((await lstat(path)).mode & 0o777).toBe(0o600)
  })

  it('refuses a folder that others can open, and something that is no socket', async () => {
    await chmod(join(folder, 'run'), 0o755)
    await expect(serve()).rejects.toThrow('is open to other users')
    await chmod(join(folder, 'run'), 0o700)
    await writeFile(path, 'mine')
    await expect(serve()).rejects.toThrow('something that is not a socket')
  })

  it('takes the place of a socket whose process died', async () => {
    await serve()
    const first = admin
    await serve()
    expect(await keysOf().list()).toEqual({ ok: true, value: { keys: [] } })
    // The one that went first takes nothing away from the one that came.
    await first?.close()
    expect((await lstat(path)).isSocket()).toBe(true)
  })

  it('makes, lists and revokes keys of every user', async () => {
    const { keys: store } = await serve()
    const keys = keysOf()
    const scopes = ['repository:ci/**:read,create']
    const made = await keys.create({ user: 'ci', label: 'pipeline', scopes }, 'cli')
    if (!made.ok) throw new Error(made.error.code)
    const { uuid, apiKey = '' } = made.value
    expect(made.value).toEqual({
      uuid,
      user: 'ci',
      label: 'pipeline',
      expirationDate: '2026-05-30T10:00:00.000Z',
      apiKey: expect.stringMatching(/^zak_[0-9a-f]{32}$/),
      registry: 'registry.example.net',
      warnings: [],
    })
    expect(store.find('ci', apiKey)).toMatchObject({ user: 'ci', origin: 'local', keyId: uuid })
    expect(await keys.list()).toEqual({
      ok: true,
      value: {
        keys: [
          {
            uuid,
            user: 'ci',
            label: 'pipeline',
            createdAt: '2026-03-01T10:00:00.000Z',
            expirationDate: '2026-05-30T10:00:00.000Z',
            lastUsed: '2026-03-01T10:00:00.000Z',
            managed: false,
            descendants: 0,
          },
        ],
      },
    })
    expect(await keys.revoke(uuid, false)).toEqual({ ok: true, value: { revoked: [uuid], descendants: [] } })
    expect(store.find('ci', apiKey)).toBeUndefined()
    expect(await keys.revoke(uuid, false)).toEqual({ ok: false, error: { code: 'key-not-found', uuid } })
    expect(logged.join()).not.toContain(apiKey)
  })

  it('gives keys the account their user has', async () => {
    const { keys: store } = await serve()
    await store.signedIn('jane@example.com', ['devs'])
    const made = await keysOf().create({ user: 'jane@example.com', label: '', scopes: [] }, 'cli')
    expect(store.list()[0]).toMatchObject({ origin: 'oidc' })
    expect(made).toMatchObject({ ok: true })
    expect(made.ok && Object.keys(made.value)).not.toContain('account')
    expect(asked.at(-1)).toEqual({ origin: 'oidc', groups: ['devs'] })
  })

  it('warns with the answer, to whoever created the key, and loses no key over it', async () => {
    await serve()
    const keys = keysOf()
    for (const caller of ['cli', 'page'] as const)
      expect(await keys.create({ user: 'cii', label: '', scopes: [] }, caller)).toMatchObject({
        value: { registry: 'registry.example.net', warnings: [{ code: 'user-unknown', user: 'cii' }] },
      })
    expect(await keys.create({ user: 'broken', label: '', scopes: [] }, 'cli')).toMatchObject({
      value: { apiKey: expect.stringMatching(/^zak_/), warnings: [] },
    })
  })

  it('offers what was minted by a revoked key, and revokes it too when asked', async () => {
    const { keys: store } = await serve()
    const mint = async (mintedBy?: string) => {
      const made = await store.create({
        user: 'ci',
        origin: 'local',
        label: '',
        scopes: [],
        expiresAt: clock.now() + day,
        creatorUa: '',
        ...(mintedBy === undefined ? {} : { mintedBy }),
      })
      return made.ok ? made.key.uuid : ''
    }
    const [a, b] = [await mint(), await mint()]
    const [ofA, ofB] = [await mint(a), await mint(b)]
    const listed = await keysOf().list()
    const counts = listed.ok ? listed.value.keys.map(({ uuid, descendants }) => [uuid, descendants]) : []
    expect(counts).toEqual([a, b, ofA, ofB].map(uuid => [uuid, uuid === a || uuid === b ? 1 : 0]))
    expect(await keysOf().revoke(a, false)).toMatchObject({ value: { revoked: [a], descendants: [ofA] } })
    expect(await keysOf().revoke(b, true)).toMatchObject({ value: { revoked: [b, ofB], descendants: [] } })
    expect(store.list().map(key => key.uuid)).toEqual([ofA])
  })

  it.each([
    [
      { user: 'ci', expires: '5000d' },
      { code: 'key-refused', reason: expect.stringContaining('366 days') },
    ],
    [{ user: 'ci', expires: 'never' }, { code: 'key-refused' }],
    [
      { user: 'ci', expires: 'soon' },
      { code: 'bad-input', field: 'expires' },
    ],
    [
      { user: 'ci', expires: '2020-01-01' },
      { code: 'key-refused', reason: expect.stringContaining('past') },
    ],
    [{ user: 'a:b' }, { code: 'key-refused' }],
    [
      { user: 'ci', scopes: ['everything'] },
      { code: 'key-refused', reason: expect.stringContaining('scope') },
    ],
  ])('refuses %j', async (wish, error) => {
    await serve()
    const made = await keysOf().create({ label: '', scopes: [], ...wish }, 'cli')
    expect(made).toMatchObject({ ok: false, error })
  })

  it('gives a window its secret once, when it asks, and not for ever', async () => {
    await serve()
    const keys = keysOf()
    const made = await keys.create({ user: 'ci', label: '', scopes: [] }, 'page')
    if (!made.ok) throw new Error(made.error.code)
    expect(made.value).not.toHaveProperty('apiKey')
    const { uuid } = made.value
    expect(made.value.lapsesAt).toBe(new Date(clock.now() + 10 * 60_000).toISOString())
    expect(keys.fresh()).toEqual([made.value])
    const handedOver = keys.unrevealed()
    expect(handedOver).toMatchObject([
      { uuid, apiKey: expect.stringMatching(/^zak_/), shown: { user: 'ci' } },
    ])
    expect(handedOver[0]?.restMs).toBeGreaterThan(0)
    expect(keys.reveal(uuid)).toMatchObject({ ok: true, value: { apiKey: expect.stringMatching(/^zak_/) } })
    expect(keys.reveal(uuid)).toEqual({ ok: false, error: { code: 'secret-gone', uuid } })
    expect(keys.fresh()).toEqual([])
    const late = await keys.create({ user: 'ci', label: '', scopes: [] }, 'full')
    await clock.advance(11 * 60_000)
    expect(keys.fresh()).toEqual([])
    expect(keys.reveal(late.ok ? late.value.uuid : '')).toMatchObject({ error: { code: 'secret-gone' } })
  })

  it('says that keys are off, and that nothing serves', async () => {
    await serve(false)
    expect(await keysOf().list()).toEqual({ ok: false, error: { code: 'keys-off' } })
    expect(await keysOf({ serves: false }).list()).toMatchObject({ error: { code: 'registry-not-serving' } })
  })

  it('tells pulls and pushes', async () => {
    const { pulls } = await serve()
    pulls.pushed('team/app', '1', 'ci')
    pulls.pulled('team/app', '1')
    expect(await adminClient(path).ask('POST', '/activity', { repositories: ['team/app', 'x'] })).toEqual({
      kind: 'answered',
      status: 200,
      body: {
        activity: {
          'team/app': { 1: { pulls: 1, lastPulled: clock.now(), pushedAt: clock.now(), pushedBy: 'ci' } },
          x: {},
        },
      },
    })
    expect(await adminClient(path).ask('GET', '/nothing')).toMatchObject({ status: 404 })
    expect(await adminClient(path).ask('POST', '/keys', { user: 'x'.repeat(300_000) })).toMatchObject({
      status: 413,
    })
  })
})

describe('with an engine that has no administration', () => {
  /** zot's key routes, as far as they are used: one user, whose keys are kept in memory. */
  async function zot() {
    const kept = new Map<string, object>()
    const seen: string[] = []
    server = createServer((request, response) => {
      const [name] = Buffer.from((request.headers.authorization ?? '').slice(6), 'base64')
        .toString()
        .split(':')
      if (name !== 'admin') return void response.writeHead(401).end()
      let body = ''
      request.on('data', piece => (body += piece))
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${body}`)
        if (request.method === 'DELETE') {
          kept.delete(new URL(request.url ?? '', 'http://x').searchParams.get('id') ?? '')
          return response.end()
        }
        if (request.method === 'GET') return response.end(JSON.stringify({ apiKeys: [...kept.values()] }))
        const { label, expirationDate = '0001-01-01T00:00:00Z' } = JSON.parse(body)
        const uuid = `u${kept.size}`
        const key = {
          uuid,
          label,
          createdAt: '2026-03-01T10:00:00Z',
          expirationDate,
          lastUsed: '0001-01-01T00:00:00Z',
        }
        kept.set(uuid, key)
        response.writeHead(201).end(JSON.stringify({ ...key, scopes: null, apiKey: `zak_${'1'.repeat(32)}` }))
      })
    })
    await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, seen }
  }

  it('only the user is reached whose credential the app holds', async () => {
    const { url, seen } = await zot()
    const keys = keysOf({ user: 'admin', url })
    const made = await keys.create({ user: 'admin', label: 'mine', scopes: [] }, 'cli')
    expect(made).toMatchObject({
      ok: true,
      value: { uuid: 'u0', user: 'admin', expirationDate: '2026-05-30T10:00:00.000Z' },
    })
    expect(seen[0]).toContain('2026-05-30')
    await keys.create({ user: 'admin', label: '', scopes: [], expires: 'never' }, 'cli')
    expect(await keys.list()).toMatchObject({
      value: {
        onlyUser: 'admin',
        keys: [
          { uuid: 'u0', user: 'admin', lastUsed: null },
          { uuid: 'u1', expirationDate: null },
        ],
      },
    })
    expect(await keys.create({ user: 'ci', label: '', scopes: [] }, 'cli')).toEqual({
      ok: false,
      error: { code: 'keys-need-admin-socket', engine: 'zot', user: 'admin' },
    })
    // It does not know what came out of a key.
    expect(await keys.revoke('u0', true)).toMatchObject({
      value: { revoked: ['u0'], descendantsUnknown: true },
    })
    expect(await keys.revoke('u0', false)).toEqual({
      ok: false,
      error: { code: 'key-not-found', uuid: 'u0' },
    })
  })

  it('nobody is reached without a credential', async () => {
    const { url } = await zot()
    expect(await keysOf({ url }).list()).toEqual({
      ok: false,
      error: { code: 'keys-need-admin-socket', engine: 'zot' },
    })
    expect(await keysOf({ url, user: 'other' }).list()).toMatchObject({
      error: { code: 'registry-denied', status: 401, user: 'other' },
    })
  })

  it('users are reached whose keys the app manages, and named where such a key cannot be read', async () => {
    const { url } = await zot()
    const keys = keysOf({ url })
    keys.reachThrough(async () => [{ user: 'admin' }])
    const unread = { code: 'keys-need-admin-socket', engine: 'zot', managed: ['admin'] }
    expect(await keys.list()).toEqual({ ok: false, error: unread })
    keys.reachThrough(async () => [
      { user: 'ended', password: 'zak_ended' },
      { user: 'admin', password: 'zak_works' },
    ])
    expect(await keys.create({ user: 'admin', label: 'mine', scopes: [] }, 'cli')).toMatchObject({ ok: true })
    expect(await keys.list()).toMatchObject({ value: { onlyUser: 'admin', keys: [{ uuid: 'u0' }] } })
    expect(await keys.create({ user: 'ci', label: '', scopes: [] }, 'cli')).toMatchObject({ ok: false })
    expect(await keys.revoke('u0', false)).toMatchObject({ value: { revoked: ['u0'] } })
    keys.reachThrough(async () => [{ user: 'ended', password: 'zak_ended' }])
    expect(await keys.list()).toMatchObject({ error: { code: 'registry-denied', user: 'ended' } })
  })
})
