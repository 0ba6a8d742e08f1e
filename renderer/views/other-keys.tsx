import { useState } from 'react'
import type { ApiKey } from '../../contract/key.ts'
import { capital, exactMoment, relativeTime } from '../../contract/messages/format.ts'
import { isNearEnd } from '../../contract/messages/key-message.ts'
import { endDate, remainingTime } from '../../contract/messages/remaining-time.ts'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { FullOnly } from './full-only.tsx'

/** When a key ends, ms since the epoch. */
export const endOf = (key: ApiKey): number =>
  key.expirationDate === null ? Number.POSITIVE_INFINITY : Date.parse(key.expirationDate)

/** A key that Zotbar does not manage. */
export function KeyRow({ apiKey, now, onRevoke }: { apiKey: ApiKey; now: number; onRevoke: () => void }) {
  const [asking, setAsking] = useState(false)
  const { user, label, lastUsed, expirationDate } = apiKey
  const end = endOf(apiKey)
  const name = label === '' ? user : `${user}, ${label}`
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
      {asking && (
        <Sheet
          title={`Revoke the key of ${name}?`}
          body="Whatever uses it is refused from now on. It cannot be taken back."
          confirm="Revoke"
          onConfirm={onRevoke}
          onClose={() => setAsking(false)}
        />
      )}
    </li>
  )
}
