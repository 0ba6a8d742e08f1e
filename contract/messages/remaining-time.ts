import { calendarDays, count, duration, longDate, relativeTime, timeOfDay } from './format.ts'

/**
 * How long a key still lives, for every page, list, notice and terminal. One rule: nights until the day of its end, in
 * the time zone of the reader. A key of 90 days has 90 left on the day it is created, 1 on the day before its end
 * ("tomorrow") and 0 on the last day ("today"), so that the number and the words never differ.
 */

const day = 86_400_000

/** The end of a key, RFC 3339; null: it never ends. */
type End = string | null

/** Days until the end: 0 on its last day, -1 once it has ended today, -2 from tomorrow on; null: it never ends. */
export function daysLeft(end: End, now: number): number | null {
  if (end === null) return null
  const at = Date.parse(end)
  return at > now ? calendarDays(now, at) : Math.min(0, calendarDays(now, at)) - 1
}

/** "9 days left", "ends tomorrow 06:55", "ends today 18:10", "ended yesterday 06:55", "never ends". */
export function remainingTime(end: End, now: number): string {
  const days = daysLeft(end, now)
  if (end === null || days === null) return 'never ends'
  const at = Date.parse(end)
  if (days < 0) return `ended ${endedWhen(at, now)}`
  return days > 1 ? `${count(days, 'day')} left` : `ends ${endsWhen(at, now)}`
}

/** Within a sentence, of an end that is to come: "in 9 days", "tomorrow 06:55", "today 18:10". */
export function endsWhen(at: number, now: number): string {
  const days = calendarDays(now, at)
  if (days > 1) return `in ${count(days, 'day')}`
  return `${days === 1 ? 'tomorrow' : 'today'} ${timeOfDay(at)}`
}

/** "today 06:55", "yesterday 06:55", "Sat 21 March 2026". */
function endedWhen(at: number, now: number): string {
  return calendarDays(at, now) === 0 ? `today ${timeOfDay(at)}` : relativeTime(at, now)
}

/**
 * The date beside it: "until Saturday 21 March 2026", or the date alone where the day is named already; nothing for a
 * key that never ends.
 */
export function endDate(end: End, now: number, format: (at: number) => string = longDate): string {
  const days = daysLeft(end, now)
  if (end === null || days === null) return ''
  const date = format(Date.parse(end))
  return days > 1 ? `until ${date}` : date
}

/** For a badge and a column of days: "9 d", "1 d", "today"; "ended", and "never". */
export function shortRemaining(end: End, now: number): string {
  const days = daysLeft(end, now)
  if (days === null) return 'never'
  if (days < 0) return 'ended'
  return days === 0 ? 'today' : `${days}\u00a0d`
}

/**
 * The life of a key in one sentence, times in ms: "9 of 90 days are left", "It ends tomorrow 06:55; its life is 90 days".
 */
export function lifetimeText(from: number, endsAt: number, now: number): string {
  const life = endsAt - from < day ? duration(endsAt - from) : count(calendarDays(from, endsAt), 'day')
  const end = new Date(endsAt).toISOString()
  const days = daysLeft(end, now)
  if (days === null || days < 2)
    return `It ${remainingTime(end, now)}; its life ${days !== null && days < 0 ? 'was' : 'is'} ${life}`
  return `${days} of ${life} are left`
}
