import { useState } from 'react'
import type { ApiKey } from '../../contract/key.ts'
import { capital, exactMoment, relativeTime } from '../../contract/messages/format.ts'
import { isNearEnd } from '../../contract/messages/key-message.ts'
import { endDate, remainingTime } from '../../contract/messages/remaining-time.ts'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { FullOnly } from './full-only.tsx'
import { NotRevoked } from './not-revoked.tsx'
import { RevokeSheet } from './revoke-sheet.tsx'
import type { Revocation } from './use-revocation.ts'

/** When a key ends, ms since the epoch. */
export const endOf = (key: ApiKey): number =>
  key.expirationDate === null ? Number.POSITIVE_INFINITY : Date.parse(key.expirationDate)

/** "ci, pipeline". */
export const nameOf = ({ user, label }: ApiKey): string => (label === '' ? user : `${user}, ${label}`)

/** In the order of their ends; those that have ended come last, the latest first. */
export const byEnd = (keys: readonly ApiKey[], now: number): ApiKey[] =>
  keys.toSorted((a, b) => {
    const [endA, endB] = [endOf(a), endOf(b)]
    if (endA === endB) return 0
    if (endA <= now && endB <= now) return endB - endA
    if (endA <= now || endB <= now) return endA <= now ? 1 : -1
    return endA < endB ? -1 : 1
  })

/** A key that Zotbar does not manage. */
export function KeyRow({ apiKey, now, revocation }: { apiKey: ApiKey; now: number; revocation: Revocation }) {
  const [asking, setAsking] = useState(false)
  const { user, uuid, label, lastUsed, expirationDate, descendants } = apiKey
  const failed = revocation.failed.find(key => key.uuid === uuid)
  const end = endOf(apiKey)
  const name = nameOf(apiKey)
  const needsAttention = isNearEnd(expirationDate, now)
  return (
    <li>
      <Glyph name={end <= now ? 'off' : needsAttention ? 'attention' : 'fine'} />
      <div className="clip">
        <p className="t">{user}</p>
        <p className="two small clip">{label || 'no label'}</p>
      </div>
      <div>
        <p className="t">{capital(remainingTime(expirationDate, now))}</p>
        {Number.isFinite(end) && (
          <p className="label" title={exactMoment(end)}>
            {endDate(expirationDate, now)}
          </p>
        )}
      </div>
      <p className="label">
        {lastUsed === null ? 'never used' : `last used ${relativeTime(Date.parse(lastUsed), now)}`}
      </p>
      <FullOnly>
        <Button kind="danger" small label={`Revoke the key of ${name}`} onPress={() => setAsking(true)}>
          Revoke…
        </Button>
      </FullOnly>
      {failed && <NotRevoked failed={failed} onDismiss={() => revocation.dismiss(uuid)} />}
      {asking && (
        <RevokeSheet
          name={name}
          consequence="Whatever uses it is refused from now on."
          descendants={descendants}
          onRevoke={leaked => void revocation.revoke([{ uuid, name }], leaked)}
          onClose={() => setAsking(false)}
        />
      )}
    </li>
  )
}
