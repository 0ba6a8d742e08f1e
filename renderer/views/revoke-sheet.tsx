import { useState } from 'react'
import { count } from '../../contract/messages/format.ts'
import { Sheet } from '../ui/sheet.tsx'

/** Asks before a key is revoked, and whether it has leaked: then what was created with it goes too. */
export function RevokeSheet({
  name,
  consequence,
  descendants,
  onRevoke,
  onClose,
}: {
  /** "ci, pipeline". */
  name: string
  consequence: string
  /** How many keys were created with it; undefined where the engine does not know. */
  descendants: number | undefined
  onRevoke: (leaked: boolean) => void
  onClose: () => void
}) {
  const [hasLeaked, setHasLeaked] = useState(false)
  const all = hasLeaked ? (descendants ?? 0) + 1 : 1
  return (
    <Sheet
      title={`Revoke the key of ${name}?`}
      body={`${consequence}\nIt cannot be taken back.`}
      confirm={all === 1 ? 'Revoke' : `Revoke ${count(all, 'key')}`}
      onConfirm={() => onRevoke(hasLeaked)}
      onClose={onClose}
    >
      {descendants === undefined ? (
        <p className="small two leak">Which keys were created with it is not known with this engine.</p>
      ) : (
        <div className="leak">
          <label>
            <input
              type="checkbox"
              checked={hasLeaked}
              onChange={event => setHasLeaked(event.target.checked)}
            />
            It has leaked
          </label>
          <p className="small two" role="status">
            {descendantsText(descendants, hasLeaked)}
          </p>
        </div>
      )}
    </Sheet>
  )
}

function descendantsText(descendants: number, hasLeaked: boolean): string {
  if (descendants === 0) return 'No other key was created with it.'
  const [keys, were] = [count(descendants, 'key'), descendants === 1 ? 'was' : 'were']
  return hasLeaked
    ? `${keys} that ${were} created with it ${descendants === 1 ? 'is' : 'are'} revoked too: whoever had it may have created them.`
    : `${keys} that ${were} created with it ${descendants === 1 ? 'goes' : 'go'} on working.`
}
