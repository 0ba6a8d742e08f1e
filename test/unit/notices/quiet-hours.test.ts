import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseQuietHours, quietUntil } from '../../../core/notices/notice-times.ts'

const zone = process.env['TZ']
beforeEach(() => {
  process.env['TZ'] = 'Europe/Berlin'
})
afterEach(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

const night = { from: 22 * 60, to: 7 * 60 }
const at = (text: string): number => new Date(text).getTime()

describe('quiet hours', () => {
  it.each([
    ['22:00-07:00', night],
    ['12:30-13:00', { from: 750, to: 780 }],
  ])('reads %s', (text, hours) => {
    expect(parseQuietHours(text)).toEqual(hours)
  })

  it.each(['', '22-7', '24:00-07:00', '07:00-07:00', '22:00-07:60', 'night'])('refuses "%s"', text => {
    expect(parseQuietHours(text)).toBeUndefined()
  })

  it('spans midnight', () => {
    expect(quietUntil(night, at('2026-03-10T23:15:00'))).toBe(at('2026-03-11T07:00:00'))
    expect(quietUntil(night, at('2026-03-11T06:59:59'))).toBe(at('2026-03-11T07:00:00'))
    expect(quietUntil(night, at('2026-03-11T07:00:00'))).toBeUndefined()
    expect(quietUntil(night, at('2026-03-11T21:59:00'))).toBeUndefined()
  })

  it('ends by the clock on the wall in the night when summer time begins', () => {
    const until = quietUntil(night, at('2026-03-28T23:00:00'))
    expect(until).toBe(at('2026-03-29T07:00:00'))
    expect((until ?? 0) - at('2026-03-28T23:00:00')).toBe(7 * 3_600_000)
  })
})
