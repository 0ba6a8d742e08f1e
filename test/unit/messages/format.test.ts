import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  aboutDays,
  atTime,
  bytes,
  count,
  duration,
  plainText,
  programName,
  relativeTime,
  secondsUntil,
  shortName,
} from '../../../contract/messages/format.ts'

const said = (text: string): string => plainText(text)

describe('numbers', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [41_200_000_000, '41.2 GB'],
    [212_000_000_000, '212 GB'],
    [999_600, '1.0 MB'],
    [99_960, '100 kB'],
    [-5, '0 B'],
  ])('%d bytes', (n, words) => expect(said(bytes(n))).toBe(words))

  it('never shows more than three digits before the unit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e18, noNaN: true }), n => {
        expect(said(bytes(n))).toMatch(/^(\d{1,3}|\d{1,2}\.\d) (B|kB|MB|GB|TB|PB)$|^1000 PB$/)
      }),
    )
  })

  it('counts with the right noun', () => {
    expect(said(count(1, 'repository', 'repositories'))).toBe('1 repository')
    expect(said(count(12_000, 'tag'))).toBe('12,000 tags')
  })
})

describe('spans', () => {
  it.each([
    [400, '0.4 s'],
    [40_000, '40 s'],
    [59_700, '1 min'],
    [6 * 3_600_000 + 12 * 60_000, '6 h 12 min'],
    [3 * 86_400_000 + 4 * 3_600_000, '3 d 4 h'],
    [86_400_000, '1 d'],
  ])('%d ms', (ms, words) => expect(said(duration(ms))).toBe(words))

  it('counts down to nothing and not below', () => {
    expect(said(secondsUntil(4_200, 1_000))).toBe('4 s')
    expect(said(secondsUntil(1_000, 9_000))).toBe('0 s')
  })

  it.each([
    [0.5, 'less than a day'],
    [1, 'about 1 day'],
    [340, 'about 11 months'],
    [1_000, 'about 3 years'],
    [9_999, 'more than 10 years'],
  ])('%d days', (days, words) => expect(said(aboutDays(days))).toBe(words))
})

describe('moments', () => {
  const noon = new Date(2026, 2, 12, 12, 0, 0).getTime()
  it.each([
    [500, 'just now'],
    [40_000, '40 s ago'],
    [59 * 60_000, '59 min ago'],
    [3 * 3_600_000, 'today 09:00'],
    [25 * 3_600_000, 'yesterday 11:00'],
    [12 * 86_400_000, 'Sat 28 February 2026'],
  ])('%d ms ago', (age, words) => expect(said(relativeTime(noon - age, noon))).toBe(words))

  it.each([
    [2, '14:00'],
    [14, 'tomorrow 02:00'],
    [48, 'Sat 14 March 2026'],
    [-3, '09:00'],
    [-25, 'yesterday 11:00'],
  ])('in %d hours', (hours, words) => expect(said(atTime(noon + hours * 3_600_000, noon))).toBe(words))
})

describe('long names', () => {
  it('keeps the last segment and never grows', () => {
    expect(shortName('infrastructure/continuous-integration/runner', 24)).toBe('infrastructure/c…/runner')
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.integer({ min: 8, max: 80 }), (name, most) => {
        expect(shortName(name, most).length).toBeLessThanOrEqual(Math.max(most, 0))
      }),
    )
  })
})

describe('a program', () => {
  it.each([
    ['/usr/bin/python3 -m http.server', 'python3'],
    [
      '/home/Application Support/own/node /home/Application Support/own/zotbar-registry.mjs serve c.json',
      'zotbar-registry',
    ],
    ['/opt/node --disable-sigusr1 /opt/zotbar/dist/core/main.mjs start', 'Zotbar'],
    ['node /srv/not-zotbar-registry.mjs', 'node'],
  ])('%s is called %s', (command, name) => expect(programName(command)).toBe(name))
})
