import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProvider, type Provider } from '../../../registry/signin/provider.ts'
import { client } from '../../fakes/identity-provider.ts'
import { type Lies, LyingProvider } from '../../fakes/lying-provider.ts'

const proofs = { state: 'the-state', nonce: 'the-nonce', verifier: 'v'.repeat(43) }
const redirectUri = 'http://127.0.0.1:5050/zot/auth/callback/oidc'
let other: LyingProvider
let now: number
let news: boolean[]

beforeEach(async () => {
  other = await LyingProvider.start()
  now = 0
  news = []
})
afterEach(() => other.stop())

function providerOf(issuer = other.issuer, more: { authUrl?: string; tokenUrl?: string } = {}): Provider {
  const settings = {
    key: 'oidc' as const,
    title: 'Test',
    issuer: new URL(issuer),
    clientId: client.id,
    clientSecret: client.secret,
    scopes: ['openid', 'email'],
    authUrl: undefined,
    tokenUrl: undefined,
    usernameClaim: undefined,
    groupsClaim: undefined,
    ...more,
  }
  return createProvider(settings, { now: () => now, onChange: ({ reachable }) => news.push(reachable) })
}

async function signIn(provider: Provider, lies: Lies = {}, change: (answer: URL) => void = () => {}) {
  other.lies = lies
  const begun = await provider.begin(redirectUri, proofs)
  if (!begun.ok) throw new Error(begun.reason)
  const answer = new URL(other.approve(begun.url), redirectUri)
  change(answer)
  return await provider.finish(answer, proofs)
}
const seconds = (): number => Math.floor(Date.now() / 1000)

describe('signing in with a provider', () => {
  it('asks for a code with PKCE, state and nonce, and joins the groups of both answers', async () => {
    const provider = providerOf()
    const begun = await provider.begin(redirectUri, proofs)
    const query = begun.ok ? Object.fromEntries(new URL(begun.url).searchParams) : {}
    expect(query).toMatchObject({
      client_id: client.id,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid email',
      state: proofs.state,
      nonce: proofs.nonce,
      code_challenge_method: 'S256',
    })
    expect(await signIn(provider)).toEqual({ ok: true, user: 'alice@example.com', groups: ['dev', 'ops'] })
    expect(provider.endSessionUrl()).toBe(`${other.issuer}/end?client_id=${client.id}`)
  })

  it.each<[string, Lies]>([
    ['nonce', { idToken: { nonce: 'another' } }],
    ['nonce', { idToken: { nonce: undefined } }],
    ['aud', { idToken: { aud: 'another-client' } }],
    ['azp', { idToken: { aud: [client.id, 'another'], azp: 'another' } }],
    ['iss', { idToken: { iss: 'https://evil.example' } }],
    ['exp', { idToken: { exp: seconds() - 120, iat: seconds() - 500 } }],
    ['exp', { idToken: { exp: undefined } }],
    ['signature', { forgedSignature: true }],
    ['alg', { unsigned: true }],
    ['sub', { userInfo: { sub: '2', email: 'mallory@example.com' } }],
    ['email', { userInfo: { sub: '1' } }],
  ])('is refused for a wrong %s: %j', async (word, lies) => {
    const finished = await signIn(providerOf(), lies)
    expect(finished).toMatchObject({ ok: false, kind: 'refused' })
    expect(finished.ok ? '' : finished.reason).toMatch(new RegExp(word, 'i'))
  })

  it('is refused for a wrong state, a wrong code, and an answer of another issuer', async () => {
    const provider = providerOf()
    const refused = { ok: false, kind: 'refused' }
    expect(await signIn(provider, {}, url => url.searchParams.set('state', 'x'))).toMatchObject(refused)
    expect(await signIn(provider, {}, url => url.searchParams.delete('state'))).toMatchObject(refused)
    expect(await signIn(provider, {}, url => url.searchParams.set('code', 'x'))).toMatchObject(refused)
    expect(
      await signIn(provider, {}, url => url.searchParams.set('iss', 'https://evil.example')),
    ).toMatchObject(refused)
    expect(await signIn(provider, {}, url => url.searchParams.set('error', 'access_denied'))).toMatchObject(
      refused,
    )
  })

  it('takes another address for the browser or the tokens', async () => {
    const provider = providerOf(other.issuer, {
      authUrl: 'http://login.example/there',
      tokenUrl: `${other.issuer}/token`,
    })
    const lies = { metadata: { token_endpoint: `${other.issuer}/wrong` } }
    expect(await signIn(provider, lies)).toMatchObject({ ok: true })
    const begun = await provider.begin(redirectUri, proofs)
    expect(begun.ok && begun.url).toMatch(/^http:\/\/login\.example\/there\?/)
  })

  it('does not believe metadata of another issuer', async () => {
    other.lies = { metadata: { issuer: 'https://evil.example' } }
    expect((await providerOf().begin(redirectUri, proofs)).ok).toBe(false)
  })
})

describe('a provider that is away', () => {
  it('is asked again after a pause that grows, and tells once', async () => {
    const { issuer } = other
    await other.stop()
    const provider = providerOf(issuer)
    expect(await provider.reachable(5000)).toBe('down')
    other = await LyingProvider.start(Number(new URL(issuer).port))
    expect(await provider.reachable(5000)).toBe('down')
    expect(other.requests).toEqual([])
    now = 1000
    expect(await provider.reachable(5000)).toBe('ready')
    expect(news).toEqual([false, true])
  })

  it('is asked once for many who come together', async () => {
    const provider = providerOf()
    await Promise.all([1, 2, 3].map(() => provider.begin(redirectUri, proofs)))
    expect(other.requests).toEqual(['/.well-known/openid-configuration'])
  })

  it('keeps what it said when it is away later', async () => {
    const provider = providerOf()
    expect(await provider.reachable(5000)).toBe('ready')
    now = 2 * 60 * 60_000
    other.lies = { metadata: { issuer: 'https://evil.example' } }
    expect((await provider.begin(redirectUri, proofs)).ok).toBe(true)
  })

  it('is "unreachable" when it goes away during a sign-in', async () => {
    const provider = providerOf()
    const { issuer } = other
    const begun = await provider.begin(redirectUri, proofs)
    const answer = new URL(other.approve(begun.ok ? begun.url : ''), redirectUri)
    await other.stop()
    expect(await provider.finish(answer, proofs)).toMatchObject({ ok: false, kind: 'unreachable' })
    other = await LyingProvider.start(Number(new URL(issuer).port))
  })
})
