import { useState } from 'react'
import type { KeyCreated, KeyWarning } from '../../contract/key.ts'
import { timeOfDay } from '../../contract/messages/format.ts'
import { keyWarningMessage, loginCommand } from '../../contract/messages/key-warning-message.ts'
import { endDate, remainingTime } from '../../contract/messages/remaining-time.ts'
import { Button } from '../ui/button.tsx'
import { Copy } from '../ui/copy.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { FullOnly } from './full-only.tsx'
import { Secret } from './secret.tsx'
import type { FreshKey, FreshKeys } from './use-fresh-keys.ts'
import { useStore } from './view-model.tsx'

/** The keys that were created just now, each until Done. */
export function FreshKeyCards({ fresh, now }: { fresh: FreshKeys; now: number }) {
  const first = fresh.keys.find(({ secret }) => secret === undefined)
  return fresh.keys.map(key => (
    <FreshKeyCard
      key={key.created.uuid}
      fresh={key}
      now={now}
      filled={key === first}
      onShown={secret => fresh.hold(key.created, secret)}
      onDone={() => fresh.done(key.created.uuid)}
    />
  ))
}

/** A key that was just created: its secret, how to sign in with it, and what keeps it from doing what it is for. */
function FreshKeyCard({
  fresh: { created, secret },
  now,
  filled,
  onShown,
  onDone,
}: {
  fresh: FreshKey
  now: number
  /** True where its Reveal is the one filled button of the view. */
  filled: boolean
  onShown: (secret: HTMLElement) => void
  onDone: () => void
}) {
  const { keys } = useStore()
  const [isAsked, setIsAsked] = useState(secret !== undefined)
  const [isLeaving, setIsLeaving] = useState(false)
  const { uuid, user, label, expirationDate, registry, warnings = [] } = created
  const load = () => keys.reveal({ uuid })
  const hasLapsed = secret === undefined && lapsedBy(created, now)
  const date = endDate(expirationDate, now)
  return (
    <section className="card pad made" aria-label={`New key of ${user}`}>
      <h2>The key of {user} is created</h2>
      <p className="label">
        {label === '' ? '' : `${label}; `}
        {[remainingTime(expirationDate, now), date].filter(text => text !== '').join(', ')}
      </p>
      <p className="two">{secretText(created, { isShown: secret !== undefined, hasLapsed })}</p>
      {isAsked && (
        <Secret
          name={`key of ${user}`}
          load={load}
          onShown={onShown}
          {...(secret === undefined ? {} : { held: secret })}
        />
      )}
      {registry !== undefined && (
        <>
          <p className="two small">To sign in with it; the command reads the key from its input:</p>
          <p className="cmd">
            <code>{loginCommand(registry, user)}</code>
            <Copy text={loginCommand(registry, user)} name="command to sign in" />
          </p>
        </>
      )}
      {warnings.map(warning => (
        <Warning key={warning.code} warning={warning} />
      ))}
      <div className="act">
        {!isAsked && !hasLapsed && (
          <FullOnly to="reveal its secret">
            <Button kind={filled ? 'fill' : 'plain'} onPress={() => setIsAsked(true)}>
              Reveal
            </Button>
          </FullOnly>
        )}
        <Button onPress={() => (isAsked || hasLapsed ? onDone() : setIsLeaving(true))}>Done</Button>
      </div>
      {isLeaving && (
        <Sheet
          title="Leave without its secret?"
          body="Nobody can see it afterwards. The key goes on working, and nobody can use it: revoke it then."
          confirm="Leave it"
          onConfirm={() => {
            // Asked for and thrown away: that is how the core forgets it.
            void load()
            onDone()
          }}
          onClose={() => setIsLeaving(false)}
        />
      )}
    </section>
  )
}

const lapsedBy = ({ lapsesAt }: KeyCreated, now: number): boolean =>
  lapsesAt !== undefined && Date.parse(lapsesAt) <= now

function secretText(
  { user, lapsesAt }: KeyCreated,
  { isShown, hasLapsed }: { isShown: boolean; hasLapsed: boolean },
): string {
  if (isShown)
    return `Put it where it is used: a program signs in as ${user} with it for a password. It stays here until Done, also while you look at other views, and cannot be shown again.`
  if (hasLapsed)
    return 'Nobody looked at its secret within ten minutes, so it is gone. Revoke the key and create another.'
  const until = lapsesAt === undefined ? 'within ten minutes' : `until ${timeOfDay(Date.parse(lapsesAt))}`
  return `Its secret can be revealed once, ${until}; nobody can see it after that. A program signs in as ${user} with it for a password.`
}

/** Why the key may not do what it is for, and the rule that is missing. */
function Warning({ warning }: { warning: KeyWarning }) {
  const { title, detail, rule } = keyWarningMessage(warning)
  return (
    <div className="at-hand warning">
      <Glyph name="attention" />
      <div>
        <h3>{title}</h3>
        <p className="small two">{detail}</p>
        {rule && (
          <>
            <p className="small two">{rule.place}</p>
            <p className="cmd">
              <code>{rule.text}</code>
              <Copy text={rule.text} name="rule" />
            </p>
            <p className="small two">{rule.hint}</p>
          </>
        )}
      </div>
    </div>
  )
}
