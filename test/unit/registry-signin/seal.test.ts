import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSeal } from '../../../registry/signin/cookies.ts'

describe('what a browser keeps for us', () => {
  it('is read again while it lives', () => {
    let now = 1000
    const seal = createSeal(() => now)
    const text = seal.seal({ state: 'a', target: '/x' }, 500)
    expect(text).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(seal.open(text)).toEqual({ state: 'a', target: '/x' })
    now = 1500
    expect(seal.open(text)).toBeUndefined()
  })

  it('is worthless when changed, cut, or sealed by another process', () => {
    const seal = createSeal()
    const text = seal.seal({ state: 'a' }, 10_000)
    expect(createSeal().open(text)).toBeUndefined()
    expect(seal.open('')).toBeUndefined()
    fc.assert(
      fc.property(fc.nat(text.length - 2), at => {
        const other = text[at] === 'A' ? 'B' : 'A'
        expect(seal.open(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined()
        expect(seal.open(text.slice(0, at))).toBeUndefined()
      }),
    )
  })

  it('takes anything without a throw', () => {
    fc.assert(fc.property(fc.string(), text => createSeal().open(text) === undefined))
  })
})
