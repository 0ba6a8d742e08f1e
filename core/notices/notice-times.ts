import { noticeDays as milestones } from '../../contract/messages/key-message.ts'

const day = 86_400_000
/** A last notice this far in the future came from a wrong clock. */
const clockErrorMs = 45 * day

/** The last notice that was given about a key: `level` is its milestone, negative for days after the end. */
export interface LastNotice {
  level: number
  /** ms since the epoch. */
  at: number
}

/** The lowest milestone that has been reached: 30 … 0, then -1, -2, … for each day after the end. */
export function levelAt(expiresAt: number, now: number): number | undefined {
  if (now >= expiresAt + day) return -Math.floor((now - expiresAt) / day)
  return milestones.findLast(milestone => now >= expiresAt - milestone * day)
}

/** When the next milestone comes, ms since the epoch. */
export function nextMilestone(expiresAt: number, now: number): number {
  const ahead = milestones.map(milestone => expiresAt - milestone * day).find(at => at > now)
  return ahead ?? expiresAt + (Math.floor((now - expiresAt) / day) + 1) * day
}

/**
 * The milestones that are due and had no notice, highest first: several after a week switched off, which one notice
 * then covers. A clock that goes back makes none of them due again.
 */
export function dueMilestones(expiresAt: number, last: LastNotice | undefined, now: number): number[] {
  const level = levelAt(expiresAt, now)
  if (level === undefined) return []
  const known = last !== undefined && last.at - now < clockErrorMs ? last.level : Number.POSITIVE_INFINITY
  const after = Array.from({ length: Math.max(0, -level) }, (_, index) => -index - 1)
  return [...milestones, ...after].filter(milestone => milestone < known && milestone >= level)
}

/** Minutes after local midnight; `from` after `to` spans midnight. */
export interface QuietHours {
  from: number
  to: number
}

/** "22:00-07:00"; undefined for anything else, and for hours that are all or none. */
export function parseQuietHours(text: string): QuietHours | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text.trim())
  if (!match) return undefined
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = match.slice(1).map(Number)
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute]
  return from === to ? undefined : { from, to }
}

/** When the quiet that `now` lies in ends, ms since the epoch, by the clock on the wall; undefined outside of it. */
export function quietUntil({ from, to }: QuietHours, now: number): number | undefined {
  const date = new Date(now)
  const minute = date.getHours() * 60 + date.getMinutes()
  const quiet = from < to ? minute >= from && minute < to : minute >= from || minute < to
  if (!quiet) return undefined
  const end = new Date(now)
  end.setHours(Math.floor(to / 60), to % 60, 0, 0)
  if (end.getTime() <= now) end.setDate(end.getDate() + 1)
  return end.getTime()
}
