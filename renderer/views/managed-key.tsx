import { useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { KeyProof, ManagedKey } from '../../contract/key.ts'
import { capital, exactMoment, relativeTime } from '../../contract/messages/format.ts'
import { isNearEnd, sinkStateText } from '../../contract/messages/key-message.ts'
import { endDate, lifetimeText, remainingTime } from '../../contract/messages/remaining-time.ts'
import { announce } from '../ui/announcer.tsx'
import { LifeBar } from '../ui/bar.tsx'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Menu } from '../ui/menu.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { FullOnly } from './full-only.tsx'
import { Refused } from './headline.tsx'
import { NotRevoked } from './not-revoked.tsx'
import { RevokeSheet } from './revoke-sheet.tsx'
import { sinkGlyphs } from './rotation-details.tsx'
import { RunParts } from './run-steps.tsx'
import { Secret } from './secret.tsx'
import { momentText } from './snapshot-text.ts'
import type { Revocation } from './use-revocation.ts'
import { useStore } from './view-model.tsx'

/** Whether the user has to act: the key ends soon, or it is not as our record says. */
const keyNeedsAttention = (key: ManagedKey, now: number): boolean =>
  isNearEnd(key.expirationDate, now) ||
  key.drift.some(({ id }) => id !== 'unseen') ||
  key.sinks.some(sink => sink.state === 'failed')

/** A managed key: its lifetime, its sinks, its faults, and its actions. */
export function ManagedKeyRow({
  apiKey,
  descendants,
  now,
  filled,
  revocation,
  onRotate,
  onEndOverlap,
}: {
  apiKey: ManagedKey
  /** How many keys were created with it; undefined where that is not known. */
  descendants: number | undefined
  now: number
  /** True where its Rotate is the one filled button of the view. */
  filled: boolean
  revocation: Revocation
  onRotate: () => void
  onEndOverlap: () => void
}) {
  const { shell, keys } = useStore()
  const { user, label, uuid, retiring, drift, shouldRotate } = apiKey
  const [asking, setAsking] = useState<'revoke' | 'end-overlap'>()
  const [shows, setShows] = useState(false)
  const [proof, setProof] = useState<KeyProof | 'asking'>()
  const [failure, setFailure] = useState<Failure>()
  const failed = revocation.failed.find(key => key.uuid === uuid)
  const needsAttention = keyNeedsAttention(apiKey, now)

  async function prove(): Promise<void> {
    setFailure(undefined)
    setProof('asking')
    const answer = await keys.prove({ user })
    setProof(answer.ok ? answer.value : undefined)
    if (!answer.ok) setFailure(answer.error)
    else announce(answer.value.works ? `The key of ${user} works` : `The key of ${user} does not work`)
  }

  return (
    <li className="cared" aria-label={`Key of ${user}`}>
      <Glyph name={needsAttention ? 'attention' : 'fine'} />
      <div className="clip">
        <p className="t clip">
          {user}
          <span className="vh">{needsAttention ? ': needs attention' : ': in order'}</span>
        </p>
        <p className="two small clip" title={uuid}>
          {label || uuid}
        </p>
      </div>
      <Life apiKey={apiKey} now={now} needsAttention={isNearEnd(apiKey.expirationDate, now)} />
      <SinkList apiKey={apiKey} />
      <div className="doing">
        <FullOnly>
          <Button
            small
            kind={shouldRotate && filled ? 'fill' : 'plain'}
            label={`Rotate the key of ${user}`}
            onPress={onRotate}
          >
            Rotate…
          </Button>
          <Menu
            label={`More about the key of ${user}`}
            items={[
              { label: 'Prove', onPick: () => void prove() },
              ...(shell === 'electron' ? [{ label: 'Show…', onPick: () => setShows(true) }] : []),
              { label: 'Revoke…', onPick: () => setAsking('revoke') },
            ]}
          />
        </FullOnly>
      </div>
      <RetiringKey apiKey={apiKey} now={now} onRevoke={() => setAsking('end-overlap')} />
      {drift.map(({ id, words, repair }) => (
        <div className="under-key drift" key={`${id} ${words}`}>
          <Glyph name={id === 'unseen' ? 'off' : 'attention'} size="s" />
          <p className="small">
            {words} <span className="two">{repair}</span>
          </p>
        </div>
      ))}
      {failure && <Refused failure={failure} />}
      {failed && <NotRevoked failed={failed} onDismiss={() => revocation.dismiss(uuid)} />}
      {proof !== undefined && <Proof user={user} proof={proof} onDone={() => setProof(undefined)} />}
      {shows && (
        <section className="under-key proof" aria-label={`Secret of the key of ${user}`}>
          <Secret
            name={`key of ${user}`}
            load={() => keys.showSecret({ user })}
            onRefused={() => setShows(false)}
          />
          <div className="act">
            <Button small onPress={() => setShows(false)}>
              Hide
            </Button>
          </div>
        </section>
      )}
      {asking === 'revoke' && (
        <RevokeSheet
          name={user}
          consequence="Whatever uses it is refused from now on, and no other key takes its place. To have one take its place, rotate it; where it has leaked, its rotation asks for that too."
          descendants={descendants}
          onRevoke={leaked => void revocation.revoke([{ uuid, name: user }], leaked)}
          onClose={() => setAsking(undefined)}
        />
      )}
      {asking === 'end-overlap' && retiring && (
        <Sheet
          title={`Revoke the old key of ${user} now?`}
          body={`It would go by itself at ${momentText(retiring.retireAt)}. Whatever still uses it is refused from now on.\nIt cannot be taken back.`}
          confirm="Revoke now"
          onConfirm={onEndOverlap}
          onClose={() => setAsking(undefined)}
        />
      )}
    </li>
  )
}

