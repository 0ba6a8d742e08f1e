import { isNearEnd } from '../../contract/messages/key-message.ts'
import { daysLeft } from '../../contract/messages/remaining-time.ts'
import { parseDuration } from '../../lib/parse-duration.ts'

/** How keys are rotated, from the settings. */
export interface Policy {
  /** How long a key lives. */
  days: number
  /** How long the old key goes on working after the switch, ms. */
  overlapMs: number
  /** "zotbar/<host>/<date>". */
  label: string
}

export const dayMs = 86_400_000
/** The run itself waits for an overlap up to this. */
export const overlapInRunMs = 60_000
/** The longest overlap: a key that is replaced must not outlive its successor. */
const longestOverlapMs = 30 * dayMs

export const overlapForms = 'a time such as 90s, 30m, 24h or 2d, at most 30d; 0 for none'

/** Parses "24h" or "0" into ms; undefined for anything else, or when it is too long. */
export function parseOverlap(text: string): number | undefined {
  const ms = parseDuration(text)
  return ms !== undefined && ms <= longestOverlapMs ? ms : undefined
}

/** One line that a registry takes, and that is safe to show on a terminal. */
export const isLabel = (text: string): boolean =>
  text.length > 0 && text.length <= 200 && !/[\p{Cc}\p{Bidi_Control}]/u.test(text)

/** The label of a new key. `mark` belongs to this rotation alone: a resumed run finds the key by it. */
export function labelOf(
  template: string,
  facts: { host: string; user: string; at: number; mark: string },
): string {
  const filled = template
    .replaceAll('<host>', facts.host)
    .replaceAll('<user>', facts.user)
    .replaceAll('<date>', new Date(facts.at).toISOString().slice(0, 10))
  return filled === '' ? facts.mark : `${filled}-${facts.mark}`
}

/** The part of a label that is the same for every key of a user. */
export function labelPrefix(template: string, facts: { host: string; user: string }): string {
  const start = template.split('<date>')[0] ?? ''
  return start.replaceAll('<host>', facts.host).replaceAll('<user>', facts.user)
}

export interface ExpiryState {
  daysLeft: number | null
  nearEnd: boolean
  shouldRotate: boolean
}

/** How close a key is to its expiry: near with 30 days left; to be rotated in the last sixth, from day 75 of 90 on. */
export function expiryState(
  key: { createdAt: string; expirationDate: string | null },
  now: number,
): ExpiryState {
  if (key.expirationDate === null) return { daysLeft: null, nearEnd: false, shouldRotate: false }
  const end = Date.parse(key.expirationDate)
  const life = Math.max(0, end - Date.parse(key.createdAt))
  const remainingMs = end - now
  return {
    daysLeft: daysLeft(key.expirationDate, now),
    nearEnd: isNearEnd(key.expirationDate, now),
    shouldRotate: remainingMs <= Math.min(15 * dayMs, life / 6),
  }
}
