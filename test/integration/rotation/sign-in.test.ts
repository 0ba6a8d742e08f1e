import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fail, ok } from '../../../contract/result.ts'
import type { SignInCookie } from '../../../contract/sign-in.ts'
import { adminClient } from '../../../core/platform/admin-client.ts'
import { registryHttp } from '../../../core/platform/registry-http.ts'
import type { GivenKey } from '../../../core/rotation/deps.ts'
import { type CreateKeyRequest, createKeyClient } from '../../../core/rotation/key-client.ts'
import { createSignInKeys } from '../../../core/rotation/sign-in.ts'
import { createSignIn } from '../../../main/sign-in.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { fakeElectron } from '../../fakes/electron.ts'
import { eventually } from '../../fakes/eventually.ts'
import { client } from '../../fakes/identity-provider.ts'
import { LyingProvider } from '../../fakes/lying-provider.ts'
import { type Registry, startRegistry, temporaryFolder } from '../registry/registry-process.ts'

const folder = temporaryFolder()
const root = `${folder.path}/data`
let idp: LyingProvider
let registry: Registry
/** Where it is asked: undefined while it restarts. */
let url: string | undefined

const start = async (): Promise<void> => {
  const oidc = {
    issuer: idp.issuer,
    clientid: client.id,
    clientsecret: client.secret,
    scopes: ['openid', 'email'],
  }
  registry = await startRegistry(root, {
    http: { address: '127.0.0.1', port: '0', auth: { openid: { providers: { oidc } } } },
  })
  url = registry.url
}
beforeAll(async () => {
  idp = await LyingProvider.start()
  await start()
})
afterAll(async () => {
  http.close()
  await registry?.stop()
  await idp?.stop()
  folder.dispose()
})

const http = registryHttp({ url: () => url, credential: async () => undefined })
let whileAway = async (): Promise<void> => {}
const untilServing = async (): Promise<boolean> => {
  await whileAway()
  return url !== undefined
}
const deps = { registry: http, untilServing }
const keyClient = createKeyClient({
  ...deps,
  admin: adminClient(`${folder.path}/none.sock`),
  pause: ms => new Promise(done => setTimeout(done, ms)),
  now: Date.now,
})
const createBySignIn = createSignInKeys({ ...deps, client: keyClient })

/** Signs in by HTTP as a browser would; gives its cookies. */
async function signIn(email: string): Promise<SignInCookie[]> {
  idp.lies = { userInfo: { sub: '1', email } }
  const begun = await registry.ask('/zot/auth/login?provider=oidc&callback_ui=/user/apikey')
  const state = (begun.headers['set-cookie'] ?? []).map(line => line.split(';')[0]).join('; ')
  const back = idp.approve(begun.headers.location ?? '')
  const done = await registry.ask(back, { headers: { Cookie: state } })
  return (done.headers['set-cookie'] ?? []).map(line => {
    const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=', 2)
    return { name, value }
  })
}

const requestFor = (user: string): CreateKeyRequest => ({
  user,
  label: `zotbar/here/${randomBytes(3).toString('hex')}`,
  expirationDate: new Date(Date.now() + 90 * 86_400_000).toISOString(),
  scopes: [],
})

/** What a session sees of its keys; the status where it sees nothing. */
async function listed(cookies: SignInCookie[]): Promise<unknown> {
  const session = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  const list = await http.ask('/zot/auth/apikey', { session })
  if (!list.ok) throw new Error(list.error.code)
  return list.value.status === 200 ? JSON.parse(list.value.body.toString()) : list.value.status
}

/** Keys that were taken. */
const taken: GivenKey[] = []
const take = async (key: GivenKey) => {
  taken.push(key)
  return ok(null)
}
async function labels(user: string, key: string): Promise<string[]> {
  const own = await keyClient.listOwn({ user, key })
  return own.ok && own.value !== 'refused' ? own.value.map(({ label }) => label) : []
}

