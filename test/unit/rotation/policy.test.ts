import { describe, expect, it } from 'vitest'
import { parseKey } from '../../../core/rotation/key-access.ts'
import { expiryState, isLabel, labelOf, labelPrefix, parseOverlap } from '../../../core/rotation/policy.ts'
import { parseDuration } from '../../../lib/parse-duration.ts'

const day = 86_400_000
const facts = { host: 'box', user: 'zot-ci', at: Date.UTC(2026, 2, 1), mark: '0a1b2c' }

describe('how near its end a key is', () => {
  const createdAt = '2026-01-01T00:00:00Z'
  const at = (days: number) => Date.parse(createdAt) + days * day
  const of = (life: number, now: number) =>
    expiryState({ createdAt, expirationDate: new Date(at(life)).toISOString() }, at(now))

  it.each([
    [90, 0, 90, false, false],
    [90, 59.9, 31, false, false],
    [90, 60, 30, true, false],
    [90, 74.9, 16, true, false],
    [90, 75, 15, true, true],
    [90, 89.5, 1, true, true],
    [90, 91, -2, true, true],
    [366, 350.5, 16, true, false],
    [366, 351, 15, true, true],
    [12, 9, 3, true, false],
    [12, 10, 2, true, true],
  ])('of %d days, on day %d', (life, now, daysLeft, nearEnd, shouldRotate) => {
    expect(of(life, now)).toEqual({ daysLeft, nearEnd, shouldRotate })
  })

  it('never, for one without an end', () => {
    expect(expiryState({ createdAt, expirationDate: null }, at(9_999))).toEqual({
      daysLeft: null,
      nearEnd: false,
      shouldRotate: false,
    })
  })
})

describe('what is written by people', () => {
  it.each([
    ['0', 0],
    ['0h', 0],
    ['90s', 90_000],
    ['24h', day],
    ['30d', 30 * day],
  ])('reads the overlap %s', (text, ms) => expect(parseOverlap(text)).toBe(ms))
  it.each(['31d', '', '1', '-1h', '1.5h', 'soon', '1w', '1 h', '99999999999h'])(
    'refuses the overlap %j',
    text => expect(parseOverlap(text)).toBeUndefined(),
  )
  it('reads spans of any length', () => expect(parseDuration('9999d')).toBe(9999 * day))

  it('fills in a label, with a mark of this rotation', () => {
    expect(labelOf('zotbar/<host>/<date>', facts)).toBe('zotbar/box/2026-03-01-0a1b2c')
    expect(labelOf('<user> of <user>', facts)).toBe('zot-ci of zot-ci-0a1b2c')
    expect(labelOf('', facts)).toBe('0a1b2c')
    expect(labelPrefix('zotbar/<host>/<date>', facts)).toBe('zotbar/box/')
  })
  it.each(['two\nlines', 'a\u0000b', '\u202eturned', '', 'x'.repeat(201)])('takes no label like %j', label =>
    expect(isLabel(label)).toBe(false),
  )

  const key = `zak_${'0123456789abcdef'.repeat(2)}`
  it('reads a key with the spaces and line ends around it', () => {
    expect(parseKey(`\t ${key}\r\n`)).toEqual({ ok: true, value: key })
  })
  it.each([
    '',
    '  \n',
    key.slice(0, -1),
    `${key}0`,
    key.toUpperCase(),
    key.replace('_', ' '),
    `x${key}`,
    `${key} ${key}`,
  ])('takes %j for no key, and does not repeat it', text => {
    const read = parseKey(text)
    expect(read).toMatchObject({ ok: false, error: { code: 'key-malformed' } })
    expect(JSON.stringify(read)).not.toContain(key.slice(6, 20))
  })
})
