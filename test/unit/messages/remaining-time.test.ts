import { afterEach, describe, expect, it } from 'vitest'
import { plainText } from '../../../contract/messages/format.ts'
import {
  daysLeft,
  endDate,
  endsWhen,
  lifetimeText,
  remainingTime,
  shortRemaining,
} from '../../../contract/messages/remaining-time.ts'

const day = 86_400_000
/** 30 November 2026, 18:05, by the clock on the wall. */
const now = new Date(2026, 10, 30, 18, 5).getTime()
const at = (...[d, h, m = 0]: [number, number, number?]): string => new Date(2026, 10, d, h, m).toISOString()

describe('how long a key still lives', () => {
  it.each([
    [null, null, 'never ends', 'never', ''],
    [at(30, 18, 6), 0, 'ends today 18:06', 'today', 'Monday 30 November 2026'],
    [at(30, 23, 59), 0, 'ends today 23:59', 'today', 'Monday 30 November 2026'],
    // Less than 13 hours, and yet not today.
    [at(31, 6, 55), 1, 'ends tomorrow 06:55', '1 d', 'Tuesday 1 December 2026'],
    // Nearly 30 hours, and yet tomorrow.
    [at(31, 23, 59), 1, 'ends tomorrow 23:59', '1 d', 'Tuesday 1 December 2026'],
    [at(32, 0, 0), 2, '2 days left', '2 d', 'until Wednesday 2 December 2026'],
    [at(39, 18, 5), 9, '9 days left', '9 d', 'until Wednesday 9 December 2026'],
    [at(30, 18, 5), -1, 'ended today 18:05', 'ended', 'Monday 30 November 2026'],
    [at(30, 0, 1), -1, 'ended today 00:01', 'ended', 'Monday 30 November 2026'],
    [at(29, 23, 59), -2, 'ended yesterday 23:59', 'ended', 'Sunday 29 November 2026'],
    [at(20, 12), -11, 'ended Fri 20 November 2026', 'ended', 'Friday 20 November 2026'],
  ])('until %s: %s', (end, days, text, short, date) => {
    expect(daysLeft(end, now)).toBe(days)
    expect(plainText(remainingTime(end, now))).toBe(text)
    expect(plainText(shortRemaining(end, now))).toBe(short)
    expect(plainText(endDate(end, now))).toBe(date)
  })

  it('has the same number on its bar as beside it', () => {
    const life = (from: number, end: number, moment: number): string =>
      plainText(lifetimeText(from, end, moment))
    expect(life(now, now + 90 * day, now)).toBe('90 of 90 days are left')
    expect(life(now - 81 * day, now + 9 * day, now)).toBe('9 of 90 days are left')
    expect(life(now - 89 * day, now + day, now)).toBe('It ends tomorrow 18:05; its life is 90 days')
    expect(life(now, now + 12 * 3_600_000, now)).toBe('It ends tomorrow 06:05; its life is 12 h')
    expect(life(now - 91 * day, now - day, now)).toBe('It ended yesterday 18:05; its life was 90 days')
  })

  it('says within a sentence when it ends', () => {
    expect(plainText(endsWhen(now + 9 * day, now))).toBe('in 9 days')
    expect(endsWhen(now + day, now)).toBe('tomorrow 18:05')
    expect(endsWhen(now + 60_000, now)).toBe('today 18:06')
  })
})

describe('by the calendar of the reader', () => {
  const zone = process.env['TZ']
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })

  it.each([
    ['UTC', 'ends tomorrow 03:00'],
    ['America/New_York', 'ends today 22:00'],
    ['Pacific/Auckland', 'ends today 16:00'],
    ['Asia/Kolkata', 'ends tomorrow 08:30'],
  ])('in %s', (name, text) => {
    process.env['TZ'] = name
    expect(remainingTime('2026-12-02T03:00:00Z', Date.parse('2026-12-01T12:00:00Z'))).toBe(text)
  })

  it.each(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'])(
    'counts each night once where clocks change, in %s',
    name => {
      process.env['TZ'] = name
      const end = new Date(2026, 11, 31, 12).getTime()
      for (let left = 365; left >= 2; left -= 1) {
        const moment = new Date(2026, 11, 31 - left, 12).getTime()
        expect(daysLeft(new Date(end).toISOString(), moment)).toBe(left)
      }
    },
  )
})
