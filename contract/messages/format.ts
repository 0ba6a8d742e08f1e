/** Numbers and times as people read them. A non-breaking space stands between a number and its unit. */

const nbsp = '\u00a0'
const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Bytes in decimal units with three significant digits: 41200000000 -> "41.2 GB". */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = Math.max(0, count)
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)}${nbsp}${units[unit]}`
}

/** "58 repositories", "1 tag", "12,000 tags". */
export function count(n: number, singular: string, many = `${singular}s`): string {
  return `${n.toLocaleString('en-GB')}${nbsp}${n === 1 ? singular : many}`
}

/** A span of ms: "0.4 s", "40 s", "12 min", "6 h 12 min", "3 d 4 h". */
export function duration(ms: number): string {
  const formatMs = Math.max(0, ms)
  if (formatMs < 9_950) return `${(formatMs / second).toFixed(1)}${nbsp}s`
  if (formatMs < 59_500) return `${Math.round(formatMs / second)}${nbsp}s`
  const minutes = Math.round(formatMs / minute)
  if (minutes < 60) return `${minutes}${nbsp}min`
  if (formatMs < day) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(formatMs / hour)
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function pair(high: number, highUnit: string, low: number, lowUnit: string): string {
  const first = `${high}${nbsp}${highUnit}`
  return low === 0 ? first : `${first} ${low}${nbsp}${lowUnit}`
}

/** Whole seconds left until `at`, never negative: "14 s". */
export const secondsUntil = (at: number, now: number): string =>
  `${Math.max(0, Math.ceil((at - now) / second))}${nbsp}s`

/** Time of day: "14:02". */
export const timeOfDay = (at: number): string =>
  new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })

/** Time of day with seconds: "14:02:06". */
export const exactTime = (at: number): string => new Date(at).toLocaleTimeString('en-GB')

/** The whole moment, for tooltips: "Thursday 12 March 2026, 14:02:06". */
export const exactMoment = (at: number): string => `${longDate(at)}, ${exactTime(at)}`

/** "Thursday 12 March 2026". */
export const longDate = (at: number): string =>
  new Date(at)
    .toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
    .replace(',', '')

/** For tables on a terminal, as the clock on the wall has it: "2026-03-12 14:02". */
export function isoMinute(at: number): string {
  const date = new Date(at)
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}

/** "40 s ago" up to an hour, then "today 13:47", "yesterday 13:47", "Sat 21 March 2026". */
export function relativeTime(at: number, now: number): string {
  const age = now - at
  if (age < 1_500) return 'just now'
  if (age < minute) return `${Math.round(age / second)}${nbsp}s ago`
  if (age < hour) return `${Math.floor(age / minute)}${nbsp}min ago`
  const days = dayNumber(now) - dayNumber(at)
  if (days <= 0) return `today ${timeOfDay(at)}`
  if (days === 1) return `yesterday ${timeOfDay(at)}`
  return shortDate(at)
}

/** "Sat 21 March 2026". */
const shortDate = (at: number): string =>
  new Date(at)
    .toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' })
    .replace(',', '')

/** A future or past moment within a sentence: "14:09" today, "tomorrow 14:09", else "Sat 21 March 2026". */
export function atTime(at: number, now: number): string {
  const days = dayNumber(at) - dayNumber(now)
  if (days === 0) return timeOfDay(at)
  if (at < now) return relativeTime(at, now)
  return days === 1 ? `tomorrow ${timeOfDay(at)}` : shortDate(at)
}

/** Nights from one moment to another, by the calendar of the reader; both in ms since the epoch. */
export const calendarDays = (from: number, to: number): number => dayNumber(to) - dayNumber(from)

function dayNumber(at: number): number {
  const date = new Date(at)
  return Math.floor((at - date.getTimezoneOffset() * minute) / day)
}

/** An estimate in days, in the unit a person would use: 340 -> "about 11 months". */
export function aboutDays(days: number): string {
  if (days < 1) return 'less than a day'
  if (days < 60) return `about ${count(Math.round(days), 'day')}`
  if (days < 730) return `about ${count(Math.round(days / 30.4), 'month')}`
  return days < 3650 ? `about ${count(Math.round(days / 365), 'year')}` : 'more than 10 years'
}

/** "one", "two" ... "nine", then digits: for numbers inside a sentence. */
export function numberWord(n: number): string {
  return ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'][n] ?? String(n)
}

/** Shortens a long repository name in the middle; the last segment stays whole where it can. */
export function shortName(name: string, limit: number): string {
  if (name.length <= limit) return name
  const last = name.slice(name.lastIndexOf('/'))
  const tail = last.length < limit - 4 ? last : name.slice(-(limit - 5))
  return `${name.slice(0, limit - tail.length - 1)}…${tail}`
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** For terminals and JSON, where a non-breaking space only gets in the way. */
export const plainText = (text: string): string => text.replaceAll(nbsp, ' ')

export const isDigest = (reference: string): boolean =>
  /^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$/.test(reference)

/** "team/app:1", or "team/app@sha256:...". */
export const imageReference = (repository: string, reference: string): string =>
  `${repository}${isDigest(reference) ? '@' : ':'}${reference}`

/** The same as clients take it: by digest where they take the tag for none, or a shell for something to run. */
export const pullReference = (repository: string, tag: string, digest: string): string =>
  imageReference(repository, /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(tag) ? tag : digest)

/**
 * What a command line runs, without its path and arguments: "/usr/bin/python3 -m x" -> "python3". Zotbar's own programs
 * are all run by Node, which says nothing: "zotbar-registry", or "Zotbar" for the core.
 */
export function programName(command: string): string {
  if (/\/zotbar-registry\.mjs(?= |$)/.test(command)) return 'zotbar-registry'
  if (/\/dist\/core\/main\.mjs(?= |$)/.test(command)) return 'Zotbar'
  return command.split(' ')[0]?.split('/').at(-1) || command
}

/** "python3 (process 4182)", or "Another program" where nothing is known of it. */
export function holder(by: { pid?: number | undefined; command?: string | undefined }): string {
  const name = by.command ?? 'Another program'
  return by.pid === undefined ? name : `${name} (process ${by.pid})`
}
