import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pushBlob, pushImage } from './client.ts'
import { as, basic, threeTiers, writeHtpasswd } from './people.ts'
import { type Answer, type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

const path = '/zot/auth/apikey'
const folder = temporaryFolder()
const root = join(folder.path, 'store')
let registry: Registry
let config: object

beforeAll(async () => {
  config = threeTiers(writeHtpasswd(root, 'robot', 'root', 'alice'))
  registry = await startRegistry(root, config)
})
afterAll(async () => {
  await registry.stop()
  folder.dispose()
})

interface Made {
  uuid: string
  apiKey: string
  scopes: string[]
  expirationDate: string
  mintedBy?: string
}

const jsonOf = (answer: Answer) => JSON.parse(answer.body.toString())
const post = (authorization: string, body: unknown): Promise<Answer> =>
  as(registry, authorization).ask(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
async function mint(authorization: string, body: object = { label: 'x' }): Promise<Made> {
  const answer = await post(authorization, body)
  if (answer.status !== 201) throw new Error(`${answer.status} ${answer.body}`)
  return jsonOf(answer)
}
const listed = async (authorization: string): Promise<Made[]> =>
  jsonOf(await as(registry, authorization).ask(path)).apiKeys
const revoke = (authorization: string, query: string): Promise<Answer> =>
  as(registry, authorization).ask(`${path}?${query}`, { method: 'DELETE' })
const statusOf = async (authorization: string, what = '/v2/'): Promise<number> =>
  (await as(registry, authorization).ask(what)).status

/** A creation whose body is sent only when it is asked to finish. */
function slowBody(authorization: string, body: string) {
  const sent = request({
    ...{ host: '127.0.0.1', port: registry.port, path, method: 'POST' },
    headers: { Authorization: authorization, 'Content-Length': body.length, Expect: '100-continue' },
  })
  const answered = once(sent, 'response')
  // Asked for its body once it is known who asks.
  const begun = once(sent, 'continue')
  sent.flushHeaders()
  return {
    begun,
    async finish() {
      sent.end(body)
      const [answer] = (await answered) as [IncomingMessage]
      return { status: answer.statusCode, text: await text(answer) }
    },
  }
}

describe('API keys', () => {
  it('are made, used, listed and revoked as with zot', async () => {
    const made = await mint(basic('robot'), { label: 'laptop', scopes: null })
    expect(made).toMatchObject({
      label: 'laptop',
      scopes: [],
      isExpired: false,
      generatedBy: 'manual',
      lastUsed: '0001-01-01T00:00:00Z',
      apiKey: expect.stringMatching(/^zak_[0-9a-f]{32}$/),
    })
    const days = (Date.parse(made.expirationDate) - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(89.9)
    expect(days).toBeLessThan(90.1)
    const key = basic('robot', made.apiKey)
    expect(await pushBlob(as(registry, key), 'by-key', 'x')).toBe(201)
    const own = await listed(key)
    expect(own.map(one => one.uuid)).toContain(made.uuid)
    expect(JSON.stringify(own)).not.toContain(made.apiKey)
    expect((await revoke(basic('robot'), `id=${made.uuid}`)).status).toBe(200)
    expect(await statusOf(key)).toBe(401)
    expect((await revoke(basic('robot'), `id=${made.uuid}`)).status).toBe(200)
  })

  it("are nobody else's", async () => {
    const { apiKey, uuid } = await mint(basic('robot'))
    for (const name of ['root', 'alice', 'Robot', 'nobody'])
      expect(await statusOf(basic(name, apiKey))).toBe(401)
    expect((await revoke(basic('alice'), `id=${uuid}`)).status).toBe(200)
    expect((await listed(basic('alice'))).map(one => one.uuid)).not.toContain(uuid)
    expect(await statusOf(basic('robot', apiKey))).toBe(200)
    expect(await statusOf(basic('robot', `zak_${'0'.repeat(32)}`))).toBe(401)
  })

  it('want credentials', async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(await registry.ask(path, { method })).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
      expect(await as(registry, basic('robot', 'x')).ask(path, { method })).toMatchObject({ status: 401 })
    }
    const forged = { Cookie: 'session=forged', 'X-ZOT-API-CLIENT': 'zot-ui' }
    expect(await registry.ask(path, { headers: forged })).toMatchObject({ status: 401 })
  })

  it.each([
    ['no JSON', 'label=x', 400],
    ['no object', '[]', 400],
    ['a past date', { expirationDate: '2020-01-01T00:00:00Z' }, 400],
    ['no date', { expirationDate: 'soon' }, 400],
    ['a date beyond the policy', { expirationDate: '2999-01-01T00:00:00Z' }, 400],
    ['another form of scope', { scopes: ['everything'] }, 400],
    ['a long body', { label: 'x'.repeat(9000) }, 413],
  ])('refuse %s', async (_what, body, status) => {
    expect((await post(basic('robot'), body)).status).toBe(status)
  })

  it.each(['', 'id=', 'id=a&id=b'])('are not revoked by ?%s', async query => {
    expect((await revoke(basic('robot'), query)).status).toBe(400)
  })

  it('keep web pages of others out', async () => {
    const headers = { Origin: 'https://evil.example', 'Content-Type': 'text/plain' }
    const bad = await as(registry, basic('robot')).ask(path, { method: 'POST', body: '{}', headers })
    expect(bad.status).toBe(403)
    const own = { Origin: `http://127.0.0.1:${registry.port}`, Host: `127.0.0.1:${registry.port}` }
    expect(
      (await as(registry, basic('robot')).ask(path, { method: 'POST', body: '{}', headers: own })).status,
    ).toBe(201)
  })

  it('do no more than their scopes, and no less than nobody', async () => {
    await pushImage(as(registry, basic('root')), 'open', 'v1', 'one')
    const scopes = ['repository:team/**:pull,push']
    const narrow = basic('root', (await mint(basic('root'), { scopes })).apiKey)
    const by = as(registry, narrow)
    await pushImage(by, 'team/app', 'v1', 'mine')
    expect(await pushBlob(by, 'other', 'x')).toBe(403)
    expect((await by.ask('/v2/team/app/manifests/v1', { method: 'DELETE' })).status).toBe(403)
    expect(await statusOf(narrow, '/v2/open/manifests/v1')).toBe(200)
    expect(await statusOf(narrow, '/v2/private/x/tags/list')).toBe(403)
  })

  it('make successors that are never wider, and that a revoke offers', async () => {
    const first = await mint(basic('root'), { scopes: ['repository:team/**:read,create'] })
    const key = basic('root', first.apiKey)
    expect(await post(key, { scopes: ['repository:**:delete'] })).toMatchObject({ status: 403 })
    const second = await mint(key, { label: 'next' })
    expect(second).toMatchObject({ scopes: ['repository:team/**:read,create'], mintedBy: first.uuid })
    const third = await mint(basic('root', second.apiKey), { scopes: ['repository:team/app:pull'] })
    // A narrowed key sees and ends its own line only.
    const wide = await mint(basic('root'))
    expect((await listed(key)).map(one => one.uuid).sort()).toEqual(
      [first.uuid, second.uuid, third.uuid].sort(),
    )
    expect((await revoke(key, `id=${wide.uuid}`)).status).toBe(200)
    expect(await statusOf(basic('root', wide.apiKey))).toBe(200)
    const answer = await revoke(basic('root'), `id=${first.uuid}`)
    expect(jsonOf(answer).descendants.map((one: Made) => one.uuid)).toEqual([second.uuid, third.uuid])
    expect(await statusOf(basic('root', second.apiKey))).toBe(200)
    expect((await revoke(basic('root'), `id=${second.uuid}&descendants=true`)).status).toBe(200)
    for (const { apiKey } of [first, second, third]) expect(await statusOf(basic('root', apiKey))).toBe(401)
  })

  it('make successors that never outlive them, also when they ask late, and that leave with them', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString()
    const short = await mint(basic('robot'), { label: 'short', expirationDate: soon })
    const key = basic('robot', short.apiKey)
    const year = new Date(Date.now() + 365 * 86_400_000).toISOString()
    const long = await mint(key, { label: 'long', expirationDate: year })
    const usual = await mint(basic('robot', long.apiKey), { label: 'usual' })
    expect([long.expirationDate, usual.expirationDate]).toEqual([soon, soon])
    // It was let in, and its body comes when the key is gone, with all that came out of it.
    const late = slowBody(key, '{"label":"late"}')
    await late.begun
    expect((await revoke(basic('robot'), `id=${short.uuid}&descendants=true`)).status).toBe(200)
    expect(await late.finish()).toMatchObject({ status: 401, text: expect.stringContaining('was revoked') })
    for (const { apiKey } of [short, long, usual]) expect(await statusOf(basic('robot', apiKey))).toBe(401)
    expect((await listed(basic('robot'))).filter(({ mintedBy }) => mintedBy !== undefined)).toEqual([])
  })

  it('that came out of one that was revoked alone can be revoked by its uuid still', async () => {
    const first = await mint(basic('alice'))
    const second = await mint(basic('alice', first.apiKey))
    expect((await revoke(basic('alice'), `id=${first.uuid}`)).status).toBe(200)
    expect(await statusOf(basic('alice', second.apiKey))).toBe(200)
    // Nobody else ends them so.
    expect((await revoke(basic('robot'), `id=${first.uuid}&descendants=true`)).status).toBe(200)
    expect(await statusOf(basic('alice', second.apiKey))).toBe(200)
    expect((await revoke(basic('alice'), `id=${first.uuid}&descendants=true`)).status).toBe(200)
    expect(await statusOf(basic('alice', second.apiKey))).toBe(401)
  })

  it('survive kill -9 as soon as they are answered, and no secret is on disk', async () => {
    const { apiKey } = await mint(basic('robot'), { label: 'kept' })
    registry.signal('SIGKILL')
    await registry.ended
    registry = await startRegistry(root, config)
    expect(await statusOf(basic('robot', apiKey))).toBe(200)
    const files = readdirSync(join(root, '_zotbar')).filter(name => name.startsWith('access.db'))
    expect(files).toContain('access.db')
    for (const name of files)
      expect(readFileSync(join(root, '_zotbar', name), 'latin1')).not.toContain(apiKey.slice(4))
  })
})
