import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { digestText, imageOf } from '../../suites/image.ts'
import { pushBlob, pushImage, putManifest } from './client.ts'
import { as, basic, passwordOf, threeTiers, writeHtpasswd } from './people.ts'
import {
  type Answer,
  type Registry,
  startRegistry,
  temporaryFolder,
  writeConfig,
} from './registry-process.ts'

const folder = temporaryFolder()
afterAll(() => folder.dispose())

const docker = { 'User-Agent': 'docker/28.0.1 go/go1.23' }
const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
const tokenPath = '/zot/auth/token'
const challengeOf = (answer: Answer): string | undefined => answer.headers['www-authenticate']

describe('anonymous and signed-in access side by side', () => {
  const root = join(folder.path, 'tiers')
  let registry: Registry
  let htpasswd: string
  let realm: string
  const give = (query: string, authorization?: string): Promise<Answer> =>
    registry.ask(`${tokenPath}?${query}`, {
      headers: { ...docker, ...(authorization === undefined ? {} : { Authorization: authorization }) },
    })
  const tokenOf = async (authorization: string | undefined, ...scopes: string[]): Promise<string> => {
    const query = new URLSearchParams([['service', 'x'], ...scopes.map(scope => ['scope', scope])])
    const answer = await give(String(query), authorization)
    expect(answer.status).toBe(200)
    return JSON.parse(answer.body.toString()).token
  }
  /** With a token, as Docker. */
  const by = (token: string) => ({
    ask: (path: string, options: Parameters<Registry['ask']>[1] = {}): Promise<Answer> =>
      registry.ask(path, {
        ...options,
        headers: { ...docker, Authorization: `Bearer ${token}`, ...options.headers },
      }),
  })
  const createKey = async (user: string, body: object): Promise<{ uuid: string; apiKey: string }> =>
    JSON.parse(
      (
        await as(registry, basic(user)).ask('/zot/auth/apikey', {
          method: 'POST',
          body: JSON.stringify(body),
        })
      ).body.toString(),
    )

  beforeAll(async () => {
    htpasswd = writeHtpasswd(root, 'robot', 'root', 'alice', 'stranger')
    registry = await startRegistry(root, threeTiers(htpasswd))
    realm = `Bearer realm="${registry.url}${tokenPath}",service="127.0.0.1:${registry.port}"`
    const admin = as(registry, basic('root'))
    await pushImage(admin, 'app', 'v1', 'one')
    await pushImage(admin, 'private/app', 'v1', 'secret')
  })
  afterAll(() => registry.stop())

  it('sends Docker for a token, and everybody else for Basic', async () => {
    const paths: [method: string, path: string, scope: string][] = [
      ['GET', '/v2/', ''],
      ['GET', '/v2/private/app/manifests/v1', ',scope="repository:private/app:pull"'],
      ['HEAD', `/v2/private/app/blobs/${digestText('secret')}`, ',scope="repository:private/app:pull"'],
      ['GET', '/v2/private/app/tags/list', ',scope="repository:private/app:pull"'],
      ['POST', '/v2/app/blobs/uploads/', ',scope="repository:app:pull,push"'],
      ['PUT', '/v2/app/manifests/v1', ',scope="repository:app:pull,push"'],
      ['DELETE', '/v2/app/manifests/v1', ',scope="repository:app:delete"'],
    ]
    for (const [method, path, scope] of paths) {
      const asked = await registry.ask(path, { method, headers: docker })
      expect([path, asked.status, challengeOf(asked)]).toEqual([path, 401, `${realm}${scope}`])
      const other = await registry.ask(path, { method, headers: { 'User-Agent': 'containers/5.22' } })
      expect(challengeOf(other)).toMatch(/^basic /i)
    }
    const wrong = await registry.ask('/v2/', { headers: { ...docker, Authorization: basic('root', 'no') } })
    expect([wrong.status, challengeOf(wrong)]).toEqual([401, realm])
    for (const path of ['/zot/auth/apikey', '/metrics']) {
      expect(challengeOf(await registry.ask(path, { headers: docker })) ?? 'Basic').toMatch(/^Basic/)
    }
    const page = { ...docker, 'X-ZOT-API-CLIENT': 'zot-ui' }
    expect(challengeOf(await registry.ask('/v2/', { headers: page }))).toBeUndefined()
  })

  it('names itself as whoever asks reached it, and never by a name that is not its own', async () => {
    const named = (host: string) => registry.ask('/v2/', { headers: { ...docker, Host: host } })
    const local = `localhost:${registry.port}`
    expect(challengeOf(await named(local))).toBe(
      `Bearer realm="http://${local}${tokenPath}",service="${local}"`,
    )
    for (const host of ['evil.example', 'evil.example:5000', '127.0.0.1.evil.example']) {
      const answer = await named(host)
      expect([host, answer.status]).toEqual([host, 401])
      expect(challengeOf(answer)).not.toContain('evil')
      expect(challengeOf(answer)).toBe('Basic realm="the registry"')
    }
  })

  it('lets nobody pull with a token for nobody, and no more', async () => {
    const answer = await give('service=x&scope=repository:app:pull,push&scope=repository:private/app:pull')
    const body = JSON.parse(answer.body.toString())
    expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
    expect(body).toEqual({
      token: expect.stringMatching(/^[\w-]{40,}$/),
      access_token: body.token,
      expires_in: 300,
      issued_at: expect.any(String),
      scope: 'repository:app:pull',
    })
    expect(Math.abs(Date.parse(body.issued_at) - Date.now())).toBeLessThan(60_000)
    const nobody = by(body.token)
    expect((await nobody.ask('/v2/')).status).toBe(200)
    // Used twice.
    for (const _time of [1, 2]) expect((await nobody.ask('/v2/app/manifests/v1')).status).toBe(200)
    const short = await nobody.ask('/v2/private/app/manifests/v1')
    expect([short.status, challengeOf(short)]).toEqual([
      401,
      `${realm},scope="repository:private/app:pull",error="insufficient_scope"`,
    ])
    expect(await pushBlob(nobody, 'app', 'x')).toBe(401)
  })

  it('lets a user and a key do what their token holds, cut to what they may', async () => {
    const cut = await give('scope=repository:robot/app:pull,push,delete%20registry:catalog:*', basic('robot'))
    expect(JSON.parse(cut.body.toString()).scope).toBe('repository:robot/app:pull,push registry:catalog:*')
    const robot = by(JSON.parse(cut.body.toString()).access_token)
    const image = await pushImage(robot, 'robot/app', 'v1', 'of a robot')
    expect((await robot.ask('/v2/robot/app/manifests/v1')).status).toBe(200)
    const other = await putManifest(robot, 'elsewhere', 'v1', image)
    expect([other.status, challengeOf(other)]).toEqual([
      401,
      `${realm},scope="repository:elsewhere:pull,push",error="insufficient_scope"`,
    ])
    // No token would do.
    const denied = await robot.ask('/v2/robot/app/manifests/v1', { method: 'DELETE' })
    expect([denied.status, challengeOf(denied)]).toEqual([403, 'Basic realm="the registry"'])
    const { apiKey } = await createKey('alice', { scopes: ['repository:private/**:pull'] })
    const token = await tokenOf(basic('alice', apiKey), 'repository:private/app:pull,push')
    const alice = by(token)
    expect((await alice.ask('/v2/private/app/manifests/v1')).status).toBe(200)
    expect(await pushBlob(alice, 'private/app', 'x')).toBe(403)
    const isHers = (line: Record<string, unknown>): boolean =>
      line['path'] === '/v2/private/app/manifests/v1' && line['username'] === 'alice'
    await eventually(() => registry.log().some(isHers))
    expect(registry.log().find(isHers)).toMatchObject({ keyId: expect.any(String), statusCode: 200 })
  })

  it('holds what the config says at each use, and never more than it was given', async () => {
    const robot = by(await tokenOf(basic('robot'), 'repository:robot/app:pull,push'))
    const begin = () => robot.ask('/v2/robot/app/blobs/uploads/', { method: 'POST' })
    const changed = imageOf(['of a robot'], { annotations: { changed: 'yes' } })
    const replace = () => putManifest(robot, 'robot/app', 'v1', changed)
    expect((await begin()).status).toBe(202)
    writeConfig(root, threeTiers(htpasswd, { groups: { admins: { users: ['root'] } } }))
    await eventually(async () => (await begin()).status === 403)
    writeConfig(root, threeTiers(htpasswd, { groups: { admins: { users: ['root', 'robot'] } } }))
    await eventually(async () => (await begin()).status === 202)
    // It was given `create` alone, as there was no right to replace.
    const short = await replace()
    expect([short.status, challengeOf(short)]).toEqual([
      401,
      `${realm},scope="repository:robot/app:pull,push",error="insufficient_scope"`,
    ])
    writeConfig(root, threeTiers(htpasswd))
    await eventually(async () => (await replace()).status === 403)
  })

  it('lists what the scope opens', async () => {
    const names = async (token: string): Promise<unknown> =>
      JSON.parse((await by(token).ask('/v2/_catalog')).body.toString()).repositories
    expect(await names(await tokenOf(basic('alice'), 'registry:catalog:*'))).toContain('private/app')
    expect(await names(await tokenOf(basic('alice')))).toEqual(['app', 'robot/app'])
    const some = await tokenOf(
      basic('alice'),
      'repository:private/app:pull',
      'repository:private/none:pull',
      'repository:app:pull',
    )
    expect(await names(some)).toEqual(['app', 'private/app', 'robot/app'])
    expect(await names(await tokenOf(undefined, 'registry:catalog:*'))).not.toContain('private/app')
  })

  it('ends a token with its key, and with the password of its user', async () => {
    const { uuid, apiKey } = await createKey('alice', {})
    const alice = by(await tokenOf(basic('alice', apiKey), 'repository:private/app:pull'))
    const path = '/v2/private/app/manifests/v1'
    expect((await alice.ask(path)).status).toBe(200)
    await as(registry, basic('alice')).ask(`/zot/auth/apikey?id=${uuid}`, { method: 'DELETE' })
    const gone = await alice.ask(path)
    expect([gone.status, challengeOf(gone)]).toEqual([
      401,
      `${realm},scope="repository:private/app:pull",error="invalid_token"`,
    ])
    // A dead token is nobody's, not even where nobody may.
    expect((await alice.ask('/v2/app/manifests/v1')).status).toBe(401)
    const stranger = by(await tokenOf(basic('stranger')))
    expect((await stranger.ask('/v2/')).status).toBe(200)
    const users = ['robot', 'root', 'alice'].map(user => `${user}:${hashSync(passwordOf(user), 4)}\n`)
    writeFileSync(htpasswd, [...users, `stranger:${hashSync('another', 4)}\n`].join(''))
    await eventually(async () => (await stranger.ask('/v2/')).status === 401)
    const again = by(await tokenOf(basic('stranger', 'another')))
    expect((await again.ask('/v2/')).status).toBe(200)
  })

  it('opens neither keys, sessions, metrics nor further tokens', async () => {
    const { apiKey } = await createKey('root', {})
    const root = by(await tokenOf(basic('root', apiKey), 'repository:app:*', 'registry:catalog:*'))
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await root.ask('/zot/auth/apikey?id=x', { method, headers: {} })
      expect([method, answer.status, challengeOf(answer)]).toEqual([
        method,
        401,
        'Basic realm="the registry"',
      ])
    }
    const further = await root.ask(`${tokenPath}?scope=repository:app:pull`)
    expect([further.status, challengeOf(further)]).toEqual([401, 'Basic realm="the registry"'])
    const ours = { 'X-ZOT-API-CLIENT': 'zot-ui' }
    expect(await root.ask('/zot/auth/login', { method: 'POST', headers: ours })).toMatchObject({
      status: 401,
    })
    expect((await root.ask('/metrics')).status).not.toBe(200)
  })

  it('takes user and password as a form, and nothing else in it', async () => {
    const post = (body: string, headers = {}) =>
      registry.ask(tokenPath, { method: 'POST', body, headers: { ...docker, ...form, ...headers } })
    const whole = `grant_type=password&username=robot&password=${passwordOf('robot')}&service=x&client_id=c&access_type=offline`
    const given = await post(`${whole}&scope=repository:robot/b:pull,push%20repository:app:pull`)
    const body = JSON.parse(given.body.toString())
    expect(body).toMatchObject({ scope: 'repository:robot/b:pull,push repository:app:pull', expires_in: 300 })
    expect(body).not.toHaveProperty('refresh_token')
    expect(await pushBlob(by(body.access_token), 'robot/b', 'x')).toBe(201)
    expect((await post(whole.replace('robot-password', 'no'))).status).toBe(401)
    expect((await post('grant_type=refresh_token&refresh_token=x')).status).toBe(400)
    expect((await post(whole, { Authorization: basic('robot') })).status).toBe(400)
    expect((await post(`scope=${'x'.repeat(40_000)}`)).status).toBe(413)
    expect((await post(`${whole}&scope=${'repository:a:pull%20'.repeat(1500)}`)).status).toBe(400)
    expect((await post(whole, { Origin: 'http://elsewhere.example' })).status).toBe(403)
    expect((await registry.ask(tokenPath, { method: 'PUT' })).status).toBe(405)
  })

  it('is not confused by what is no token, and logs none', async () => {
    const token = await tokenOf(basic('alice'), 'repository:private/app:pull')
    for (const wrong of [
      'x',
      token.slice(1),
      `${token}x`,
      `${token}=`,
      'zak_00112233445566778899aabbccddeeff',
      '',
    ]) {
      const answer = await by(wrong).ask('/v2/app/manifests/v1')
      expect([wrong, answer.status, challengeOf(answer)]).toEqual([
        wrong,
        401,
        `${realm},scope="repository:app:pull",error="invalid_token"`,
      ])
    }
    for (const name of ['access_token', 'token', 'Authorization']) {
      const path = `/v2/private/app/manifests/v1?${name}=${token}`
      expect((await registry.ask(path, { headers: docker })).status).toBe(401)
    }
    expect((await give(`scope=${'repository:a:pull%20'.repeat(1000)}`)).status).toBe(400)
    expect((await give('scope=repository:UP:pull')).code).toBe('UNSUPPORTED')
    await give(`account=alice&password=${passwordOf('alice')}&refresh_token=${token}`)
    await eventually(() => registry.log().some(line => String(line['path']).includes('refresh_token')))
    const log = JSON.stringify(registry.log())
    expect(log).not.toContain(token)
    expect(log).not.toContain(passwordOf('alice'))
  })

  it('counts wrong passwords here as everywhere', async () => {
    const guess = () => give('service=x', basic('root', 'guess'))
    const seen = new Set<number>()
    for (let at = 0; at < 25; at++) seen.add((await guess()).status)
    expect([...seen]).toEqual([401, 429])
    // The right one is known already.
    expect((await give('service=x', basic('root'))).status).toBe(200)
  })
})

