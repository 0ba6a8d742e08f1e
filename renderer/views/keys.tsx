import { useEffect, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { KeyCreated, ManagedKey } from '../../contract/key.ts'
import { count } from '../../contract/messages/format.ts'
import { byUrgency } from '../../contract/messages/key-message.ts'
import type { Result } from '../../contract/result.ts'
import { announce } from '../ui/announcer.tsx'
import { Button } from '../ui/button.tsx'
import { FullOnly, NeedsFull } from './full-only.tsx'
import { Refused } from './headline.tsx'
import { ManageKeyCard, NoticesCard, SecretsCard } from './key-cards.tsx'
import { ManagedKeyRow } from './managed-key.tsx'
import { CreatedKey, NewKey } from './new-key.tsx'
import { endOf, KeyRow } from './other-keys.tsx'
import { RotatePlan } from './rotate-plan.tsx'
import { DeliveredTo, TwoKeys } from './rotation-details.tsx'
import { RunPage } from './run-page.tsx'
import { type KnownKeys, useKeys } from './use-keys.ts'
import { useStore, type ViewModel } from './view-model.tsx'

/** The keys; the plan of a rotation, its steps, and how it ended. */
export function KeysView({ model }: { model: ViewModel }) {
  const { keys } = useStore()
  const known = useKeys(model)
  const current = model.snapshot.runbook
  const live = current?.runbook === 'rotate' || current?.runbook === 'retire' ? current.run : undefined
  const [run, setRun] = useState<string>()
  const [planned, setPlanned] = useState<string>()
  const [failure, setFailure] = useState<Failure>()
  // A run that is begun elsewhere shows here too.
  useEffect(() => {
    if (live !== undefined) setRun(live)
  }, [live])

  const managedList = known.managedList?.keys ?? []
  if (run !== undefined) {
    const key = managedList.find(({ next }) => next) ?? managedList.find(({ user }) => user === planned)
    return (
      <RunPage
        model={model}
        name={run}
        onDone={() => {
          setRun(undefined)
          setPlanned(undefined)
          void known.load()
        }}
      >
        {key && live !== undefined && <DeliveredTo apiKey={key} steps={current?.steps ?? []} />}
        {key && <TwoKeys apiKey={key} now={model.now} />}
      </RunPage>
    )
  }
  const chosen = managedList.find(({ user }) => user === planned)
  if (chosen)
    return (
      <RotatePlan
        apiKey={chosen}
        model={model}
        onBack={() => setPlanned(undefined)}
        onBegun={begun => setRun(begun)}
      />
    )

  async function begin(answer: Promise<Result<{ run: string }>>, user: string): Promise<void> {
    const begun = await answer
    setFailure(begun.ok ? undefined : begun.error)
    if (!begun.ok) return
    setPlanned(user)
    setRun(begun.value.run)
  }
  return (
    <KeyLists
      model={model}
      known={known}
      {...(failure ? { failure } : {})}
      onRotate={user => setPlanned(user)}
      onEndOverlap={user => void begin(keys.endOverlap({ user }), user)}
    />
  )
}

function KeyLists({
  model,
  known,
  failure: refused,
  onRotate,
  onEndOverlap,
}: {
  model: ViewModel
  known: KnownKeys
  failure?: Failure
  onRotate: (user: string) => void
  onEndOverlap: (user: string) => void
}) {
  const { keys } = useStore()
  const { managedList, all, load } = known
  const [failure, setFailure] = useState<Failure>()
  const [isCreating, setIsCreating] = useState(false)
  const [created, setCreated] = useState<KeyCreated>()
  /** Keys that a revoked key created and that still work. */
  const [minted, setMinted] = useState<string[]>([])
  const shown = failure ?? refused ?? known.failure

  async function revoke(uuids: string[]): Promise<void> {
    const descendants: string[] = []
    setFailure(undefined)
    for (const uuid of uuids) {
      const done = await keys.revoke({ uuid, descendants: false })
      if (!done.ok) {
        setFailure(done.error)
        break
      }
      descendants.push(...done.value.descendants.filter(uuid => !uuids.includes(uuid)))
    }
    setMinted([...new Set(descendants)])
    announce('Revoked')
    await load()
  }

  const managed: ManagedKey[] = byUrgency(managedList?.keys ?? [])
  const onlyUsers = all?.onlyUsers ?? (all?.onlyUser === undefined ? [] : [all.onlyUser])
  const otherKeys = (all?.keys ?? []).filter(key => !key.managed)
  const expiring = managed.find(key => key.expirationDate !== null)
  return (
    <>
      <header className="bar-top">
        <div>
          <h1 id="view">Keys</h1>
          <p className="label" role="status">
            {managedList && summary(managed.length, otherKeys.map(endOf), model.now)}
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
        {shown && <Refused failure={shown} />}
        {created && <CreatedKey created={created} onDone={() => setCreated(undefined)} />}
        {minted.length > 0 && <DescendantKeys count={minted.length} onRevoke={() => void revoke(minted)} />}
        {managed.length > 0 && (
          <>
            <ManagedKeyList
              keys={managed}
              now={model.now}
              canFill={!created}
              onRotate={onRotate}
              onEndOverlap={onEndOverlap}
              onRevoke={uuid => void revoke([uuid])}
            />
            <div className="cards">
              {expiring && <NoticesCard apiKey={expiring} now={model.now} />}
              {managedList && <SecretsCard store={managedList.store} />}
            </div>
          </>
        )}
        {all && onlyUsers.length > 0 && (
          <p className="two small only">
            Only keys of {onlyUsers.join(', ')}: this engine gives keys to nobody but the user they belong to.
          </p>
        )}
        {otherKeys.length > 0 && (
          <>
            {managed.length > 0 && <h2 className="others">Other keys</h2>}
            <ul className="card keys" aria-label="Keys">
              {otherKeys.map(key => (
                <KeyRow
                  key={key.uuid}
                  apiKey={key}
                  now={model.now}
                  onRevoke={() => void revoke([key.uuid])}
                />
              ))}
            </ul>
          </>
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
            setCreated(key)
            void load()
          }}
        />
      )}
    </>
  )
}

