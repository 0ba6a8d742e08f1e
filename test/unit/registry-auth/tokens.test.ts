import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAccess } from '../../../registry/auth/access.ts'
import { createAuthenticator } from '../../../registry/auth/authenticator.ts'
import type { Identity } from '../../../registry/auth/identity.ts'
import { type Action, actions, bitOf, everyRight, parseScope } from '../../../registry/auth/scope.ts'
import { bearerChallenge, bearerOf, isBearer, isDocker } from '../../../registry/token/challenge.ts'
import { parseTokenForm } from '../../../registry/token/token-request.ts'
import { parseTokenScopes } from '../../../registry/token/token-scope.ts'
import { createTokens, tokenLifeOf } from '../../../registry/token/tokens.ts'

const ci: Identity = { user: 'ci', groups: [], origin: 'local', via: 'apikey', keyId: 'k1', scopes: [] }
const ann: Identity = { user: 'ann', groups: [], origin: 'local', via: 'htpasswd' }
const asked = (...scopes: string[]) => {
  const parsed = parseTokenScopes(scopes)
  if (!parsed.ok) throw new Error(parsed.problem)
  return parsed.asked
}

/** A registry's tokens with one key (`k1`, of ci) and one user (ann), whose state the test changes. */
function rig(lifeMs = 300_000) {
  const state = {
    now: 1_000_000,
    key: { expiresAt: 9_000_000, identity: ci as Identity | undefined },
    stamps: new Map([['ann', 'first password']]),
  }
  const tokens = createTokens({
    apiKeys: {
      living: uuid => (uuid === 'k1' && state.key.expiresAt > state.now ? state.key.identity : undefined),
      get: uuid => (uuid === 'k1' ? state.key : undefined),
    },
    stampOf: user => state.stamps.get(user),
    lifeMs,
    now: () => state.now,
  })
  const issue = (holder: Identity | undefined, ...scopes: string[]) => {
    const issued = tokens.issue(holder, asked(...scopes))
    if (!issued) throw new Error('no token')
    return issued
  }
  return { state, tokens, issue }
}

