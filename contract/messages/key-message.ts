import type { EndingKey, ManagedKeySummary, ManagedSink } from '../key.ts'
import type { Snapshot } from '../snapshot.ts'
import { count, isoMinute, plainText } from './format.ts'
import { labelled, replaceHint } from './key-end-message.ts'
import { daysLeft, endsWhen, remainingTime, shortRemaining } from './remaining-time.ts'

/** From here on a key counts as near its end. */
const nearEndDays = 30

/** How long a copied secret stays on the clipboard, ms. */
export const clipboardMs = 45_000

/** Days before the end of a key at which there is a notice: each once, and every day after the last. */
export const noticeDays = [30, 14, 7, 3, 1, 0] as const

/** Whether a key ends within 30 days, or has ended. `end`: RFC 3339; null: never. */
export function isNearEnd(end: string | null, now: number): boolean {
  const days = daysLeft(end, now)
  return days !== null && days <= nearEndDays
}

type Nearness = Pick<ManagedKeySummary, 'expirationDate' | 'trouble'>

/** Whether a key is near its end, past it, or does not work. */
export const isUrgent = ({ expirationDate, trouble }: Nearness, now: number): boolean =>
  trouble !== undefined || isNearEnd(expirationDate, now)

/** Those that do not work first, then by their ends. */
export function byUrgency<K extends Nearness>(keys: readonly K[]): K[] {
  const weight = ({ expirationDate, trouble }: K): number => {
    if (trouble !== undefined) return Number.NEGATIVE_INFINITY
    return expirationDate === null ? Number.POSITIVE_INFINITY : Date.parse(expirationDate)
  }
  return keys.toSorted((a, b) => {
    const [weightA, weightB] = [weight(a), weight(b)]
    return weightA === weightB ? 0 : weightA < weightB ? -1 : 1
  })
}

/** A key that is shown because it wants something, or, if managed, that is shown anyway. */
export interface ShownKey extends Nearness {
  user: string
  uuid: string
  /** What people call it: its user, with the label where it is not managed. */
  name: string
  createdAt?: string
  managed: boolean
  shouldRotate: boolean
}

type KeysIn = Pick<Snapshot, 'managedKeys' | 'endingKeys'>

const managedKey = (key: ManagedKeySummary): ShownKey => ({ ...key, name: key.user, managed: true })

const endingKey = (key: EndingKey): ShownKey => ({
  ...key,
  name: labelled(key.user, key.label),
  managed: false,
  shouldRotate: false,
})

/** The managed keys, and the others that end soon or ended lately; the most urgent first. */
export const shownKeys = ({ managedKeys = [], endingKeys }: KeysIn): ShownKey[] =>
  byUrgency([...managedKeys.map(managedKey), ...(endingKeys?.keys ?? []).map(endingKey)])

/** How many keys end soon and are not in the snapshot one by one. */
export const unlistedKeys = ({ endingKeys }: KeysIn): number =>
  endingKeys === undefined ? 0 : endingKeys.count - endingKeys.keys.length

/** The keys that need action, the most urgent first. */
export const urgentKeys = (keys: KeysIn, now: number): ShownKey[] =>
  shownKeys(keys).filter(key => isUrgent(key, now))

/** "9 days left", or why it does not work. */
export const keyState = ({ expirationDate, trouble }: Nearness, now: number): string =>
  trouble ?? remainingTime(expirationDate, now)

/** What follows if nothing is done: one sentence about the most urgent, one about the others. */
export function keyReason(keys: KeysIn, now: number): string {
  const [first, ...rest] = urgentKeys(keys, now)
  if (!first) return ''
  const others = rest.length + unlistedKeys(keys)
  const more =
    others === 0 ? '' : ` ${count(others, 'other key')} ${others === 1 ? 'wants' : 'want'} something too.`
  return `${consequence(first, now)}${more}`
}

function consequence({ name, expirationDate, trouble, managed }: ShownKey, now: number): string {
  if (trouble !== undefined) return `What signs in with the key of ${name} is refused: ${trouble}.`
  if (expirationDate === null) return ''
  const end = Date.parse(expirationDate)
  if (end <= now) return `The key of ${name} has ended; what uses it is refused.`
  const unless = managed ? 'if it is not rotated' : 'if no other key takes its place'
  return `What uses the key of ${name} is refused ${endsWhen(end, now)} ${unless}.`
}

/** For the side bar: how much is left of the most urgent key. */
export function keyBadge(keys: KeysIn, now: number): { text: string; description: string } | undefined {
  const [first] = urgentKeys(keys, now)
  if (!first) return undefined
  const { name, expirationDate, trouble } = first
  const hasEnded = expirationDate !== null && Date.parse(expirationDate) <= now
  return {
    text: trouble !== undefined || hasEnded ? '!' : shortRemaining(expirationDate, now),
    description: `the key of ${name}: ${keyState(first, now)}`,
  }
}

/** One line for each key, for a terminal. */
export function keyLines(keys: KeysIn, now: number): string[] {
  const lines = shownKeys(keys).map(key => {
    const { expirationDate, trouble, managed, shouldRotate, user, uuid } = key
    const days = daysLeft(expirationDate, now)
    // "ends tomorrow 06:55" has it already.
    const date =
      expirationDate === null || trouble !== undefined || days === 0 || days === 1
        ? ''
        : `, ${isoMinute(Date.parse(expirationDate))}`
    const rotate = managed && (shouldRotate || trouble !== undefined)
    const hint = rotate
      ? `. Rotate it: zotbar keys rotate ${user}`
      : managed
        ? ''
        : `. ${replaceHint(user)}; then zotbar keys revoke ${uuid}`
    return plainText(`${key.name}: ${keyState(key, now)}${date}${hint}`)
  })
  const more = unlistedKeys(keys)
  return more === 0 ? lines : [...lines, plainText(`and ${count(more, 'more key')}: zotbar keys list`)]
}

/** The state of a sink, for a narrow column. */
export const sinkStateText: Record<ManagedSink['state'], string> = {
  proven: 'read back',
  accepted: 'accepted',
  stale: 'another key',
  unknown: 'not yet',
  failed: 'not taken',
}