/** Offers to revoke the keys that a revoked key created. */
function DescendantKeys({ count: n, onRevoke }: { count: number; onRevoke: () => void }) {
  return (
    <section className="card pad minted" aria-label="Keys that the revoked one created">
      <p>
        {count(n, 'key')} that the revoked one created still {n === 1 ? 'works' : 'work'}.
      </p>
      <FullOnly>
        <Button kind="danger" small onPress={() => onRevoke()}>
          Revoke {n === 1 ? 'it' : 'them'} too
        </Button>
      </FullOnly>
    </section>
  )
}

function ManagedKeyList({
  keys,
  now,
  canFill,
  onRotate,
  onEndOverlap,
  onRevoke,
}: {
  keys: ManagedKey[]
  now: number
  /** False while another button of the view is filled. */
  canFill: boolean
  onRotate: (user: string) => void
  onEndOverlap: (user: string) => void
  onRevoke: (uuid: string) => void
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
            now={now}
            filled={key === first && canFill}
            onRotate={() => onRotate(key.user)}
            onEndOverlap={() => onEndOverlap(key.user)}
            onRevoke={() => onRevoke(key.uuid)}
          />
        ))}
      </ul>
    </>
  )
}

/** "12 keys, 3 managed, 1 ended". */
function summary(managedCount: number, ends: number[], now: number): string {
  const ended = ends.filter(end => end <= now).length
  const living = count(ends.length - ended + managedCount, 'key')
  const managedText = managedCount === 0 ? '' : `, ${managedCount} managed`
  return `${living}${managedText}${ended === 0 ? '' : `, ${ended} ended`}`
}
