import { describe, expect, it } from 'vitest'
import { fail, ok, type Result } from '../../../contract/result.ts'
import type { AdminAnswer } from '../../../core/platform/admin-client.ts'
import type { RegistryAnswer, RegistryHttp, RegistryRequest } from '../../../core/platform/registry-http.ts'
import { checkKey, identifyKey, openKeyAccess } from '../../../core/rotation/key-access.ts'
import { createKeyClient } from '../../../core/rotation/key-client.ts'
import { isWorking, proveKey, unprovenUses } from '../../../core/rotation/prove-key.ts'

type Reply = { status: number; body?: unknown; headers?: Record<string, string> } | 'down' | 'stopped'
type Asked = { path: string; method: string; user?: string; key?: string; text?: string }

/** A key client over invented answers, which remembers what it was asked. */
function clientOf(reply: (asked: Asked) => Reply, admin: AdminAnswer = { kind: 'absent' }) {
  const asked: Asked[] = []
  let now = Date.UTC(2026, 2, 1)
  const registry: RegistryHttp = {
    async ask(path, options: RegistryRequest = {}): Promise<Result<RegistryAnswer>> {
      const one: Asked = {
        path,
        method: options.method ?? 'GET',
        ...(options.as ? { user: options.as.user, key: options.as.password } : {}),
        ...(options.text ? { text: options.text.content } : {}),
      }
      asked.push(one)
      const answer = reply(one)
      if (answer === 'down')
        return fail({ code: 'registry-unreachable', reason: 'The connection is refused' })
      if (answer === 'stopped') return fail({ code: 'registry-not-serving' })
      const { status, body = '', headers = {} } = answer
      return ok({
        status,
        header: name => headers[name],
        body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      })
    },
    close: () => {},
  }
  const time = {
    now: () => now,
    async pause(ms: number): Promise<void> {
      now += ms
    },
  }
  const client = createKeyClient({
    registry,
    admin: { ask: async () => admin },
    untilServing: async () => true,
    ...time,
  })
  return { client, asked, time }
}

const bearer = { user: 'zot-ci', key: 'zak_x' }
const listed = (keys: Record<string, string>) => ({
  status: 200,
  body: {
    apiKeys: Object.entries(keys).map(([uuid, lastUsed]) => ({
      uuid,
      label: uuid,
      createdAt: '2026-01-01T00:00:00Z',
      expirationDate: '0001-01-01T00:00:00Z',
      lastUsed,
      scopes: null,
    })),
  },
})

