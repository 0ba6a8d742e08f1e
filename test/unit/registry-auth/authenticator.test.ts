import { describe, expect, it } from 'vitest'
import { newSecret } from '../../../registry/auth/api-key.ts'
import {
  type AuthenticatorOptions,
  type Credentials,
  createAuthenticator,
} from '../../../registry/auth/authenticator.ts'
import type { Identity } from '../../../registry/auth/identity.ts'
import type { PoolAnswer } from '../../../registry/auth/password-pool.ts'
import { createThrottle } from '../../../registry/auth/throttle.ts'

const secret = newSecret()
const old = newSecret()
const keyed: Identity = { user: 'robot', groups: [], origin: 'local', via: 'apikey', keyId: 'k' }
const seated: Identity = { user: 'alice', groups: [], origin: 'local', via: 'session' }
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`

function rig(more: AuthenticatorOptions = {}) {
  const asked: string[] = []
  const knows = new Set<string>()
  let answer: PoolAnswer | undefined
  const authenticator = createAuthenticator({
    htpasswd: {
      knows: (user, password) => knows.has(`${user}:${password}`),
      verify: async (user, password) => {
        asked.push(`${user}:${password}`)
        return answer ?? (password === 'right' ? 'match' : 'no-match')
      },
    },
    apiKeys: {
      find: (user, text) =>
        user !== 'robot' ? undefined : text === secret ? keyed : text === old ? 'expired' : undefined,
    },
    sessions: { find: id => (id === 'seat' ? seated : undefined) },
    ...more,
  })
  const ask = (some: Partial<Credentials>) =>
    authenticator.authenticate({ authorization: [], address: '10.0.0.1', ...some })
  const answers = (next: PoolAnswer): void => {
    answer = next
  }
  return { ask, asked, knows, answers }
}

describe('the authenticator', () => {
  it('takes nobody for nobody', () => {
    const { ask } = rig()
    for (const authorization of [[], [''], ['Basic Og==']])
      expect(ask({ authorization })).toEqual({ kind: 'anonymous' })
  })

  it('answers at once for a key and for a password it knows', async () => {
    const { ask, asked, knows } = rig()
    expect(ask({ authorization: [basic(`robot:${secret}`)] })).toEqual({ kind: 'known', identity: keyed })
    knows.add('alice:right')
    const first = ask({ authorization: [basic('alice:right')] })
    expect(first).toMatchObject({ kind: 'known', identity: { user: 'alice', via: 'htpasswd' } })
    expect(ask({ authorization: [basic('alice:right')] })).toBe(first)
    expect(asked).toEqual([])
    expect(await ask({ authorization: [basic('bob:right')] })).toMatchObject({
      kind: 'known',
      identity: { user: 'bob' },
    })
  })

  it.each([
    ['a wrong password', [basic('alice:wrong')], 'wrong'],
    ['a key of somebody else', [basic(`alice:${secret}`)], 'wrong'],
    ['a key under another spelling of the name', [basic(`Robot:${secret}`)], 'wrong'],
    ['a key that ended', [basic(`robot:${old}`)], 'expired'],
    ['two headers', [basic('alice:right'), basic('alice:right')], 'several'],
    ['another scheme', ['Bearer abc'], 'malformed'],
    ['no base64', ['Basic ###'], 'malformed'],
    ['no colon', [basic('alice')], 'malformed'],
    ['no name', [basic(':right')], 'malformed'],
    ['a zero byte', [basic('alice:right\0x')], 'malformed'],
  ])('refuses %s, session or not', async (_what, authorization, reason) => {
    const { ask } = rig()
    expect(await ask({ authorization, cookie: 'session=seat', apiClient: 'zot-ui' })).toEqual({
      kind: 'refused',
      status: 401,
      reason,
    })
  })

  it('believes a session only from our own page', () => {
    const { ask } = rig()
    const anonymous = { kind: 'anonymous' }
    const cookie = 'a=b; session=seat'
    expect(ask({ cookie, apiClient: 'zot-ui' })).toEqual({ kind: 'known', identity: seated })
    expect(ask({ cookie })).toEqual(anonymous)
    expect(ask({ cookie, apiClient: 'other' })).toEqual(anonymous)
    expect(ask({ cookie: 'session=forged', apiClient: 'zot-ui' })).toEqual(anonymous)
    expect(ask({ cookie: 'session=seat; session=planted', apiClient: 'zot-ui' })).toEqual(anonymous)
  })

  it('asks for patience when there is too much to check', async () => {
    const { ask, answers } = rig()
    answers('busy')
    expect(await ask({ authorization: [basic('alice:right')] })).toMatchObject({
      status: 429,
      reason: 'busy',
      retryAfter: 2,
    })
  })

  it('slows down who guesses, and nobody else', async () => {
    let now = 0
    const { ask, asked, knows } = rig({
      throttle: createThrottle({ now: () => now, pair: { burst: 3, refill: 1000 } }),
    })
    const guess = () => ask({ authorization: [basic('alice:wrong')] })
    for (let turn = 0; turn < 3; turn++) expect(await guess()).toMatchObject({ status: 401 })
    expect(await guess()).toEqual({ kind: 'refused', status: 429, reason: 'throttled', retryAfter: 1 })
    expect(asked).toHaveLength(3)
    expect(await ask({ authorization: [basic('alice:right')], address: '10.0.0.2' })).toMatchObject({
      kind: 'known',
    })
    expect(await ask({ authorization: [basic('bob:right')] })).toMatchObject({ kind: 'known' })
    knows.add('alice:right')
    expect(ask({ authorization: [basic('alice:right')] })).toMatchObject({ kind: 'known' })
    now += 1000
    expect(await guess()).toMatchObject({ status: 401 })
    expect(await guess()).toMatchObject({ status: 429 })
  })

  it('slows down an address that tries many names, within bounded memory', () => {
    const throttle = createThrottle({ now: () => 0, address: { burst: 5, refill: 1000 }, memory: 100 })
    for (let turn = 0; turn < 5; turn++) throttle.failed('a', `user${turn}`)
    expect(throttle.wait('a', 'fresh')).toBe(1000)
    expect(throttle.wait('b', 'fresh')).toBe(0)
    for (let turn = 0; turn < 200; turn++) throttle.failed(`other${turn}`, 'x')
    expect(throttle.wait('a', 'fresh')).toBe(0)
  })

  it('counts each name by itself where many come from one address, so that nobody shuts out the others', () => {
    const isShared = (address: string): boolean => address === 'proxy'
    const throttle = createThrottle({ now: () => 0, pair: { burst: 3, refill: 1000 }, isShared })
    for (let turn = 0; turn < 300; turn++) throttle.failed('proxy', `user${turn % 100}`)
    expect(throttle.wait('proxy', 'fresh')).toBe(0)
    expect(throttle.wait('proxy', 'user7')).toBe(1000)
  })

  it('waits before it refuses, if it is to', async () => {
    const waited: number[] = []
    const { ask } = rig({ failDelay: 5000, delay: async ms => void waited.push(ms) })
    expect(await ask({ authorization: [basic('alice:wrong')] })).toMatchObject({ status: 401 })
    await ask({ authorization: ['x'] })
    await ask({ authorization: [basic('alice:right')] })
    expect(waited).toEqual([5000, 5000])
  })

  it('looks at nothing when nobody can be known', () => {
    const authenticator = createAuthenticator({})
    expect(authenticator.authenticate({ authorization: ['x', 'y'], address: '' })).toEqual({
      kind: 'anonymous',
    })
  })
})
