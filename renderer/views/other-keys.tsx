import { useState } from 'react'
import type { ApiKey } from '../../contract/key.ts'
import { count, exactMoment, longDate, relativeTime } from '../../contract/messages/format.ts'
import { nearEndDays } from '../../contract/messages/key-message.ts'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { FullOnly } from './full-only.tsx'

const day = 86_400_000

/** When a key ends, ms since the epoch. */
export const endOf = (key: ApiKey): number =>
  key.expirationDate === null ? Number.POSITIVE_INFINITY : Date.parse(key.expirationDate)

/** A key that Zotbar does not manage. */
export function KeyRow({ apiKey, now, onRevoke }: { apiKey: ApiKey; now: number; onRevoke: () => void }) {
  const [asking, setAsking] = useState(false)
  const { user, label, lastUsed } = apiKey
  const end = endOf(apiKey)
  const name = label === '' ? user : `${user}, ${label}`
  const needsAttention = end - now < nearEndDays * day
  return (
    <li>
      <Glyph name={end <= now ? 'off' : needsAttention ? 'attention' : 'fine'} />
      <div className="clip">
        <p className="t">{user}</p>
        <p className="two small clip">{label || 'no label'}</p>
      </div>
      <div>
        <p className="t">{life(end, now)}</p>
        {Number.isFinite(end) && (
          <p className="label" title={exactMoment(end)}>
            {end <= now ? 'on' : 'until'} {longDate(end)}
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

function life(end: number, now: number): string {
  if (!Number.isFinite(end)) return 'Never ends'
  if (end <= now) return 'Ended'
  const days = Math.floor((end - now) / day)
  return days === 0 ? 'Ends today' : `${count(days, 'day')} left`
}
