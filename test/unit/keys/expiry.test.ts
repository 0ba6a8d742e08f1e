import { describe, expect, it } from 'vitest'
import { parseExpiry } from '../../../core/registry-client/keys.ts'

const day = 86_400_000
const now = Date.parse('2026-03-01T10:00:00Z')

describe('the end of a key', () => {
  it.each([
    [undefined, { kind: 'policy' }],
    ['never', { kind: 'never' }],
    ['90d', { kind: 'at', at: now + 90 * day }],
    ['12h', { kind: 'at', at: now + day / 2 }],
    ['2w', { kind: 'at', at: now + 14 * day }],
    ['2027-01-31', { kind: 'at', at: Date.parse('2027-01-31T23:59:59Z') }],
    ['2027-01-31T10:00:00+02:00', { kind: 'at', at: Date.parse('2027-01-31T08:00:00Z') }],
    ['0d', undefined],
    ['-1d', undefined],
    ['90', undefined],
    ['90 days', undefined],
    ['2027-13-01', undefined],
    ['2027-02-29', undefined],
    ['tomorrow', undefined],
    ['', undefined],
  ])('%j', (text, expiry) => {
    expect(parseExpiry(text, now)).toEqual(expiry)
  })
})