/** Where the key was delivered, each sink with its state. */
function SinkList({ apiKey: { user, sinks } }: { apiKey: ManagedKey }) {
  return (
    <ul className="places" aria-label={`Sinks of the key of ${user}`}>
      {sinks.length === 0 && (
        <li>
          <Glyph name="off" size="s" />
          <span className="two">no sink</span>
        </li>
      )}
      {sinks.map(sink => (
        <li key={sink.spec} title={`${sink.spec}${sink.words === undefined ? '' : `: ${sink.words}`}`}>
          <Glyph name={sinkGlyphs[sink.state]} size="s" />
          <span className="clip">{sink.title}</span>
          <span className={sink.state === 'failed' ? 'label bad' : 'label'}>{sinkStateText[sink.state]}</span>
        </li>
      ))}
    </ul>
  )
}

/** The key before this one, as long as the overlap lasts. */
function RetiringKey({
  apiKey: { retiring },
  now,
  onRevoke,
}: {
  apiKey: ManagedKey
  now: number
  onRevoke: () => void
}) {
  if (!retiring) return null
  return (
    <div className="under-key">
      <p className="small two">
        The key before, {retiring.label || retiring.uuid}, works until {momentText(retiring.retireAt)}.
        {retiring.lastUsed !== undefined &&
          ` It was last used ${relativeTime(Date.parse(retiring.lastUsed), now)}.`}
        {retiring.words !== undefined && ` ${retiring.words}`}
      </p>
      <FullOnly>
        <Button small kind="danger" onPress={onRevoke}>
          Revoke the old key now…
        </Button>
      </FullOnly>
    </div>
  )
}

/** The checks of a proof that was asked for, and what they say together. */
function Proof({ user, proof, onDone }: { user: string; proof: KeyProof | 'asking'; onDone: () => void }) {
  return (
    <section className="under-key proof" aria-label={`Proof of the key of ${user}`}>
      {proof === 'asking' ? (
        <p className="small two">It is being tried.</p>
      ) : (
        <>
          <RunParts parts={proof.checks} over />
          <div className="act">
            <p className="small" role="status">
              {proof.works ? 'It works.' : 'Something about it does not work.'}
            </p>
            <Button small onPress={onDone}>
              Done
            </Button>
          </div>
        </>
      )}
    </section>
  )
}

function Life({ apiKey, now, needsAttention }: { apiKey: ManagedKey; now: number; needsAttention: boolean }) {
  const { createdAt, expirationDate, lastUsed } = apiKey
  const endsAt = expirationDate === null ? undefined : Date.parse(expirationDate)
  return (
    <div className="life-of">
      <p className="cols">
        <span className="t">{capital(remainingTime(expirationDate, now))}</span>
        {endsAt !== undefined && (
          <span className="label" title={exactMoment(endsAt)}>
            {endDate(expirationDate, now, shortDate)}
          </span>
        )}
      </p>
      {endsAt !== undefined && (
        <LifeBar
          from={Date.parse(createdAt)}
          endsAt={endsAt}
          now={now}
          needsAttention={needsAttention}
          label={lifetimeText(Date.parse(createdAt), endsAt, now)}
        />
      )}
      <p className="label">
        {lastUsed === null ? 'not used yet' : `last used ${relativeTime(Date.parse(lastUsed), now)}`}
      </p>
    </div>
  )
}

/** "Sat 21 Mar"; its year is in the tooltip. */
const shortDate = (at: number): string =>
  new Date(at)
    .toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short' })
    .replace(',', '')
