import { capital, count } from '../../contract/messages/format.ts'
import {
  isUrgent,
  keyState,
  type ShownKey,
  shownKeys,
  unlistedKeys,
  urgentKeys,
} from '../../contract/messages/key-message.ts'
import { endDate, lifetimeText, remainingTime } from '../../contract/messages/remaining-time.ts'
import { LifeBar } from '../ui/bar.tsx'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Row } from '../ui/row.tsx'
import type { ViewModel } from './view-model.tsx'

/** The key that ends first, and those that want something, in the popover. */
const maxRows = 3
/** The Overview is no list of keys. */
const maxTodo = 5

export function KeyRows({ model }: { model: ViewModel }) {
  const { snapshot, now } = model
  const all = shownKeys(snapshot)
  const shown = all.filter(key => isUrgent(key, now)).slice(0, maxRows)
  if (shown.length === 0) shown.push(...all.slice(0, 1))
  const hidden = all.length - shown.length + unlistedKeys(snapshot)
  return shown.map(key => {
    const { name, uuid, createdAt, expirationDate, trouble } = key
    const needsAttention = isUrgent(key, now)
    return (
      <Row
        key={uuid}
        name={`Key of ${name}`}
        glyph={needsAttention ? <Glyph name="attention" /> : <Icon name="key" />}
        title={`Key ${name}: ${remainingTime(expirationDate, now)}`}
        label={
          createdAt === undefined || expirationDate === null ? undefined : (
            <LifeBar
              compact
              from={Date.parse(createdAt)}
              endsAt={Date.parse(expirationDate)}
              now={now}
              needsAttention={needsAttention}
              label={lifetimeText(Date.parse(createdAt), Date.parse(expirationDate), now)}
            />
          )
        }
      >
        <p className="d">
          {capital(trouble ?? endDate(expirationDate, now))}
          {key === shown.at(-1) && hidden > 0 && `; ${count(hidden, 'more key')}`}
        </p>
      </Row>
    )
  })
}

/** The keys that want something, in the overview. */
export function KeysToDo({ model }: { model: ViewModel }) {
  const { snapshot, now } = model
  const keys = urgentKeys(snapshot, now)
  if (keys.length === 0 || snapshot.process.kind !== 'serving') return null
  const more = Math.max(0, keys.length - maxTodo) + unlistedKeys(snapshot)
  return (
    <section className="card span2" aria-label="Keys">
      <ul className="todo">
        {keys.slice(0, maxTodo).map(key => (
          <li key={key.uuid}>
            <Glyph name="attention" />
            <div>
              <p className="t">
                Key of {key.name}: {remainingTime(key.expirationDate, now)}
              </p>
              <p className="small two">
                {hint(key, now)} <a href="#keys">Show keys</a>
              </p>
            </div>
          </li>
        ))}
      </ul>
      {more > 0 && (
        <p className="small two more">
          {count(more, 'more key')} that {more === 1 ? 'wants' : 'want'} something.
        </p>
      )}
    </section>
  )
}

/** When it ends or why it does not work, and who sees to it. */
function hint(key: ShownKey, now: number): string {
  if (key.trouble !== undefined) return `${capital(keyState(key, now))}.`
  const date = `${capital(endDate(key.expirationDate, now))}.`
  return key.managed ? date : `${date} Nothing takes its place by itself.`
}
