import { count } from '../../contract/messages/format.ts'
import {
  byUrgency,
  daysLeftText,
  isUrgent,
  lifetimeText,
  untilText,
  urgentKeys,
} from '../../contract/messages/key-message.ts'
import { LifeBar } from '../ui/bar.tsx'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Row } from '../ui/row.tsx'
import type { ViewModel } from './view-model.tsx'

/** The managed key that ends first, and those that want something, in the popover. */
const maxRows = 3

export function KeyRows({ model }: { model: ViewModel }) {
  const all = byUrgency(model.snapshot.managedKeys ?? [])
  const shown = all.filter(isUrgent).slice(0, maxRows)
  if (shown.length === 0) shown.push(...all.slice(0, 1))
  return shown.map(key => {
    const { user, uuid, createdAt, expirationDate, daysLeft, trouble } = key
    const needsAttention = isUrgent(key)
    const hidden = all.length - shown.length
    return (
      <Row
        key={`${key.registry} ${user} ${uuid}`}
        name={`Key of ${user}`}
        glyph={needsAttention ? <Glyph name="attention" /> : <Icon name="key" />}
        title={`Key ${user}: ${daysLeftText(daysLeft)}`}
        label={
          createdAt === undefined || expirationDate === null ? undefined : (
            <LifeBar
              compact
              from={Date.parse(createdAt)}
              endsAt={Date.parse(expirationDate)}
              now={model.now}
              needsAttention={needsAttention}
              label={lifetimeText(Date.parse(createdAt), Date.parse(expirationDate), model.now)}
            />
          )
        }
      >
        <p className="d">
          {capital(trouble ?? untilText(key))}
          {key === shown.at(-1) && hidden > 0 && `; ${count(hidden, 'more managed key')}`}
        </p>
      </Row>
    )
  })
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** The keys that want something, in the overview. */
export function KeysToDo({ model }: { model: ViewModel }) {
  const keys = urgentKeys(model.snapshot)
  if (keys.length === 0 || model.snapshot.process.kind !== 'serving') return null
  return (
    <section className="card span2" aria-label="Keys">
      <ul className="todo">
        {keys.map(key => (
          <li key={`${key.registry} ${key.user}`}>
            <Glyph name="attention" />
            <div>
              <p className="t">
                Key of {key.user}: {daysLeftText(key.daysLeft)}
              </p>
              <p className="small two">
                {key.trouble === undefined ? capital(untilText(key)) : capital(key.trouble)}.{' '}
                <a href="#keys">Show keys</a>
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
