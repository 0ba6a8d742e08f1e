import type { ManagedKeySummary, ManagedSink } from '../key.ts'
import type { Snapshot } from '../snapshot.ts'
import { count, longDate, plainText } from './format.ts'

/** From here on a key counts as near its end. */
export const nearEndDays = 30

/** How long a copied secret stays on the clipboard, ms. */
export const clipboardMs = 45_000

/** Days before the end of a key at which there is a notice: each once, and every day after the last. */
export const noticeDays = [30, 14, 7, 3, 1, 0] as const

type Nearness = Pick<ManagedKeySummary, 'daysLeft' | 'trouble'>

/** Whether a key is near its end, past it, or does not work. */
export const isUrgent = ({ daysLeft, trouble }: Nearness): boolean =>
  trouble !== undefined || (daysLeft !== null && daysLeft <= nearEndDays)

/** Those that do not work first, then by their ends. */
export function byUrgency<K extends Nearness>(keys: readonly K[]): K[] {
  const weight = ({ daysLeft, trouble }: K): number =>
    trouble === undefined ? (daysLeft ?? Number.POSITIVE_INFINITY) : Number.NEGATIVE_INFINITY
  return keys.toSorted((a, b) => {
    const [weightA, weightB] = [weight(a), weight(b)]
    return weightA === weightB ? 0 : weightA < weightB ? -1 : 1
  })
}

/** The managed keys that need action, the most urgent first. */
export const urgentKeys = ({ managedKeys }: Pick<Snapshot, 'managedKeys'>): ManagedKeySummary[] =>
  byUrgency((managedKeys ?? []).filter(isUrgent))

/** "9 days left". */
export function daysLeftText(daysLeft: number | null): string {
  if (daysLeft === null) return 'never ends'
  if (daysLeft < 0) return 'ended'
  return daysLeft <= 1 ? 'ends within a day' : `${count(daysLeft, 'day')} left`
}

/** "until Saturday 21 March 2026"; nothing for a key that never ends. */
export function untilText({
  expirationDate,
  daysLeft,
}: Pick<ManagedKeySummary, 'expirationDate' | 'daysLeft'>): string {
  if (expirationDate === null) return ''
  return `${daysLeft !== null && daysLeft < 0 ? 'on' : 'until'} ${longDate(Date.parse(expirationDate))}`
}

/** A key in one line: "zot-ci: 9 days left". */
const keyTitle = ({ user, daysLeft, trouble }: ManagedKeySummary): string =>
  `${user}: ${trouble ?? daysLeftText(daysLeft)}`

/** What follows if nothing is done: one sentence about the most urgent, one about the others. */
export function keyReason(keys: readonly ManagedKeySummary[]): string {
  const [first, ...otherKeys] = keys
  if (!first) return ''
  const more =
    otherKeys.length === 0
      ? ''
      : ` ${count(otherKeys.length, 'other key')} ${otherKeys.length === 1 ? 'wants' : 'want'} something too.`
  return `${consequence(first)}${more}`
}

function consequence({ user, daysLeft, trouble }: ManagedKeySummary): string {
  if (trouble !== undefined) return `What signs in with the key of ${user} is refused: ${trouble}.`
  if (daysLeft === null) return ''
  if (daysLeft < 0) return `The key of ${user} has ended; what uses it is refused.`
  const withinText = daysLeft <= 1 ? 'within a day' : `in ${count(daysLeft, 'day')}`
  return `What uses the key of ${user} is refused ${withinText} if it is not rotated.`
}

/** For the side bar: how much is left of the most urgent key. */
export function keyBadge(
  snapshot: Pick<Snapshot, 'managedKeys'>,
): { text: string; description: string } | undefined {
  const [first] = urgentKeys(snapshot)
  if (!first) return undefined
  const { user, daysLeft, trouble } = first
  const description = `the key of ${user}: ${trouble ?? daysLeftText(daysLeft)}`
  if (trouble !== undefined || daysLeft === null || daysLeft < 0) return { text: '!', description }
  return { text: `${daysLeft}\u00a0d`, description }
}

/** One line for each key, for a terminal. */
export const keyLines = ({ managedKeys }: Pick<Snapshot, 'managedKeys'>): string[] =>
  byUrgency(managedKeys ?? []).map(key => {
    const ends =
      key.expirationDate === null || key.trouble !== undefined ? '' : `, ${key.expirationDate.slice(0, 10)}`
    const rotate =
      key.shouldRotate || key.trouble !== undefined ? `. Rotate it: zotbar keys rotate ${key.user}` : ''
    return plainText(`${keyTitle(key)}${ends}${rotate}`)
  })

/** The state of a sink, for a narrow column. */
export const sinkStateText: Record<ManagedSink['state'], string> = {
  proven: 'read back',
  accepted: 'accepted',
  stale: 'another key',
  unknown: 'not yet',
  failed: 'not taken',
}

/** The life of a key as a sentence: "9 of 90 days are left". Times in ms. */
export function lifetimeText(from: number, untilDate: number, now: number): string {
  const days = (ms: number): number => Math.max(0, Math.floor(ms / 86_400_000))
  if (untilDate <= now) return `It has ended; it lived for ${count(days(untilDate - from), 'day')}`
  const daysLeft = days(untilDate - now)
  return `${daysLeft} of ${count(days(untilDate - from), 'day')} ${daysLeft === 1 ? 'is' : 'are'} left`
}
