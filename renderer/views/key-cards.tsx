import { useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { ApiKey } from '../../contract/key.ts'
import { count } from '../../contract/messages/format.ts'
import { clipboardMs, noticeDays } from '../../contract/messages/key-message.ts'
import { endsWhen } from '../../contract/messages/remaining-time.ts'
import { announce } from '../ui/announcer.tsx'
import { Button } from '../ui/button.tsx'
import { Copy } from '../ui/copy.tsx'
import { FullOnly } from './full-only.tsx'
import { Refused } from './headline.tsx'
import { useStore } from './view-model.tsx'

const day = 86_400_000

/** Which notices about a key were due, and when the next one is. */
export function NoticesCard({
  apiKey,
  now,
}: {
  apiKey: Pick<ApiKey, 'user' | 'expirationDate'>
  now: number
}) {
  const { keys } = useStore()
  const [failure, setFailure] = useState<Failure>()
  const [snoozed, setSnoozed] = useState<{ user: string; until: number }>()
  const { user, expirationDate } = apiKey
  if (expirationDate === null) return null
  const dueAt = (days: number): number => Date.parse(expirationDate) - days * day
  const next = noticeDays.find(days => dueAt(days) > now)
  const started = dueAt(noticeDays[0]) <= now
  const nextText =
    snoozed?.user === user && snoozed.until > now
      ? `none until ${endsWhen(snoozed.until, now)}`
      : next === undefined
        ? 'every day now'
        : `next ${endsWhen(dueAt(next), now)}`

  async function snooze(): Promise<void> {
    const answer = await keys.snooze({ user, for: '1d' })
    setFailure(answer.ok ? undefined : answer.error)
    if (!answer.ok) return
    setSnoozed({ user, until: Date.parse(answer.value.until) })
    announce(`No notice about the keys of ${user} for a day`)
  }

  return (
    <section className="card pad" aria-labelledby="notices">
      <header>
        <h2 id="notices">Notices for {user}</h2>
        <p className="label">{nextText}</p>
      </header>
      <ol className="notices">
        {noticeDays.map((days, index) => {
          const due = dueAt(days) <= now
          return (
            <li key={days} className={due ? 'due' : ''}>
              {index === 0 || due ? count(days, 'day') : days}
              <span className="vh">{due ? ': was due' : ` ${days === 1 ? 'day' : 'days'}: to come`}</span>
            </li>
          )
        })}
      </ol>
      <p className="small two">
        Each is sent once, also after sleep. Ticks on the bars show the first three.
      </p>
      {failure && <Refused failure={failure} />}
      {started && (
        <div className="act">
          <FullOnly>
            <Button small onPress={() => void snooze()}>
              Snooze for a day
            </Button>
          </FullOnly>
        </div>
      )}
    </section>
  )
}

/** Where secrets lie, and how one of them gets out. `store`: "the keychain". */
export function SecretsCard({ store }: { store: string }) {
  const { shell } = useStore()
  return (
    <section className="card pad" aria-labelledby="secrets">
      <header>
        <h2 id="secrets">Where secrets are</h2>
      </header>
      <p className="small two">
        In {store}; each is read back after it was written.{' '}
        {shell === 'electron'
          ? `Nothing here shows one but Show…, which asks first. A copied key leaves the clipboard after ${clipboardMs / 1000} s.`
          : 'This page cannot show one: use zotbar keys show USER, or the app in the menu bar.'}
      </p>
    </section>
  )
}

/** What a managed key is for, and the command that adds one: it names files, hosts and commands, so no page may. */
export function ManageKeyCard({ first }: { first: boolean }) {
  const command = 'zotbar keys manage USER --key-stdin --sink file:PATH'
  return (
    <section className="card pad care" aria-labelledby="care">
      <header>
        <h2 id="care">{first ? 'No managed key yet' : 'Manage another key'}</h2>
      </header>
      <p className="small two">
        {first &&
          'Zotbar replaces a managed key before it ends, delivers the new one to each sink, and revokes the old one. '}
        A key is added on the command line, as that names files, hosts and programs:
      </p>
      <p className="cmd">
        <code>{command}</code>
        <Copy text={command} name="command" />
      </p>
      <p className="small two">
        The key comes on standard input. zotbar keys manage --help names more kinds of sinks.
      </p>
    </section>
  )
}
