import type { ApiKey, EndingKey } from '../../contract/key.ts'
import { isNearEnd } from '../../contract/messages/key-message.ts'

const day = 86_400_000
/** A key that was used so shortly before its end is missed by whatever used it. */
const usedLatelyMs = 30 * day
/** How long people are told of a key that has ended and that Zotbar does not rotate: used until lately, or not. */
const toldForMs = { used: 7 * day, unused: day }
/** A managed key that has ended is told so long; its row wants attention until it is rotated or no longer managed. */
const managedToldForMs = 30 * day

/** Until when a key that is not managed is told of, ms since the epoch; undefined for one that never ends. */
export function toldUntil({
  expirationDate,
  lastUsed,
}: Pick<ApiKey, 'expirationDate' | 'lastUsed'>): number | undefined {
  if (expirationDate === null) return undefined
  const end = Date.parse(expirationDate)
  const used = lastUsed !== null && Date.parse(lastUsed) > end - usedLatelyMs
  return end + (used ? toldForMs.used : toldForMs.unused)
}

export const managedToldUntil = (expirationDate: string): number =>
  Date.parse(expirationDate) + managedToldForMs

/** The keys that end within 30 days or have ended lately, in the order of their ends. */
export const endingKeys = (keys: readonly ApiKey[], now: number): EndingKey[] =>
  keys
    .flatMap(({ user, label, uuid, createdAt, expirationDate, lastUsed }) => {
      const until = toldUntil({ expirationDate, lastUsed })
      if (expirationDate === null || until === undefined || until <= now || !isNearEnd(expirationDate, now))
        return []
      return [{ user, label, uuid, createdAt, expirationDate, lastUsed }]
    })
    .toSorted((a, b) => Date.parse(a.expirationDate) - Date.parse(b.expirationDate))
