import { columnTime, lastEvents } from '../../contract/messages/event-message.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { bytes, count, exactMoment, relativeTime, shortName } from '../../contract/messages/format.ts'
import {
  barText,
  daysToFullText,
  growthText,
  historyText,
  outcomeText,
  probeTitle,
  unreadableMessage,
} from '../../contract/messages/storage-message.ts'
import { Bar, Legend } from '../ui/bar.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Sparkline } from '../ui/sparkline.tsx'
import { Time } from '../ui/time.tsx'
import { glyphOf } from './rows.tsx'
import { figuresAsOf } from './snapshot-text.ts'
import { FirstPush } from './storage-row.tsx'
import type { ViewModel } from './view-model.tsx'

export function HealthCard({ model }: { model: ViewModel }) {
  const { process } = model.snapshot
  const { checkedAt } = model.snapshot.service
  const silent = process.kind === 'serving' && process.silence !== undefined
  // What the probes found before it fell silent says nothing about now.
  const probes = silent ? [] : model.snapshot.service.probes
  return (
    <section className="card pad" aria-labelledby="health">
      <header>
        <h3 id="health">Health</h3>
        {checkedAt !== undefined && (
          <p className="label">
            <Time at={checkedAt} exact={exactMoment(checkedAt)}>
              checked {relativeTime(checkedAt, model.now)}
            </Time>
          </p>
        )}
      </header>
      {probes.length === 0 ? (
        <p className="small two">
          {silent
            ? 'It does not answer the checks now.'
            : process.kind === 'serving'
              ? 'The first check is under way.'
              : 'It is checked while it serves.'}
        </p>
      ) : (
        <ul className="checks">
          {probes.map(probe => (
            <li key={probe.id}>
              <Glyph name={glyphOf(probe.outcome)} size="s" />
              <span>
                {probeTitle[probe.id]}
                <span className="vh">: {outcomeText[probe.outcome]}</span>
              </span>
              <span className="v">{probe.detail}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

export function StorageCard({ model }: { model: ViewModel }) {
  const { storage } = model.snapshot
  const asOf = figuresAsOf(model)
  const full = daysToFullText(storage)
  const label = asOf ?? (full && full.charAt(0).toLowerCase() + full.slice(1))
  return (
    <section className="card pad" aria-labelledby="storage">
      <header>
        <h3 id="storage">Storage</h3>
        {label !== undefined && <p className="label">{label}</p>}
      </header>
      <UnreadableList model={model} />
      <StorageBody model={model} />
    </section>
  )
}

/** What the figures below do not include. */
function UnreadableList({ model }: { model: ViewModel }) {
  const message = unreadableMessage(model.snapshot.storage.unreadable)
  if (!message) return null
  return (
    <div className="fault">
      <Glyph name="attention" />
      <div>
        <p className="t">{message.title}</p>
        {message.lines.map(line => (
          <p key={line} className="small two">
            {line}
          </p>
        ))}
      </div>
    </div>
  )
}

function StorageBody({ model }: { model: ViewModel }) {
  const { storage, process } = model.snapshot
  if (storage.error) {
    const message = failureMessage(storage.error)
    return (
      <div className="fault">
        <Glyph name="attention" />
        <div>
          <p className="t">{message.title}</p>
          {message.steps.map(step => (
            <p key={step} className="small two">
              {step}
            </p>
          ))}
        </div>
      </div>
    )
  }
  if (storage.bytes === undefined)
    return (
      <p className="small two">
        {storage.scanning ? 'Counting what is stored.' : 'Nothing was counted yet.'}
      </p>
    )
  const [figure, unit] = bytes(storage.bytes).split('\u00a0')
  const growth = growthText(storage)
  return (
    <>
      <p className="figure">
        {figure} <small>{unit}</small>
      </p>
      {storage.freeBytes !== undefined && (
        <>
          <Bar used={storage.bytes} free={storage.freeBytes} label={barText(storage)} />
          <Legend
            items={[
              { colour: 'private', text: `Images ${bytes(storage.bytes)}` },
              { colour: 'free', text: `Free ${bytes(storage.freeBytes)}` },
            ]}
          />
        </>
      )}
      {growth !== undefined && (
        <div className="grow">
          {storage.history.length > 1 && <Sparkline samples={storage.history} label={historyText(storage)} />}
          <p className="small two">{growth}</p>
        </div>
      )}
      {storage.repositories === 0 ? (
        <div className="empty">
          <p className="t">No images yet</p>
          {process.kind === 'serving' && model.isConnected && <FirstPush model={model} />}
        </div>
      ) : (
        <Biggest model={model} />
      )}
    </>
  )
}

const maxRepositories = 6

function Biggest({ model }: { model: ViewModel }) {
  const { biggest, repositories } = model.snapshot.storage
  if (biggest.length === 0) return null
  const shown = biggest.slice(0, maxRepositories)
  const title =
    repositories !== undefined && repositories > shown.length ? 'Biggest repositories' : 'Repositories'
  return (
    <>
      <h4 className="label under">{title}</h4>
      <ul className="biggest">
        {shown.map(repository => (
          <li key={repository.name}>
            <span className="clip" title={repository.name}>
              {shortName(repository.name, 28)}
            </span>
            <span className="label">{count(repository.tags, 'tag')}</span>
            <span className="v">{bytes(repository.bytes)}</span>
          </li>
        ))}
      </ul>
    </>
  )
}

export function EventsCard({ model }: { model: ViewModel }) {
  const events = lastEvents(model.snapshot, model.now, 5)
  if (events.length === 0) return null
  return (
    <section className="card pad" aria-labelledby="events">
      <header>
        <h3 id="events">Last events</h3>
      </header>
      <ul className="events">
        {events.map(event => (
          <li key={event.id}>
            <Time at={event.at} exact={exactMoment(event.at)}>
              {columnTime(event.at, model.now)}
            </Time>
            <div>
              <p>{event.shortTitle}</p>
              {event.shortDetail !== '' && <p className="small two">{event.shortDetail}</p>}
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
