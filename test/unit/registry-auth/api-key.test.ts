import { describe, expect, it } from 'vitest'
import {
  hashOfSecret,
  isKeyForm,
  keyPolicyOf,
  newSecret,
  parseKeyRequest,
} from '../../../registry/auth/api-key.ts'
import { parseScope, type Scope } from '../../../registry/auth/scope.ts'

const day = 86_400_000
const now = Date.UTC(2026, 0, 1)
const policy = { defaultLife: 90 * day, maxLife: 180 * day }
const scope = (text: string): Scope => {
  const parsed = parseScope(text)
  if (!parsed.ok) throw new Error(parsed.problem)
  return parsed.scope
}
const ask = (body: unknown, scopes: Scope[] = []) =>
  parseKeyRequest(body, { policy, now, minter: { scopes } })

describe('a request for a key', () => {
  it("makes secrets of zot's form", () => {
    const secret = newSecret()
    expect(secret).toMatch(/^zak_[0-9a-f]{32}$/)
    expect(isKeyForm(secret)).toBe(true)
    expect(newSecret()).not.toBe(secret)
    expect(hashOfSecret('zak_00000000000000000000000000000000')).toBe(
      '84e0c0eafaa95a34c293f278ac52e45ce537bab5e752a00e6959a13ae103b65a',
    )
  })

  it.each([undefined, null, '', '0001-01-01T00:00:00Z'])('lives 90 days when it says %j', expirationDate => {
    expect(ask({ label: 'x', expirationDate })).toMatchObject({
      ok: true,
      request: { expiresAt: now + 90 * day },
    })
  })

  it('lives as long as it says, up to the maximum', () => {
    const until = (ms: number) => ask({ expirationDate: new Date(ms).toISOString() })
    expect(until(now + day)).toMatchObject({ ok: true, request: { expiresAt: now + day } })
    expect(until(now + 180 * day + 1000)).toMatchObject({ ok: true, request: { expiresAt: now + 180 * day } })
    expect(until(now + 181 * day)).toMatchObject({
      ok: false,
      reason: 'invalid',
      problem: expect.stringContaining('180 days'),
    })
    expect(ask({ expirationDate: '2026-02-01T00:00:00+02:00' })).toMatchObject({ ok: true })
  })

  it.each([
    [[]],
    ['text'],
    [{ label: 1 }],
    [{ label: 'x'.repeat(300) }],
    [{ label: '\u001b]0;title\u0007' }],
    [{ label: 'a\nb' }],
    [{ label: 'a\u202eb' }],
    [{ scopes: 'repository:a:read' }],
    [{ scopes: [1] }],
    [{ scopes: ['a'] }],
    [{ scopes: Array(65).fill('repository:a:read') }],
    [{ expirationDate: 'tomorrow' }],
    [{ expirationDate: '2026-13-01T00:00:00Z' }],
    [{ expirationDate: '2026-02-29T00:00:00Z' }],
    [{ expirationDate: '2025-12-31T23:59:59Z' }],
    [{ expirationDate: now + day }],
  ])('refuses %j', body => {
    expect(ask(body)).toMatchObject({ ok: false, reason: 'invalid' })
  })

  it('is never wider than the key that asks', () => {
    const own = [scope('repository:ci/**:read,create')]
    expect(ask({ scopes: [] }, own)).toMatchObject({ ok: true, request: { scopes: own } })
    expect(ask({ scopes: ['repository:ci/app:pull'] }, own)).toMatchObject({ ok: true })
    expect(ask({ scopes: ['repository:ci/**:delete'] }, own)).toMatchObject({ ok: false, reason: 'wider' })
    expect(ask({ scopes: ['repository:**:read'] }, own)).toMatchObject({ ok: false, reason: 'wider' })
  })
})

describe('the policy for keys', () => {
  it.each([
    [{}, { defaultLife: 90 * day, maxLife: 366 * day }],
    [{ ZOTBAR_KEY_MAX_DAYS: '30' }, { defaultLife: 30 * day, maxLife: 30 * day }],
    [
      { ZOTBAR_KEY_DEFAULT_DAYS: '7', ZOTBAR_KEY_MAX_DAYS: '' },
      { defaultLife: 7 * day, maxLife: 366 * day },
    ],
  ])('of %j', (environment, expected) => {
    expect(keyPolicyOf(environment)).toEqual({ ok: true, policy: expected })
  })

  it.each([
    [{ ZOTBAR_KEY_MAX_DAYS: '0' }],
    [{ ZOTBAR_KEY_MAX_DAYS: 'never' }],
    [{ ZOTBAR_KEY_DEFAULT_DAYS: '1.5' }],
    [{ ZOTBAR_KEY_DEFAULT_DAYS: '100', ZOTBAR_KEY_MAX_DAYS: '30' }],
  ])('is not to be had of %j', environment => {
    expect(keyPolicyOf(environment)).toMatchObject({
      ok: false,
      message: expect.stringContaining('ZOTBAR_KEY'),
    })
  })
})
