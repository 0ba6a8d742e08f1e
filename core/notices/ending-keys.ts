import type { ApiKey, EndingKey } from '../../contract/key.ts'
import { isNearEnd } from '../../contract/messages/key-message.ts'

const day = 86_400_000
/** A key that was used so shortly before its end is missed by whatever used it. */
const usedLatelyMs = 30 * day
/** How long notices are given of a key that has ended and that Zotbar does not rotate: used until lately, or not. */
const noticesForMs = { used: 7 * day, unused: day }
/** So long of a managed key that has ended; its row wants attention until it is rotated or no longer managed. */
const managedNoticesForMs = 30 * day

/** Until when notices of a key that is not managed are given, ms since the epoch; undefined: it never ends. */
export function noticesUntil({
  expirationDate,
  lastUsed,
}: Pick<ApiKey, 'expirationDate' | 'lastUsed'>): number | undefined {
  if (expirationDate === null) return undefined
  const end = Date.parse(expirationDate)
  const used = lastUsed !== null && Date.parse(lastUsed) > end - usedLatelyMs
  return end + (used ? noticesForMs.used : noticesForMs.unused)
}

export const managedNoticesUntil = (expirationDate: string): number =>
  Date.parse(expirationDate) + managedNoticesForMs

/** The keys that end within 30 days or have ended lately, in the order of their ends. */
export const endingKeys = (keys: readonly ApiKey[], now: number): EndingKey[] =>
  keys
    .flatMap(({ user, label, uuid, createdAt, expirationDate, lastUsed }) => {
      const until = noticesUntil({ expirationDate, lastUsed })
      if (expirationDate === null || until === undefined || until <= now || !isNearEnd(expirationDate, now))
        return []
      return [{ user, label, uuid, createdAt, expirationDate, lastUsed }]
    })
    .toSorted((a, b) => Date.parse(a.expirationDate) - Date.parse(b.expirationDate))
