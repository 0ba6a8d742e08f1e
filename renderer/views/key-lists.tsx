import { useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { ApiKey, KeyList, ManagedKey } from '../../contract/key.ts'
import { count } from '../../contract/messages/format.ts'
import { byUrgency, isNearEnd } from '../../contract/messages/key-message.ts'
import { Button } from '../ui/button.tsx'
import { FreshKeyCards } from './fresh-key.tsx'
import { FullOnly, NeedsFull } from './full-only.tsx'
import { Refused } from './headline.tsx'
import { ManageKeyCard, NoticesCard, SecretsCard } from './key-cards.tsx'
import { ManagedKeyRow } from './managed-key.tsx'
import { NewKey } from './new-key.tsx'
import { NotRevoked } from './not-revoked.tsx'
import { byEnd, endOf, KeyRow, nameOf } from './other-keys.tsx'
import type { FreshKeys } from './use-fresh-keys.ts'
import type { KnownKeys } from './use-keys.ts'
import { type Revocation, useRevocation } from './use-revocation.ts'
import type { ViewModel } from './view-model.tsx'

/** The managed keys, all others, and what was created just now. */
export function KeyLists({
  model: { now },
  known,
  fresh,
  failure: refused,
  onRotate,
  onEndOverlap,
}: {
  model: ViewModel
  known: KnownKeys
  fresh: FreshKeys
  failure?: Failure
  onRotate: (user: string) => void
  onEndOverlap: (user: string) => void
}) {
  const { managedList, all, load } = known
  const [isCreating, setIsCreating] = useState(false)
  const revocation = useRevocation(async revoked => {
    for (const uuid of revoked) fresh.done(uuid)
    await load()
  })
  const failure = refused ?? known.failure
  const managed: ManagedKey[] = byUrgency(managedList?.keys ?? [])
  const otherKeys = byEnd(
    (all?.keys ?? []).filter(key => !key.managed),
    now,
  )
  const ending = firstToEnd(managed, otherKeys, now)
  const rows = new Set([...managed, ...otherKeys].map(({ uuid }) => uuid))
  return (
    <>
      <header className="bar-top">
        <div>
          <h1 id="view">Keys</h1>
          <p className="label" role="status">
            {managedList && summary(managed.length, otherKeys.map(endOf), now)}
          </p>
        </div>
        <div className="tools">
          <FullOnly>
            <Button onPress={() => setIsCreating(true)}>New key…</Button>
          </FullOnly>
        </div>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <section className="scroll" tabIndex={0} aria-label="All keys">
        <NeedsFull to="create, rotate, prove or revoke keys" />
        {failure && <Refused failure={failure} />}
        <FreshKeyCards fresh={fresh} now={now} />
        <DescendantKeys all={all} revocation={revocation} />
        {managed.length > 0 && (
          <ManagedKeyList
            keys={managed}
            all={all}
            now={now}
            canFill={fresh.keys.length === 0}
            revocation={revocation}
            onRotate={onRotate}
            onEndOverlap={onEndOverlap}
          />
        )}
        {managed.length > 0 && (
          <div className="cards">
            {ending && <NoticesCard apiKey={ending} now={now} />}
            {managedList && <SecretsCard store={managedList.store} />}
          </div>
        )}
        {revocation.failed
          .filter(({ uuid }) => !rows.has(uuid))
          .map(failed => (
            <NotRevoked key={failed.uuid} failed={failed} onDismiss={() => revocation.dismiss(failed.uuid)} />
          ))}
        <OtherKeys keys={otherKeys} now={now} heading={managed.length > 0} revocation={revocation} />
        {all && <OnlyUsers all={all} />}
        {managed.length === 0 && ending && (
          <div className="cards">
            <NoticesCard apiKey={ending} now={now} />
          </div>
        )}
        {managedList && all && managed.length + otherKeys.length === 0 && (
          <p className="nothing">No keys yet. A key lets a program push or pull.</p>
        )}
        {managedList && <ManageKeyCard first={managed.length === 0} />}
      </section>
      {isCreating && (
        <NewKey
          {...(all?.onlyUser === undefined ? {} : { onlyUser: all.onlyUser })}
          onClose={() => setIsCreating(false)}
          onCreated={key => {
            setIsCreating(false)
            fresh.add(key)
            void load()
          }}
        />
      )}
    </>
  )
}

/**
 * The key whose notices are shown: the managed one that ends first, or a key that is near its end and ends before it.
 */
function firstToEnd(
  managed: readonly ManagedKey[],
  others: readonly ApiKey[],
  now: number,
): ManagedKey | ApiKey | undefined {
  const near = others.filter(key => isNearEnd(key.expirationDate, now) && endOf(key) > now)
  const ends = [...managed, ...near].filter(key => key.expirationDate !== null)
  return ends.toSorted((a, b) => Date.parse(a.expirationDate ?? '') - Date.parse(b.expirationDate ?? ''))[0]
}

/** Offers to revoke the keys that a revoked key created. */
function DescendantKeys({
  all,
  revocation: { descendants, revoke },
}: {
  all: KeyList | undefined
  revocation: Revocation
}) {
  const n = descendants.length
  if (n === 0) return null
  const named = descendants.map(uuid => {
    const key = all?.keys.find(one => one.uuid === uuid)
    return { uuid, name: key === undefined ? uuid : nameOf(key) }
  })
  return (
    <section className="card pad minted" aria-label="Keys that the revoked one created">
      <p>
        {count(n, 'key')} that the revoked one created still {n === 1 ? 'works' : 'work'}.
      </p>
      <FullOnly>
        <Button kind="danger" small onPress={() => void revoke(named, true)}>
          Revoke {n === 1 ? 'it' : 'them'} too
        </Button>
      </FullOnly>
    </section>
  )
}

function ManagedKeyList({
  keys,
  all,
  now,
  canFill,
  revocation,
  onRotate,
  onEndOverlap,
}: {
  keys: ManagedKey[]
  all: KeyList | undefined
  now: number
  /** False while another button of the view is filled. */
  canFill: boolean
  revocation: Revocation
  onRotate: (user: string) => void
  onEndOverlap: (user: string) => void
}) {
  const first = keys.find(key => key.shouldRotate)
  return (
    <>
      <div className="heads label" aria-hidden="true">
        <span>Owner and label</span>
        <span>Life</span>
        <span>Delivered to</span>
      </div>
      <ul className="card keys" aria-label="Managed keys">
        {keys.map(key => (
          <ManagedKeyRow
            key={`${key.registry} ${key.user}`}
            apiKey={key}
            descendants={all?.keys.find(({ uuid }) => uuid === key.uuid)?.descendants}
            now={now}
            filled={key === first && canFill}
            revocation={revocation}
            onRotate={() => onRotate(key.user)}
            onEndOverlap={() => onEndOverlap(key.user)}
          />
        ))}
      </ul>
    </>
  )
}

function OtherKeys({
  keys,
  now,
  heading,
  revocation,
}: {
  keys: ApiKey[]
  now: number
  heading: boolean
  revocation: Revocation
}) {
  if (keys.length === 0) return null
  return (
    <>
      {heading && <h2 className="others">Other keys</h2>}
      <ul className="card keys" aria-label="Keys">
        {keys.map(key => (
          <KeyRow key={key.uuid} apiKey={key} now={now} revocation={revocation} />
        ))}
      </ul>
    </>
  )
}

function OnlyUsers({ all: { onlyUser, onlyUsers } }: { all: KeyList }) {
  const users = onlyUsers ?? (onlyUser === undefined ? [] : [onlyUser])
  if (users.length === 0) return null
  return (
    <p className="two small only">
      Only keys of {users.join(', ')}: this engine gives keys to nobody but the user they belong to.
    </p>
  )
}

/** "12 keys, 3 managed, 1 ended". */
function summary(managedCount: number, ends: number[], now: number): string {
  const ended = ends.filter(end => end <= now).length
  const living = count(ends.length - ended + managedCount, 'key')
  const managedText = managedCount === 0 ? '' : `, ${managedCount} managed`
  return `${living}${managedText}${ended === 0 ? '' : `, ${ended} ended`}`
}
