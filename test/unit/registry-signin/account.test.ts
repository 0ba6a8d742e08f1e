import { describe, expect, it } from 'vitest'
import { accountOf } from '../../../registry/signin/provider.ts'

const plain = { username: undefined, groups: undefined }
const userInfo = { email: 'alice@example.com', preferred_username: 'alice', groups: ['a', 'b'] }

describe('whom the claims name', () => {
  it('is the email, with the groups of both', () => {
    const idToken = { email: 'other@example.com', groups: ['b', 'c'] }
    expect(accountOf({ idToken, userInfo }, plain)).toEqual({
      ok: true,
      user: 'alice@example.com',
      groups: ['a', 'b', 'c'],
    })
  })

  it('is the mapped claim, and the email where that is empty', () => {
    const names = { username: 'preferred_username', groups: 'roles' }
    const mapped = { userInfo: { ...userInfo, roles: 'one' }, idToken: { roles: ['two', 3, ''] } }
    expect(accountOf(mapped, names)).toEqual({ ok: true, user: 'alice', groups: ['one', 'two'] })
    const empty = { userInfo: { ...userInfo, preferred_username: '' }, idToken: {} }
    expect(accountOf(empty, names)).toMatchObject({ user: 'alice@example.com' })
  })

  it('comes from the ID token where there is no userinfo', () => {
    expect(accountOf({ idToken: { email: 'a@b' }, userInfo: {} }, plain)).toMatchObject({ user: 'a@b' })
  })

  it.each([
    [{}],
    [{ email: '' }],
    [{ email: 7 }],
    [{ email: 'a:b' }],
    [{ email: 'a\nb' }],
    [{ email: 'a'.repeat(257) }],
  ])('is nobody in %j', claims => {
    expect(accountOf({ idToken: {}, userInfo: claims }, plain).ok).toBe(false)
  })
})
