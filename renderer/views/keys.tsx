import { useCallback, useEffect, useState } from 'react'
import type { Failure } from '../../preload/contract/failure.ts'
import type { ApiKey, KeyCreated, KeyList } from '../../preload/contract/key.ts'
import { count, exactMoment, longDate, when } from '../../preload/words/format.ts'
import { announce } from '../ui/announcer.tsx'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { type Seen, useStore } from './knowledge.tsx'
import { MadeKey } from './made-key.tsx'
import { NewKey } from './new-key.tsx'
import { Refused } from './refused.tsx'

const day = 86_400_000
/** A key wants attention when it ends within so many days. */
const nearDays = 30

/** All keys with their ends; a new one, and the end of an old one. */
export function KeysView({ seen }: { seen: Seen }) {
  const { keys } = useStore()
  const [list, setList] = useState<KeyList>()
  const [failure, setFailure] = useState<Failure>()
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<KeyCreated>()
  const [left, setLeft] = useState<string[]>([])
  const serves = seen.snapshot.process.kind === 'serving'

  const load = useCallback(async () => {
    const asked = await keys.list({})
    if (asked.ok) {
      setList(asked.value)
      setFailure(undefined)
    } else setFailure(asked.error)
  }, [keys])
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the registry comes or goes
  useEffect(() => void load(), [load, serves])

  async function revoke(uuids: string[]): Promise<void> {
    const minted: string[] = []
    for (const uuid of uuids) {
      const done = await keys.revoke({ uuid, descendants: false })
      if (!done.ok) {
        setFailure(done.error)
        break
      }
      minted.push(...done.value.descendants.filter(other => !uuids.includes(other)))
    }
    setLeft([...new Set(minted)])
    announce('Revoked')
    await load()
  }

  return (
    <>
      <header className="bar-top">
        <div>
          <h1 id="view">Keys</h1>
          <p className="label" role="status">
            {list && summary(list, seen.now)}
          </p>
        </div>
        <div className="tools">
          <Button onPress={() => setMaking(true)}>New key…</Button>
        </div>
      </header>
      <div className="scroll">
        {failure && <Refused failure={failure} />}
        {made && <MadeKey made={made} onDone={() => setMade(undefined)} />}
        {left.length > 0 && (
          <section className="card pad minted" aria-label="Minted keys">
            <p>
              {count(left.length, 'key')} that the revoked one made still{' '}
              {left.length === 1 ? 'works' : 'work'}.
            </p>
            <Button kind="danger" small onPress={() => void revoke(left)}>
              Revoke {left.length === 1 ? 'it' : 'them'} too
            </Button>
          </section>
        )}
        {list?.onlyUser !== undefined && (
          <p className="two small">
            Only keys of {list.onlyUser}: this engine gives keys to nobody but the user they belong to.
          </p>
        )}
        {list?.keys.length === 0 && (
          <p className="nothing">No keys yet. A key lets a program push or pull.</p>
        )}
        {list !== undefined && list.keys.length > 0 && (
          <ul className="card keys" aria-label="Keys">
            {list.keys.map(key => (
              <KeyRow key={key.uuid} apiKey={key} now={seen.now} onRevoke={() => void revoke([key.uuid])} />
            ))}
          </ul>
        )}
      </div>
      {making && (
        <NewKey
          {...(list?.onlyUser === undefined ? {} : { onlyUser: list.onlyUser })}
          onClose={() => setMaking(false)}
          onMade={key => {
            setMaking(false)
            setMade(key)
            void load()
          }}
        />
      )}
    </>
  )
}

function summary({ keys }: KeyList, now: number): string {
  const ended = keys.filter(key => endOf(key) <= now).length
  const living = count(keys.length - ended, 'key')
  return ended === 0 ? living : `${living}, ${ended} ended`
}

const endOf = (key: ApiKey): number =>
  key.expirationDate === null ? Number.POSITIVE_INFINITY : Date.parse(key.expirationDate)

function KeyRow({ apiKey, now, onRevoke }: { apiKey: ApiKey; now: number; onRevoke: () => void }) {
  const [asking, setAsking] = useState(false)
  const { user, label, lastUsed } = apiKey
  const end = endOf(apiKey)
  const name = label === '' ? user : `${user}, ${label}`
  const near = end - now < nearDays * day
  return (
    <li>
      <Glyph name={end <= now ? 'off' : near ? 'attention' : 'fine'} />
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
        {lastUsed === null ? 'never used' : `last used ${when(Date.parse(lastUsed), now)}`}
      </p>
      <Button kind="danger" small label={`Revoke the key of ${name}`} onPress={() => setAsking(true)}>
        Revoke…
      </Button>
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
