import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCipher } from '../../../registry/auth/cipher.ts'

describe('what a browser keeps for us', () => {
  it('is read again while it lives', () => {
    let now = 1000
    const seal = createCipher(() => now)
    const text = seal.encrypt({ state: 'a', target: '/x' }, 500)
    expect(text).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(seal.decrypt(text)).toEqual({ state: 'a', target: '/x' })
    now = 1500
    expect(seal.decrypt(text)).toBeUndefined()
  })

  it('is worthless when changed, cut, or sealed by another process', () => {
    const seal = createCipher()
    const text = seal.encrypt({ state: 'a' }, 10_000)
    expect(createCipher().decrypt(text)).toBeUndefined()
    expect(seal.decrypt('')).toBeUndefined()
    fc.assert(
      fc.property(fc.nat(text.length - 2), at => {
        const other = text[at] === 'A' ? 'B' : 'A'
        expect(seal.decrypt(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined()
        expect(seal.decrypt(text.slice(0, at))).toBeUndefined()
      }),
    )
  })

  it('takes anything without a throw', () => {
    fc.assert(fc.property(fc.string(), text => createCipher().decrypt(text) === undefined))
  })
})
