import { rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { client } from '../../fakes/identity-provider.ts'
import { LyingProvider } from '../../fakes/lying-provider.ts'
import { basic, passwordOf, writeHtpasswd } from './people.ts'
import { type Answer, type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

const ui = { 'X-ZOT-API-CLIENT': 'zot-ui' }
const folder = temporaryFolder()
const root = `${folder.path}/data`
let idp: LyingProvider
let registry: Registry

const config = (issuer: string): object => {
  const oidc = { issuer, clientid: client.id, clientsecret: client.secret, scopes: ['openid', 'email'] }
  const openid = { providers: { oidc }, callbackAllowOrigins: ['https://ui.example'] }
  const repositories = { '**': { policies: [{ groups: ['ops'], actions: ['read', 'create'] }] } }
  const auth = { htpasswd: { path: writeHtpasswd(root, 'local') }, openid }
  return { http: { address: '127.0.0.1', port: '0', auth, accessControl: { repositories } } }
}

/** As it stands in the file. */
const configText = (issuer: string): object => ({
  storage: { rootDirectory: root },
  log: { level: 'info' },
  ...config(issuer),
})

beforeAll(async () => {
  idp = await LyingProvider.start()
  registry = await startRegistry(root, config(idp.issuer))
})
afterEach(() => {
  idp.lies = {}
})
afterAll(async () => {
  await registry?.stop()
  await idp?.stop()
  folder.dispose()
  rmSync(`${root}.htpasswd`, { force: true })
})

/** The cookies an answer sets, by name; empty ones are taken away. */
const cookiesOf = ({ headers }: Answer): Record<string, string> =>
  Object.fromEntries((headers['set-cookie'] ?? []).map(line => (line.split(';')[0] ?? '').split('=', 2)))
const cookieHeader = (cookies: Record<string, string>): { Cookie: string } => ({
  Cookie: Object.entries(cookies)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${value}`)
    .join('; '),
})

const begin = (target?: string): Promise<Answer> => {
  const query = new URLSearchParams({
    provider: 'oidc',
    ...(target === undefined ? {} : { callback_ui: target }),
  })
  return registry.ask(`/zot/auth/login?${query}`)
}

async function signIn(target?: string, carried: Record<string, string> = {}): Promise<Answer> {
  const begun = await begin(target)
  const back = idp.approve(begun.headers.location ?? '')
  return await registry.ask(back, { headers: cookieHeader({ ...carried, ...cookiesOf(begun) }) })
}
const whoami = (cookies: Record<string, string>, headers: Record<string, string> = ui): Promise<Answer> =>
  registry.ask('/zot/auth/apikey', { headers: { ...headers, ...cookieHeader(cookies) } })

describe('signing in with a provider', () => {
  it('ends with a session in cookies as zot has them, which makes keys with the groups of the provider', async () => {
    const done = await signIn('/user/apikey')
    expect(done).toMatchObject({ status: 302, headers: { location: '/user/apikey' } })
    expect(done.headers['set-cookie']).toEqual([
      expect.stringMatching(/^statecookie-[\w-]{16}=; Path=\/zot\/auth; Max-Age=0; HttpOnly; SameSite=Lax$/),
      expect.stringMatching(/^session=[\w-]{43}; Path=\/; Max-Age=7200; HttpOnly; SameSite=Lax$/),
      'user=alice@example.com; Path=/; Max-Age=7200; SameSite=Lax',
    ])
    const cookies = cookiesOf(done)
    const made = await registry.ask('/zot/auth/apikey', {
      method: 'POST',
      body: '{"label":"ci"}',
      headers: { ...ui, Origin: registry.url, ...cookieHeader(cookies) },
    })
    expect(made.status).toBe(201)
    const { apiKey } = JSON.parse(made.body.toString())
    const headers = { Authorization: basic('alice@example.com', apiKey) }
    expect((await registry.ask('/v2/lib/a/blobs/uploads/', { method: 'POST', headers })).status).toBe(202)
    // Out of the group at the provider: at the next sign-in the old key loses it, too.
    idp.lies = { idToken: { groups: [] } }
    await signIn()
    expect((await registry.ask('/v2/lib/a/blobs/uploads/', { method: 'POST', headers })).status).toBe(403)
  })

  it('answers 201 without callback_ui, and ignores the cookie without the header', async () => {
    const done = await signIn()
    expect(done).toMatchObject({ status: 201, body: Buffer.alloc(0) })
    expect((await whoami(cookiesOf(done))).status).toBe(200)
    expect((await whoami(cookiesOf(done), {})).status).toBe(401)
  })

  it('survives a restart', async () => {
    const cookies = cookiesOf(await signIn())
    await registry.stop()
    registry = await startRegistry(root, config(idp.issuer))
    expect((await whoami(cookies)).status).toBe(200)
  })

  it.each(['//evil', '/\\evil', 'https:evil', '/\t/evil', '/%2f/evil', 'https://ui.example.evil/'])(
    'does not lead to %j',
    async target => {
      expect((await signIn(target)).headers.location).toBe('/')
    },
  )

  it('leads to an origin that the config names', async () => {
    expect((await signIn('https://ui.example/home')).headers.location).toBe('https://ui.example/home')
  })

  it('works in several tabs at a time, in any order, although one of them is refused', async () => {
    const tabs = [await begin('/a'), await begin('/b'), await begin('/c')]
    const jar = Object.assign({}, ...tabs.map(cookiesOf)) as Record<string, string>
    const backs = tabs.map(({ headers }) => idp.approve(headers.location ?? ''))
    const comeBack = async (path = ''): Promise<Answer> => {
      const answer = await registry.ask(path, { headers: cookieHeader(jar) })
      Object.assign(jar, cookiesOf(answer))
      return answer
    }
    const cancelled = backs[1]?.replace(/code=\w+/, 'error=access_denied')
    expect(await comeBack(cancelled)).toMatchObject({ status: 401 })
    expect(await comeBack(backs[2])).toMatchObject({ status: 302, headers: { location: '/c' } })
    expect(await comeBack(backs[0])).toMatchObject({ status: 302, headers: { location: '/a' } })
    expect((await whoami(jar)).status).toBe(200)
    // Each is over: none of them begins again by going back in the browser.
    for (const back of backs) expect(await comeBack(back)).toMatchObject({ status: 401 })
  })

  it('forgets the oldest of many that one browser began', async () => {
    const jar: Record<string, string> = {}
    const backs: string[] = []
    for (let tab = 0; tab < 10; tab++) {
      const begun = await registry.ask('/zot/auth/login?provider=oidc', { headers: cookieHeader(jar) })
      Object.assign(jar, cookiesOf(begun))
      backs.push(idp.approve(begun.headers.location ?? ''))
    }
    expect(Object.values(jar).filter(value => value !== '')).toHaveLength(8)
    const last = await registry.ask(backs[9] ?? '', { headers: cookieHeader(jar) })
    const first = await registry.ask(backs[0] ?? '', { headers: cookieHeader(jar) })
    expect([last.status, first.status]).toEqual([201, 401])
  })

  it('knows only its own providers', async () => {
    expect((await registry.ask('/zot/auth/login?provider=github')).status).toBe(400)
    expect((await registry.ask('/zot/auth/login')).status).toBe(400)
    expect((await registry.ask('/zot/auth/callback/google?code=a&state=b')).status).toBe(400)
  })
})

describe('attacks on a sign-in', () => {
  it.each([
    [{ idToken: { nonce: 'x' } }],
    [{ idToken: { aud: 'x' } }],
    [{ idToken: { iss: 'https://evil.example' } }],
    [{ idToken: { exp: 1 } }],
    [{ forgedSignature: true }],
    [{ userInfo: { sub: '1' } }],
  ])('%j: 401, no session', async lies => {
    idp.lies = lies
    const done = await signIn('/')
    expect(done.status).toBe(401)
    expect(Object.entries(cookiesOf(done))).toEqual([[expect.stringMatching(/^statecookie-/), '']])
  })

  it('a wrong, foreign, forged or missing state is 401', async () => {
    const begun = await begin()
    const victim = await begin()
    const back = idp.approve(begun.headers.location ?? '')
    const own = cookiesOf(begun)
    const forged = Object.fromEntries(
      Object.entries(own).map(([name, value]) => [name, `${value.slice(0, -4)}AAAA`]),
    )
    const wrong = back.replace(/state=./, 'state=~')
    const ask = (path: string, cookies: Record<string, string>) =>
      registry.ask(path, { headers: cookieHeader(cookies) })
    expect((await ask(wrong, own)).status).toBe(401)
    expect((await ask(back, cookiesOf(victim))).status).toBe(401)
    expect((await ask(back, forged)).status).toBe(401)
    expect((await ask(back, {})).status).toBe(401)
    // Nothing was used up by that: the code is good until the right browser shows it, and only once.
    expect((await ask(back, own)).status).toBe(201)
    expect((await ask(back, own)).status).toBe(401)
  })

  it('a planted session identifier is not taken over, and an old one ends', async () => {
    const planted = 'A'.repeat(43)
    const done = await signIn('/', { session: planted })
    expect(cookiesOf(done)['session']).not.toBe(planted)
    expect((await whoami({ session: planted })).status).toBe(401)
    const again = await signIn('/', cookiesOf(done))
    expect((await whoami(cookiesOf(done))).status).toBe(401)
    expect((await whoami(cookiesOf(again))).status).toBe(200)
  })

  it('a session is worth nothing after signing out', async () => {
    const cookies = cookiesOf(await signIn())
    const out = await registry.ask('/zot/auth/logout', {
      method: 'POST',
      headers: { ...ui, Origin: registry.url, ...cookieHeader(cookies) },
    })
    expect(out.status).toBe(200)
    expect(JSON.parse(out.body.toString())).toEqual({
      endSessionUrl: `${idp.issuer}/end?client_id=${client.id}`,
    })
    expect(cookiesOf(out)).toEqual({ session: '', user: '' })
    expect((await whoami(cookies)).status).toBe(401)
  })

  it('a forged cookie is nobody', async () => {
    const { session = '' } = cookiesOf(await signIn())
    for (const forged of [
      '',
      'x',
      session.slice(1),
      `${session}A`,
      session.toUpperCase(),
      `${session}; session=${session}`,
    ])
      expect((await whoami({ session: forged })).status).toBe(401)
  })

  it('another site can neither make keys nor sign anybody out', async () => {
    const cookies = cookiesOf(await signIn())
    const post = (path: string, headers: Record<string, string>) =>
      registry.ask(path, { method: 'POST', body: '{}', headers: { ...headers, ...cookieHeader(cookies) } })
    // What a form of another site sends; the header it cannot send.
    const form = { Origin: 'https://evil.example', 'Content-Type': 'text/plain' }
    expect((await post('/zot/auth/apikey', form)).status).toBe(403)
    expect((await post('/zot/auth/logout', form)).status).toBe(403)
    expect((await post('/zot/auth/apikey', { 'Content-Type': 'text/plain' })).status).toBe(401)
    expect((await post('/zot/auth/logout', {})).status).toBe(403)
    expect((await post('/zot/auth/apikey', { ...ui, Origin: 'https://evil.example' })).status).toBe(403)
    const preflight = await registry.ask('/zot/auth/logout', {
      method: 'OPTIONS',
      headers: { Origin: 'https://evil.example', 'Access-Control-Request-Headers': 'x-zot-api-client' },
    })
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined()
    expect((await whoami(cookies)).status).toBe(200)
  })
})

describe('signing in with a password', () => {
  const login = (headers: Record<string, string>): Promise<Answer> =>
    registry.ask('/zot/auth/login', { method: 'POST', headers: { ...ui, ...headers } })

  it('makes a session, and a key is no way to one', async () => {
    const done = await login({ Authorization: basic('local') })
    expect(done.status).toBe(200)
    const cookies = cookiesOf(done)
    const made = await registry.ask('/zot/auth/apikey', {
      method: 'POST',
      body: '{"scopes":["repository:a:read"]}',
      headers: { ...ui, ...cookieHeader(cookies) },
    })
    const { apiKey } = JSON.parse(made.body.toString())
    const byKey = await login({ Authorization: basic('local', apiKey) })
    expect(byKey.status).toBe(401)
    expect(cookiesOf(byKey)).toEqual({})
    expect((await login(cookieHeader(cookies))).status).toBe(401)
    expect((await login({})).status).toBe(401)
    expect((await login({ Authorization: basic('local'), 'X-ZOT-API-CLIENT': 'x' })).status).toBe(403)
  })

  it('tells nobody which users there are', async () => {
    const wrong = await login({ Authorization: basic('local', 'wrong') })
    const unknown = await login({ Authorization: basic('nobody', 'wrong') })
    expect(wrong.status).toBe(401)
    const { date: _, ...one } = wrong.headers
    const { date: __, ...two } = unknown.headers
    expect([unknown.status, unknown.body.toString(), two]).toEqual([wrong.status, wrong.body.toString(), one])
    // A challenge would make the browser ask in a window of its own.
    expect(wrong.headers['www-authenticate']).toBeUndefined()
  })
})

describe('the pages', () => {
  it('allow nothing that is not theirs', async () => {
    for (const path of ['/', '/login', '/login/page.js', '/zot/auth/login?provider=x']) {
      const { headers } = await registry.ask(path)
      expect(headers['content-security-policy']).toMatch(/^default-src 'none';.* frame-ancestors 'none'$/)
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers['x-content-type-options']).toBe('nosniff')
    }
  })

  it('ask for a sign-in, and come back after it', async () => {
    const asked = await registry.ask('/user/apikey')
    expect(asked).toMatchObject({ status: 302, headers: { location: '/login?callback_ui=%2Fuser%2Fapikey' } })
    expect((await registry.ask('/login/none.js')).status).toBe(404)
    const page = await registry.ask('/user/apikey', { headers: cookieHeader(cookiesOf(await signIn())) })
    expect(page.body.toString()).toContain('alice@example.com')
  })
})

it('keeps passwords, codes and cookies out of the log', async () => {
  const done = await signIn('/')
  await registry.stop()
  const log = JSON.stringify(registry.log())
  expect(log).toContain('alice@example.com')
  expect(log).not.toContain(cookiesOf(done)['session'])
  expect(log).not.toMatch(/code=(?!\*)/)
  expect(log).not.toContain(client.secret)
  expect(log).not.toContain(passwordOf('local'))
  registry = await startRegistry(root, config(idp.issuer))
})

it('follows a changed config, and keeps the old one when the new one is wrong', async () => {
  const cookies = cookiesOf(await signIn())
  const reloaded = (message: string) =>
    expect
      .poll(() => registry.log().some(line => line['message'] === message), { timeout: 10_000 })
      .toBe(true)
  const text = JSON.stringify(configText(idp.issuer))
  writeFileSync(`${root}.config.json`, text.replace('"scopes"', '"name":"Renamed","scopes"'))
  await reloaded('config reloaded')
  expect((await registry.ask('/login')).body.toString()).toContain('Sign in with Renamed')
  expect((await whoami(cookies)).status).toBe(200)
  writeFileSync(`${root}.config.json`, text.replace(idp.issuer, 'nowhere'))
  await reloaded('failed to reload config, the old one stays')
  expect((await registry.ask('/login')).body.toString()).toContain('Sign in with Renamed')
})

it('starts and serves while its provider is away, says so, and signs in when it is back', async () => {
  const { issuer } = idp
  await registry.stop()
  await idp.stop()
  registry = await startRegistry(root, config(issuer))
  expect((await registry.ask('/login')).body.toString()).toContain('does not answer')
  expect(await begin()).toMatchObject({ status: 503, headers: { 'retry-after': '30' } })
  expect((await registry.ask('/v2/', { headers: { Authorization: basic('local') } })).status).toBe(200)
  idp = await LyingProvider.start(Number(new URL(issuer).port))
  await expect.poll(async () => (await begin()).status, { timeout: 10_000 }).toBe(302)
  expect((await signIn('/')).status).toBe(302)
})
