import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesPerDay, daily, daysToFull, growth, type Sample, thin } from '../../../core/storage/samples.ts'

const hour = 3_600_000
const day = 24 * hour
const now = Date.parse('2026-03-12T14:00:00Z')
const gb = 1e9

/** One sample every `step` for `days`, the last one now. */
const series = (days: number, step: number, bytesAt: (day: number) => number): Sample[] =>
  Array.from({ length: Math.floor((days * day) / step) + 1 }, (_, at): Sample => {
    const age = days * day - at * step
    return [now - age, Math.round(bytesAt((at * step) / day))]
  })

describe('thinning', () => {
  it('keeps a few hundred samples of two years of five-minute ones', () => {
    let samples: Sample[] = []
    for (const sample of series(30, 5 * 60_000, d => d)) samples = thin([...samples, sample], sample[0])
    for (const at of [1, 6, 29])
      expect(samples.some(([t]) => Math.abs(t - (now - at * day)) < day)).toBe(true)
    expect(samples.length).toBeLessThan(288 + 168 + 30)
    const old = thin(
      series(500, hour, d => d),
      now,
    )
    expect(old.length).toBeLessThan(24 + 168 + 400)
    expect(now - (old[0]?.[0] ?? 0)).toBeLessThanOrEqual(400 * day)
  })

  it('never loses the newest, keeps the order, and does nothing the second time', () => {
    const any = fc.uniqueArray(fc.integer({ min: 0, max: 500 * day }), { maxLength: 300 })
    fc.assert(
      fc.property(any, ages => {
        const samples = ages.sort((a, b) => b - a).map((age): Sample => [now - age, age])
        const once = thin(samples, now)
        const young = samples.filter(([at]) => now - at < 400 * day)
        expect(once.at(-1)).toEqual(young.at(-1))
        expect(once).toEqual(once.toSorted((a, b) => a[0] - b[0]))
        expect(thin(once, now)).toEqual(once)
      }),
    )
  })
})

describe('the history', () => {
  it('has one sample a day, at most 31', () => {
    const days = daily(
      series(60, hour, d => d),
      now,
    )
    expect(days.length).toBe(31)
    expect(days.at(-1)).toEqual([now, 60])
  })
})

describe('growth', () => {
  it('is the difference to thirty days ago', () => {
    expect(
      growth(
        series(60, day, d => d * gb),
        now,
      ),
    ).toEqual({ bytes: 30 * gb, days: 30 })
  })
  it('is over what there is when that is less', () => {
    expect(
      growth(
        series(3, hour, d => d * gb),
        now,
      ),
    ).toEqual({ bytes: 3 * gb, days: 3 })
  })
  it('is negative after a clean-up', () => {
    expect(
      growth(
        series(10, day, d => (10 - d) * gb),
        now,
      )?.bytes,
    ).toBe(-10 * gb)
  })
  it('is unknown with less than a day', () => {
    expect(
      growth(
        series(0.9, hour, d => d),
        now,
      ),
    ).toBeUndefined()
    expect(growth([], now)).toBeUndefined()
    expect(growth([[now - 45 * day, 5]], now)).toBeUndefined()
  })
})

describe('days to full', () => {
  const full = (samples: Sample[], free: number) => daysToFull(bytesPerDay(samples, now), free)

  it('follows a steady pace, whether the samples are daily or hourly', () => {
    expect(
      full(
        series(30, day, d => d * gb),
        90 * gb,
      ),
    ).toBeCloseTo(90, 0)
    expect(
      full(
        series(2, hour, d => d * gb),
        90 * gb,
      ),
    ).toBeCloseTo(90, 0)
  })
  it('is not bent by one large push', () => {
    const samples = series(30, day, d => d * gb + (d > 20 ? 500 * gb : 0))
    expect(full(samples, 90 * gb)).toBeGreaterThan(60)
  })
  it('is unknown when the store shrinks, stands still, or fills in centuries', () => {
    expect(
      full(
        series(30, day, d => 100 * gb - d),
        gb,
      ),
    ).toBeUndefined()
    expect(
      full(
        series(30, day, () => 7),
        gb,
      ),
    ).toBeUndefined()
    expect(
      full(
        series(30, day, d => d),
        1e15,
      ),
    ).toBeUndefined()
  })
  it('is never negative, whatever the samples', () => {
    const ages = fc.uniqueArray(fc.integer({ min: 0, max: 60 * day }), { maxLength: 60 })
    fc.assert(
      fc.property(
        ages,
        fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
        fc.integer(),
        (list, bytes, free) => {
          const samples = list.sort((a, b) => b - a).map((age, at): Sample => [now - age, bytes[at] ?? 0])
          const days = full(samples, free)
          expect(days === undefined || (days >= 0 && days <= 36_500)).toBe(true)
        },
      ),
    )
  })
})