describe('tokens', () => {
  it('stand for a key with what it is narrowed to, and say which', () => {
    const { state, tokens, issue } = rig()
    const { token, expiresIn, issuedAt } = issue(ci, 'repository:app:pull')
    expect({ expiresIn, issuedAt }).toEqual({ expiresIn: 300, issuedAt: state.now })
    const found = tokens.find(token)
    expect(found).toMatchObject({
      user: 'ci',
      via: 'token',
      keyId: 'k1',
      grant: { holder: ci, catalog: false },
    })
    expect(tokens.find(token)).toBe(found)
    // Its owner signed in again, and has other groups.
    state.key.identity = { ...ci, groups: ['admins'] }
    expect(tokens.find(token)).toMatchObject({ groups: ['admins'], via: 'token' })
  })

  it('end with their time, at once with the key, and never live longer than it', () => {
    const { state, tokens, issue } = rig()
    const { token } = issue(ci, 'repository:app:pull')
    state.now += 299_999
    expect(tokens.find(token)).toBeDefined()
    state.now += 1
    expect(tokens.find(token)).toBeUndefined()
    const second = issue(ci).token
    expect(tokens.find(second)).toBeDefined()
    state.key.identity = undefined
    expect(tokens.find(second)).toBeUndefined()
    state.key = { expiresAt: state.now + 20_500, identity: ci }
    const short = issue(ci)
    expect(short.expiresIn).toBe(20)
    state.now += 20_500
    expect(tokens.find(short.token)).toBeUndefined()
    expect(tokens.issue(ci, asked())).toBeUndefined()
  })

  it('of one user have one holder, for which lists are kept once however many tokens there are', () => {
    const { tokens, issue } = rig()
    const holders = [1, 2, 3].map(() => {
      const found = tokens.find(issue(ann, 'registry:catalog:*').token)
      return found === 'nobody' ? undefined : found?.grant?.holder
    })
    expect(holders[0]).toEqual(ann)
    for (const holder of holders) expect(holder).toBe(holders[0])
  })

  it('end with the password of a user, also when it comes back in other words', () => {
    const { state, tokens, issue } = rig()
    const { token } = issue(ann, 'repository:app:pull,push')
    expect(tokens.find(token)).toMatchObject({ user: 'ann', via: 'token' })
    state.stamps.set('ann', 'second password')
    expect(tokens.find(token)).toBeUndefined()
    state.stamps.delete('ann')
    expect(tokens.find(token)).toBeUndefined()
    expect(tokens.issue(ann, asked())).toBeUndefined()
  })

  it('stand for nobody without naming a right, and for no session and no token', () => {
    const { tokens, issue } = rig()
    const { token } = issue(undefined, 'repository:app:pull')
    expect(tokens.find(token)).toBe('nobody')
    expect(tokens.issue({ ...ann, via: 'session' }, asked())).toBeUndefined()
    const found = tokens.find(issue(ci).token)
    expect(found && found !== 'nobody' && tokens.issue(found, asked())).toBeUndefined()
  })

  it('are nothing in another process, changed, or invented', () => {
    const { tokens, issue } = rig()
    const { token } = issue(ci, 'repository:app:pull')
    expect(rig().tokens.find(token)).toBeUndefined()
    fc.assert(
      fc.property(fc.nat(token.length - 2), fc.string(), (at, text) => {
        const other = token[at] === 'A' ? 'B' : 'A'
        expect(tokens.find(token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined()
        expect(tokens.find(text)).toBeUndefined()
      }),
    )
  })

  it('fit into a header however much is asked for', () => {
    const { issue } = rig()
    const names = Array.from({ length: 100 }, (_, at) => `${'n'.repeat(36)}/${at}`)
    const { token } = issue(ci, ...names.map(name => `repository:${name}:pull,push`))
    expect(token.length).toBeLessThan(8_000)
  })

  it.each([
    [undefined, 300_000],
    ['', 300_000],
    ['90', 90_000],
    ['5', 60_000],
    ['3600', 300_000],
    ['a minute', undefined],
    ['-1', undefined],
  ])('live as ZOTBAR_TOKEN_SECONDS=%s says, within bounds', (text, lifeMs) => {
    const life = tokenLifeOf({ ZOTBAR_TOKEN_SECONDS: text })
    expect(life.ok ? life.lifeMs : undefined).toBe(lifeMs)
  })
})

describe('rights by token', () => {
  const policy = (users: string[], words: string[]) => ({
    users,
    groups: [],
    actions: words,
    conditions: undefined,
  })
  const nobody = policy([], [])
  const control = {
    repositories: {
      '**': { policies: [policy(['ci'], [...actions])], defaultPolicy: [], anonymousPolicy: ['read'] },
      'own/**': { policies: [policy(['ci'], [...actions])], defaultPolicy: [], anonymousPolicy: [] },
    },
    adminPolicy: nobody,
    groups: {},
    metrics: { users: ['ci'], anonymousPolicy: [] },
  }

  it('are those of its holder and of the token both, and never fewer than nobody has', () => {
    const parsed = parseScope('repository:own/**:read,create')
    const access = createAccess({ accessControl: control as never, authenticates: true })
    const right = fc.constantFrom(...actions.filter(action => action !== 'detectManifestCollision'))
    const names = fc.constantFrom('app', 'own/a', 'own/b')
    fc.assert(
      fc.property(names, names, right, fc.nat(everyRight), fc.boolean(), (held, name, action, set, isKey) => {
        const holder: Identity = { ...ci, scopes: isKey && parsed.ok ? [parsed.scope] : [] }
        const grant = { holder, repositories: new Map([[held, set]]), catalog: false }
        const byToken = access.may({ ...holder, via: 'token', grant }, action, name)
        const isHeld = held === name && (set & bitOf(action)) !== 0
        const expected = (access.may(holder, action, name) && isHeld) || access.may(undefined, action, name)
        expect(byToken).toBe(expected)
      }),
    )
  })

  it('open no metrics', () => {
    const access = createAccess({ accessControl: control as never, authenticates: true })
    expect(access.mayScrape(ci)).toBe(true)
    const grant = { holder: ci, repositories: new Map(), catalog: true }
    expect(access.mayScrape({ ...ci, via: 'token', grant })).toBe(false)
  })
})

describe('scopes of tokens', () => {
  it("read Docker's words", () => {
    const set = (...words: Action[]): number => words.reduce((all, action) => all | bitOf(action), 0)
    const { repositories, catalog } = asked(
      'repository:team/app:pull,push repository:other:pull',
      'repository(plugin):plug:delete',
      'repository:all:*',
      'repository:other:push',
      'registry:catalog:*',
      'aws:x:y',
      'repository:void:fly',
      '',
    )
    expect(catalog).toBe(true)
    expect(Object.fromEntries(repositories)).toEqual({
      'team/app': set('read', 'create', 'update'),
      other: set('read', 'create', 'update'),
      plug: set('delete'),
      all: everyRight,
    })
    expect(asked('registry:catalog:read').catalog).toBe(false)
  })

  it.each([
    [['aws'], '"aws" is no scope'],
    [[':a:b', 'x'], '":a:b" is no scope'],
    [['repository:UPPER:pull'], '"UPPER" is no repository name'],
    [['repository:a/../b:pull'], 'is no repository name'],
    [['repository:host:5000/app:pull'], 'is no repository name'],
    [Array.from({ length: 101 }, () => 'repository:a:pull'), 'more than 100 scopes'],
    [['repository:a:pull '.repeat(10_000)], 'more than 100 scopes'],
    [Array.from({ length: 99 }, (_, at) => `repository:${'n'.repeat(200)}/${at}:pull`), 'too long together'],
  ])('refuse %j', (texts, problem) => {
    const parsed = parseTokenScopes(texts)
    expect(parsed.ok ? '' : parsed.problem).toContain(problem)
  })

  it('come from any text without a throw', () => {
    fc.assert(fc.property(fc.array(fc.string()), texts => void parseTokenScopes(texts)))
  })
})

describe('the form of a request', () => {
  const whole = 'grant_type=password&username=ci&password=a%20b&service=x&scope=repository:a:pull'
  it('names user and password', () => {
    expect(parseTokenForm(whole)).toMatchObject({
      ok: true,
      request: { password: { user: 'ci', password: 'a b' } },
    })
  })
  it.each([
    ['', 'grant_type=password is needed'],
    ['grant_type=refresh_token&refresh_token=x', 'no refresh tokens'],
    ['grant_type=password&username=ci', 'username and password are needed'],
    [`${whole}&password=c`, 'once each'],
    ['grant_type=password&username=a:b&password=c', 'no user has a colon'],
    [`${whole}&scope=x`, '"x" is no scope'],
  ])('%s is refused', (body, problem) => {
    const parsed = parseTokenForm(body)
    expect(parsed.ok ? '' : parsed.problem).toContain(problem)
  })
})

describe('the header', () => {
  it('shows a token under Bearer, in any case, and Basic as before', async () => {
    const { tokens, issue } = rig()
    const authenticator = createAuthenticator({ tokens, apiKeys: { find: () => undefined } })
    const ask = (...authorization: string[]) =>
      authenticator.authenticate({ authorization, address: '10.0.0.1' })
    const { token } = issue(ci, 'repository:app:pull')
    for (const header of [`Bearer ${token}`, `bearer   ${token} `, `BEARER ${token}`]) {
      expect(ask(header)).toMatchObject({ kind: 'known', identity: { via: 'token', keyId: 'k1' } })
    }
    expect(ask(`Bearer ${token}`)).toBe(ask(`Bearer ${token}`))
    expect(ask(`Bearer ${issue(undefined).token}`)).toEqual({ kind: 'anonymous' })
    for (const header of ['Bearer', 'Bearer ', 'Bearer x', `Bearer ${token},x`]) {
      expect(ask(header)).toEqual({ kind: 'refused', status: 401, reason: 'token' })
    }
    for (const header of [`Bearer${token}`, 'Beaver x', 'Basic ###']) {
      expect(await ask(header)).toEqual({ kind: 'refused', status: 401, reason: 'malformed' })
    }
    expect(await ask(`Bearer ${token}`, `Bearer ${token}`)).toMatchObject({ reason: 'several' })
  })

  it('is told from others', () => {
    expect(['Bearer x', 'bearer', undefined, 'Basic Og==', 'Bearers x'].map(isBearer)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
    expect(['', 'B', 'Basic Og==', 'Bearer a'].map(bearerOf)).toEqual([undefined, undefined, undefined, 'a'])
    const agents = ['docker/28.0.1 go/go1.23', 'Docker-Client/28.2.2 (linux)', 'containers/5.22', undefined]
    expect(agents.map(isDocker)).toEqual([true, true, false, false])
  })

  it('of a challenge has the form that clients read', () => {
    const origin = 'https://reg.example.org:8443'
    expect(bearerChallenge({ origin, scope: 'repository:a:pull', error: 'invalid_token' })).toBe(
      'Bearer realm="https://reg.example.org:8443/zot/auth/token",service="reg.example.org:8443",scope="repository:a:pull",error="invalid_token"',
    )
    expect(bearerChallenge({ origin, scope: undefined, error: undefined })).toBe(
      'Bearer realm="https://reg.example.org:8443/zot/auth/token",service="reg.example.org:8443"',
    )
  })
})