describe('the window for signing in, before the registry', () => {
  it('tells the wrong one, forgets them, and makes the key for the right one', async () => {
    const fake = fakeElectron()
    const told: string[] = []
    const window = createSignIn({
      electron: fake.electron,
      clock: fakeClock(),
      questions: { confirm: async () => false, show: async ({ title }) => void told.push(title) },
      log: () => {},
    })
    const wish = requestFor('robot@example.com')
    const login = `${registry.url}/zot/auth/login?provider=oidc&callback_ui=/user/apikey`
    const result = window.open({
      user: wish.user,
      url: login,
      origin: registry.url,
      issuers: [idp.issuer],
      checkArrival: cookies => createBySignIn(cookies, wish, take),
    })
    const page = (await eventually(() => fake.windows[0])).webContents
    const { set } = fake.sessions.get('zotbar-sign-in')!
    const arrive = async (email: string): Promise<void> => {
      set.cookies = await signIn(email)
      page.url = `${registry.url}/user/apikey`
      page.emit('did-navigate', {}, page.url)
    }
    await arrive('alice@example.com')
    await eventually(() => page.url === login)
    expect(told).toEqual(['That was alice@example.com, not robot@example.com'])
    expect(set.cookies).toEqual([])
    await arrive('robot@example.com')
    expect(await result).toEqual(ok(null))
    expect(await labels('robot@example.com', taken.pop()!.secret)).toEqual([wish.label])
    expect(fake.windows[0]?.destroyed).toBe(true)
    expect(set.cookies).toEqual([])
  })
})

describe('a key made in the session of somebody who signed in', () => {
  it('has the label and the end that were wanted, and lets in', async () => {
    const wish = requestFor('ci@example.com')
    const arrived = await createBySignIn(await signIn('ci@example.com'), wish, take)
    expect(arrived).toEqual({ kind: 'ended', result: ok(null) })
    const key = taken.pop()!
    expect(key).toMatchObject({ expirationDate: wish.expirationDate, how: 'by signing in as ci@example.com' })
    expect(await labels('ci@example.com', key.secret)).toEqual([wish.label])
  })

  it('takes the place of one with its label, whose secret was lost', async () => {
    const wish = requestFor('lost@example.com')
    await createBySignIn(await signIn('lost@example.com'), wish, take)
    const lost = taken.pop()!
    await createBySignIn(await signIn('lost@example.com'), wish, take)
    const key = taken.pop()!
    expect(await labels('lost@example.com', key.secret)).toEqual([wish.label])
    expect(await keyClient.listOwn({ user: 'lost@example.com', key: lost.secret })).toEqual(ok('refused'))
  })

  it('is not made for somebody else, who is told', async () => {
    const cookies = await signIn('alice@example.com')
    expect(await createBySignIn(cookies, requestFor('ci@example.com'), take)).toEqual({
      kind: 'wrong-user',
      user: 'alice@example.com',
    })
    expect(taken).toEqual([])
  })

  it('is taken back where the name in the cookie was not that of the session', async () => {
    const cookies = (await signIn('alice@example.com')).map(cookie =>
      cookie.name === 'user' ? { ...cookie, value: 'ci@example.com' } : cookie,
    )
    const arrived = await createBySignIn(cookies, requestFor('ci@example.com'), take)
    expect(arrived).toMatchObject({
      kind: 'ended',
      result: { error: { code: 'key-not-accepted', user: 'ci@example.com' } },
    })
    expect(taken).toEqual([])
    expect(await listed(await signIn('alice@example.com'))).toEqual({ apiKeys: [] })
  })

  it('is taken back where nobody wants it any more, and the session ends with it', async () => {
    const cookies = await signIn('late@example.com')
    const late = fail({ code: 'nothing-under-way' })
    expect(await createBySignIn(cookies, requestFor('late@example.com'), async () => late)).toEqual({
      kind: 'ended',
      result: late,
    })
    expect(await listed(cookies)).toBe(401)
    expect(await listed(await signIn('late@example.com'))).toEqual({ apiKeys: [] })
  })

  it.each<[string, SignInCookie[]]>([
    ['no cookie', []],
    [
      'a session that was never begun',
      [
        { name: 'session', value: 'made-up' },
        { name: 'user', value: 'ci@example.com' },
      ],
    ],
    ['a name alone', [{ name: 'user', value: 'ci@example.com' }]],
    [
      'a name that cannot be read',
      [
        { name: 'session', value: 'x' },
        { name: 'user', value: '%E0%A4' },
      ],
    ],
  ])('waits on with %s', async (_, cookies) => {
    expect(await createBySignIn(cookies, requestFor('ci@example.com'), take)).toEqual({ kind: 'not-yet' })
  })

  it('is made after a restart of the registry in the middle, once', { timeout: 60_000 }, async () => {
    const cookies = await signIn('again@example.com')
    const wish = requestFor('again@example.com')
    url = undefined
    await registry.stop()
    whileAway = start
    expect(await createBySignIn(cookies, wish, take)).toEqual({ kind: 'ended', result: ok(null) })
    whileAway = async () => {}
    expect(await labels('again@example.com', taken.pop()!.secret)).toEqual([wish.label])
  })
})
