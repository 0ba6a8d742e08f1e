import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { longestGap, quantile, summary, timesBetter } from '../../bench/stats.ts'

describe('quantile', () => {
  it('is the middle of an odd series, whatever its order', () => {
    expect(quantile([5, 1, 3], 0.5)).toBe(3)
  })

  it('lies between the two in the middle of an even series', () => {
    expect(quantile([4, 1, 2, 3], 0.5)).toBe(2.5)
  })

  it('interpolates as R and NumPy do', () => {
    expect(quantile([1, 2, 3, 4, 5], 0.99)).toBeCloseTo(4.96, 10)
    expect(quantile([15, 20, 35, 40, 50], 0.4)).toBeCloseTo(29, 10)
  })

  it('sorts by size, not by spelling', () => {
    expect(quantile([100, 9, 20], 0.5)).toBe(20)
  })

  it('refuses an empty series and what is no number', () => {
    expect(() => quantile([], 0.5)).toThrow('no samples')
    expect(() => quantile([1, Number.NaN], 0.5)).toThrow('not a number')
  })

  it('stays between the least and the most, and grows with the share', () => {
    const series = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 })
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(series, share, share, (samples, one, other) => {
        const [low, high] = [quantile(samples, Math.min(one, other)), quantile(samples, Math.max(one, other))]
        const slack = 1e-6
        expect(low).toBeLessThanOrEqual(high + slack)
        expect(low).toBeGreaterThanOrEqual(Math.min(...samples) - slack)
        expect(high).toBeLessThanOrEqual(Math.max(...samples) + slack)
      }),
    )
  })
})

describe('summary', () => {
  it('keeps the samples in their order', () => {
    expect(summary([3, 1, 2])).toEqual({ median: 2, p99: 2.98, least: 1, most: 3, samples: [3, 1, 2] })
  })
})

describe('timesBetter', () => {
  it('is above 1 for the better side, whichever way the unit points', () => {
    expect(timesBetter(10_000, 1_000, 'more')).toBe(10)
    expect(timesBetter(0.2, 0.4, 'less')).toBe(2)
    expect(timesBetter(0.4, 0.2, 'less')).toBe(0.5)
  })
})

describe('longestGap', () => {
  it('is the widest pause between two answers', () => {
    expect(longestGap([0, 6, 12, 300, 306])).toBe(288)
  })

  it('is nothing without two answers', () => {
    expect(longestGap([])).toBe(0)
    expect(longestGap([7])).toBe(0)
  })
})