it('a token is void after a restart, and is asked for at externalUrl', async () => {
  const root = join(folder.path, 'again')
  const tiers = threeTiers(writeHtpasswd(root, 'alice'))
  const { http } = tiers as { http: object }
  const config = { ...tiers, http: { ...http, externalUrl: 'https://reg.example.org' } }
  const before = await startRegistry(root, config)
  const given = await before.ask(tokenPath, { headers: { Authorization: basic('alice') } })
  const { token } = JSON.parse(given.body.toString())
  const shown = { ...docker, Authorization: `Bearer ${token}` }
  expect((await before.ask('/v2/', { headers: shown })).status).toBe(200)
  expect(challengeOf(await before.ask('/v2/', { headers: { ...docker, Host: 'evil.example' } }))).toBe(
    'Bearer realm="https://reg.example.org/zot/auth/token",service="reg.example.org"',
  )
  await before.stop()
  const after = await startRegistry(root, config)
  const refused = await after.ask('/v2/', { headers: shown })
  expect([refused.status, challengeOf(refused)]).toEqual([
    401,
    'Bearer realm="https://reg.example.org/zot/auth/token",service="reg.example.org",error="invalid_token"',
  ])
  await after.stop()
})

it('where all have to sign in, Docker is asked for Basic, and nobody gets a token', async () => {
  const root = join(folder.path, 'closed')
  const auth = { htpasswd: { path: writeHtpasswd(root, 'alice') } }
  const registry = await startRegistry(root, { http: { address: '127.0.0.1', port: '0', auth } })
  const asked = await registry.ask('/v2/', { headers: docker })
  expect([asked.status, challengeOf(asked)]).toEqual([401, 'Basic realm="Authorization Required"'])
  expect((await registry.ask(tokenPath, { headers: docker })).status).toBe(401)
  await registry.stop()
})