describe('asking as a key', () => {
  it('waits for a registry that is away, and asks again', async () => {
    const replies: Reply[] = ['down', 'stopped', listed({ a: '0001-01-01T00:00:00Z' })]
    const { client, asked } = clientOf(() => replies.shift() ?? 'down')
    const own = await client.listOwn(bearer)
    expect(own).toMatchObject({
      ok: true,
      value: [{ uuid: 'a', expirationDate: null, lastUsed: null, scopes: [] }],
    })
    expect(asked).toHaveLength(3)
  })

  it('gives up after a minute', async () => {
    const { client, asked } = clientOf(() => 'down')
    expect(await client.listOwn(bearer)).toMatchObject({ ok: false, error: { code: 'registry-unreachable' } })
    expect(asked.length).toBeGreaterThan(100)
  })

  it('makes no key twice when the connection broke', async () => {
    const { client, asked } = clientOf(() => 'down')
    const made = await client.create(bearer, { user: 'zot-ci', label: 'l', expirationDate: '', scopes: [] })
    expect(made).toMatchObject({ ok: false, error: { code: 'registry-unreachable' } })
    expect(asked).toHaveLength(1)
  })

  it('tells a refused key from one that is asked to wait', async () => {
    const replies: Reply[] = [{ status: 429 }, { status: 401 }]
    const { client, asked } = clientOf(() => replies.shift() ?? 'down')
    expect(await client.listOwn(bearer)).toEqual({ ok: true, value: 'refused' })
    expect(asked).toHaveLength(2)
  })

  it('quotes why a registry makes no such key', async () => {
    const body = { errors: [{ detail: { reason: 'a key lives 30 days at most' } }] }
    const { client } = clientOf(() => ({ status: 400, body }))
    const made = await client.create(bearer, { user: 'zot-ci', label: 'l', expirationDate: '', scopes: [] })
    expect(made).toEqual({ ok: false, error: { code: 'key-refused', reason: 'a key lives 30 days at most' } })
  })

  it('takes the first key that is let in, and none when none is', async () => {
    const { client } = clientOf(({ key }) => (key === 'good' ? listed({ a: '' }) : { status: 401 }))
    const stored = (key?: string) => async () => ok(key)
    const access = await openKeyAccess(client, 'zot-ci', [stored(), stored('bad'), stored('good')])
    expect(access.ok && access.value?.by).toBe('key')
    expect(await openKeyAccess(client, 'zot-ci', [stored('bad')])).toEqual({ ok: true, value: undefined })
    // One that cannot be read might be let in.
    const locked = async () => fail({ code: 'keychain-locked', reason: 'It is locked' })
    expect((await openKeyAccess(client, 'zot-ci', [locked, stored('good')])).ok).toBe(true)
    expect(await openKeyAccess(client, 'zot-ci', [locked, stored('bad')])).toMatchObject({
      error: { code: 'keychain-locked' },
    })
  })

  it('takes an administration that says nothing for no engine without one', async () => {
    const { client } = clientOf(() => listed({ a: '' }), {
      kind: 'failed',
      reason: 'It said nothing for 10 s',
    })
    const stored = async () => ok('good')
    const silent = { error: { code: 'registry-unreachable', reason: 'It said nothing for 10 s' } }
    expect(await openKeyAccess(client, 'zot-ci', [stored])).toMatchObject(silent)
    expect(await client.listAll()).toMatchObject(silent)
    expect(await client.revokeAny('a')).toMatchObject(silent)
  })

  it('says whose key it is, where one of the known users has it', async () => {
    const { client } = clientOf(({ user }) => (user === 'bob' ? listed({ a: '' }) : { status: 401 }))
    expect(await checkKey(client, bearer, ['alice', 'bob'])).toEqual({
      ok: false,
      error: { code: 'key-not-accepted', user: 'zot-ci', owner: 'bob' },
    })
  })
})

describe('which key it is', () => {
  it('is the one whose last use moves with every question', async () => {
    let turn = 0
    const { client, time } = clientOf(() => {
      turn += 1
      // Another one is used at the same time, but not each time.
      return listed({ still: 't0', other: `t${Math.floor(turn / 2)}`, mine: `t${turn}` })
    })
    expect(await identifyKey(client, bearer, time)).toMatchObject({ ok: true, value: { uuid: 'mine' } })
  })
  it('is the only one', async () => {
    const { client, time } = clientOf(() => listed({ mine: 't' }))
    expect(await identifyKey(client, bearer, time)).toMatchObject({ ok: true, value: { uuid: 'mine' } })
  })
  it('cannot be told where none moves', async () => {
    const { client, time } = clientOf(() => listed({ one: 't', two: 't' }))
    expect(await identifyKey(client, bearer, time)).toMatchObject({
      ok: false,
      error: { code: 'key-unidentified' },
    })
  })
})

