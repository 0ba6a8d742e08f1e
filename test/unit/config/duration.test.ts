import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearest } from '../../../lib/nearest.ts'
import { parseDuration } from '../../../registry/config/scalar.ts'

test.each([
  ['24h', 86_400_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1500],
  ['.5s', 500],
  ['1.s', 1000],
  ['-2m', -120_000],
  ['+1ms', 1],
  ['0', 0],
  ['-0', 0],
  ['100us', 0.1],
  ['100µs', 0.1],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBeCloseTo(ms, 9)
})

test.each(['', '5', '1 h', 'h', '1d', '1h ', '.s', '1h-1m', '--1s', '9999999999h', '1e3s', '1h\n'])(
  '%j is not a duration',
  text => {
    expect(parseDuration(text)).toBeUndefined()
  },
)

test('hours, minutes and seconds add up', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), fc.nat(1000), (h, m, s) => {
      expect(parseDuration(`${h}h${m}m${s}s`)).toBe(h * 3_600_000 + m * 60_000 + s * 1000)
    }),
  )
})

test('a misspelled word finds its neighbour, a strange one finds none', () => {
  const known = ['rootDirectory', 'dedupe', 'gc', 'gcDelay']
  expect(nearest('rootDirectroy', known)).toBe('rootDirectory')
  expect(nearest('GCDELAYS', known)).toBe('gcDelay')
  expect(nearest('dedup', known)).toBe('dedupe')
  expect(nearest('banana', known)).toBeUndefined()
  expect(nearest('x'.repeat(1000), known)).toBeUndefined()
})
