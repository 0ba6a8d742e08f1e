import { columnTime, lastEvents } from '../../contract/messages/event-message.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { bytes, count, exactMoment, shortName, when } from '../../contract/messages/format.ts'
import { outcomeText, probeTitle } from '../../contract/messages/probe-message.ts'
import {
  barText,
  daysToFullText,
  growthText,
  historyText,
  unreadableMessage,
} from '../../contract/messages/storage-message.ts'
import { Bar, Legend } from '../ui/bar.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Sparkline } from '../ui/sparkline.tsx'
import { Time } from '../ui/time.tsx'
import { figuresAsOf } from './facts.ts'
import type { Seen } from './knowledge.tsx'
import { glyphOf } from './rows.tsx'
import { FirstPush } from './storage-row.tsx'

export function HealthCard({ seen }: { seen: Seen }) {
  const { process } = seen.snapshot
  const { checkedAt } = seen.snapshot.service
  const silent = process.kind === 'serving' && process.silence !== undefined
  // What the probes found before it fell silent says nothing about now.
  const probes = silent ? [] : seen.snapshot.service.probes
  return (
    <section className="card pad" aria-labelledby="health">
      <header>
        <h3 id="health">Health</h3>
        {checkedAt !== undefined && (
          <p className="label">
            <Time at={checkedAt} exact={exactMoment(checkedAt)}>
              checked {when(checkedAt, seen.now)}
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

export function StorageCard({ seen }: { seen: Seen }) {
  const { storage } = seen.snapshot
  const asOf = figuresAsOf(seen)
  const full = daysToFullText(storage)
  const label = asOf ?? (full && full.charAt(0).toLowerCase() + full.slice(1))
  return (
    <section className="card pad" aria-labelledby="storage">
      <header>
        <h3 id="storage">Storage</h3>
        {label !== undefined && <p className="label">{label}</p>}
      </header>
      <UnreadableList seen={seen} />
      <StorageBody seen={seen} />
    </section>
  )
}

/** What the figures below do not tell of. */
function UnreadableList({ seen }: { seen: Seen }) {
  const words = unreadableMessage(seen.snapshot.storage.unreadable)
  if (!words) return null
  return (
    <div className="fault">
      <Glyph name="attention" />
      <div>
        <p className="t">{words.title}</p>
        {words.each.map(line => (
          <p key={line} className="small two">
            {line}
          </p>
        ))}
      </div>
    </div>
  )
}

function StorageBody({ seen }: { seen: Seen }) {
  const { storage, process } = seen.snapshot
  if (storage.error) {
    const words = failureMessage(storage.error)
    return (
      <div className="fault">
        <Glyph name="attention" />
        <div>
          <p className="t">{words.title}</p>
          {words.steps.map(step => (
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
          {process.kind === 'serving' && seen.answers && <FirstPush seen={seen} />}
        </div>
      ) : (
        <Biggest seen={seen} />
      )}
    </>
  )
}

const mostRepositories = 6

function Biggest({ seen }: { seen: Seen }) {
  const { biggest, repositories } = seen.snapshot.storage
  if (biggest.length === 0) return null
  const shown = biggest.slice(0, mostRepositories)
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

export function EventsCard({ seen }: { seen: Seen }) {
  const events = lastEvents(seen.snapshot, seen.now, 5)
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
              {columnTime(event.at, seen.now)}
            </Time>
            <div>
              <p>{event.what}</p>
              {event.why !== '' && <p className="small two">{event.why}</p>}
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