describe('the proof', () => {
  const onPart = () => {}
  const registry =
    (over: (asked: Asked) => Reply | undefined) =>
    (asked: Asked): Reply => {
      const own = over(asked)
      if (own !== undefined) return own
      const { path, method } = asked
      if (path === '/zot/auth/apikey') return listed({ a: '' })
      if (path.startsWith('/v2/_catalog')) return { status: 200, body: { repositories: ['team/app'] } }
      if (path.endsWith('/tags/list')) return { status: 200, body: { tags: ['1', '2'] } }
      if (method === 'PUT') return { status: 403 }
      if (method === 'POST')
        return { status: 202, headers: { location: 'http://elsewhere:1/v2/team/app/blobs/uploads/u?x=1' } }
      return { status: method === 'DELETE' ? 403 : 200 }
    }
  const prove = (over: (asked: Asked) => Reply | undefined, more: object = {}) => {
    const { client, asked } = clientOf(registry(over))
    return proveKey({ client, bearer, onPart, ...more }).then(checks => ({
      asked,
      states: Object.fromEntries(checks.map(({ id, state }) => [id, state])),
      words: checks.map(({ words }) => words).join('\n'),
      works: isWorking(checks),
    }))
  }

  it('tries all of it, writes nothing, and cancels what it began at the same registry', async () => {
    const { states, asked } = await prove(() => undefined)
    expect(states).toEqual({ authenticates: 'passed', pull: 'passed', upload: 'passed', overwrite: 'passed' })
    expect(
      asked.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`),
    ).toEqual([
      'POST /v2/team/app/blobs/uploads/',
      'DELETE /v2/team/app/blobs/uploads/u?x=1',
      'PUT /v2/team/app/manifests/1',
    ])
    expect(() => JSON.parse(asked.find(({ method }) => method === 'PUT')?.text ?? '{}')).toThrow()
  })

  it('tells that overwriting is allowed, and fails when the key before may not', async () => {
    const allowed = ({ method }: Asked) => (method === 'PUT' ? { status: 400 } : undefined)
    expect(await prove(allowed)).toMatchObject({ works: true, states: { overwrite: 'unproven' } })
    const onlyNew = ({ method, key }: Asked) =>
      method === 'PUT' ? { status: key === 'zak_x' ? 400 : 403 } : undefined
    const before = { user: 'zot-ci', key: 'zak_before' }
    expect(await prove(onlyNew, { before })).toMatchObject({ works: false, states: { overwrite: 'failed' } })
  })

  it('says what could not be tried', async () => {
    const missing = ({ path }: Asked) => (path.startsWith('/v2/') ? { status: 404 } : undefined)
    const { states, works: fine } = await prove(missing, { repository: 'team/none' })
    expect(fine).toBe(true)
    expect(states).toEqual({
      authenticates: 'passed',
      pull: 'skipped',
      upload: 'skipped',
      overwrite: 'skipped',
    })
    const empty = ({ path }: Asked) =>
      path.endsWith('/tags/list') ? { status: 200, body: { tags: null } } : undefined
    expect((await prove(empty, { repository: 'team/app' })).states).toEqual({
      authenticates: 'passed',
      pull: 'skipped',
      upload: 'passed',
      overwrite: 'skipped',
    })
  })

  it('has not proved itself where neither a pull nor a push could be tried', () => {
    const part = (id: string, state: 'passed' | 'skipped', words = 'Not tried: no tag') => ({
      id,
      title: id,
      state,
      words,
    })
    const none = [part('authenticates', 'passed'), part('pull', 'skipped'), part('upload', 'skipped')]
    expect(unprovenUses(none)).toEqual(['pull: Not tried: no tag', 'upload: Not tried: no tag'])
    // A key that may only pull.
    expect(unprovenUses([part('pull', 'passed'), part('upload', 'skipped')])).toEqual([])
  })

  it('holds a repository that was named to its word, and others not', async () => {
    const denied = ({ method }: Asked) => (method === 'POST' ? { status: 403 } : undefined)
    expect(await prove(denied, { repository: 'team/app' })).toMatchObject({ works: false })
    expect(await prove(denied)).toMatchObject({ works: true, states: { upload: 'skipped' } })
  })

  it('ends with a key that is refused', async () => {
    const { states, asked } = await prove(() => ({ status: 401 }))
    expect(states).toEqual({
      authenticates: 'failed',
      pull: 'skipped',
      upload: 'skipped',
      overwrite: 'skipped',
    })
    expect(asked).toHaveLength(1)
  })
})
