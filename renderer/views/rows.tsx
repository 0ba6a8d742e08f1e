import { givenAddress, thisMachine } from '../../contract/messages/address-message.ts'
import { lastEvents } from '../../contract/messages/event-message.ts'
import {
  bytes,
  count,
  exactMoment,
  exactTime,
  programName,
  relativeTime,
  secondsUntil,
  shortName,
} from '../../contract/messages/format.ts'
import { noticeMessage, noticesBesideKeys } from '../../contract/messages/notice-message.ts'
import { advisoryMessage } from '../../contract/messages/release-message.ts'
import { outcomeText, probeTitle } from '../../contract/messages/storage-message.ts'
import { Copy } from '../ui/copy.tsx'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Row } from '../ui/row.tsx'
import { Time } from '../ui/time.tsx'
import { Excerpt, FaultList, faultsOf, lastLinesOf } from './quoted.tsx'
import { engineName, uptime } from './snapshot-text.ts'
import type { ViewModel } from './view-model.tsx'

export function LastLinesRow({ model }: { model: ViewModel }) {
  const last = lastLinesOf(model.snapshot.process)
  if (!last) return null
  const title = last.lines.length === 1 ? 'Last line it wrote' : 'Last lines it wrote'
  return (
    <Row
      name={title}
      glyph={<Icon name="logs" />}
      title={title}
      label={
        <Time at={last.at} exact={exactMoment(last.at)}>
          {exactTime(last.at)}
        </Time>
      }
    >
      <div className="d">
        <Excerpt lines={last.lines} limit={3} />
      </div>
    </Row>
  )
}

export function FaultsRow({ model }: { model: ViewModel }) {
  const faults = faultsOf(model.snapshot.process)
  if (!faults) return null
  return (
    <Row
      name="Faults"
      glyph={<Icon name="logs" />}
      title={<span title={faults.file}>{shortName(faults.file, 40)}</span>}
    >
      <div className="d">
        <FaultList faults={faults.faults} />
      </div>
    </Row>
  )
}

export function PushesRow({ model }: { model: ViewModel }) {
  const process = model.snapshot.process
  if (process.kind !== 'draining') return null
  const pushes = process.pushes
  return (
    <Row
      name="Pushes in progress"
      glyph={<Icon name="push" />}
      title={
        pushes.length === 0 ? 'No push in progress' : `${count(pushes.length, 'push', 'pushes')} in progress`
      }
      label={`stops in ${secondsUntil(process.until, model.now)} at the latest`}
    >
      {pushes.length > 0 && <PushList model={model} width={34} />}
    </Row>
  )
}

/** What each push has sent so far. How much is to come, only the client knows, so there is no bar. */
export function PushList({ model, width }: { model: ViewModel; width: number }) {
  const process = model.snapshot.process
  if (process.kind !== 'draining') return null
  return (
    <ul className="d pushes">
      {process.pushes.map((push, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two pushes to one repository have no other identity
        <li key={`${push.repository} ${index}`}>
          <span className="clip" title={push.repository}>
            {shortName(push.repository, width)}
          </span>
          <span className="label">{bytes(push.bytes)} so far</span>
        </li>
      ))}
    </ul>
  )
}

export function ForeignRow({ model }: { model: ViewModel }) {
  const process = model.snapshot.process
  if (process.kind !== 'foreign') return null
  return (
    <Row
      name="Process on the port"
      glyph={<Icon name="engine" />}
      title={process.command === undefined ? `On port ${process.port}` : programName(process.command)}
      label={
        process.startedAt === undefined ? undefined : `since ${relativeTime(process.startedAt, model.now)}`
      }
    >
      <ForeignFacts model={model} />
    </Row>
  )
}

/** What is known of the process on the port; what is not known is named too. */
export function ForeignFacts({ model }: { model: ViewModel }) {
  const process = model.snapshot.process
  if (process.kind !== 'foreign') return null
  if (process.pid === undefined)
    return <p className="d">Its process cannot be seen from here; it may belong to another user.</p>
  return (
    <dl className="d kv">
      {process.zot && (
        <>
          <dt>Serves</dt>
          <dd>{process.zot.version === undefined ? 'a zot' : `zot ${process.zot.version}`}</dd>
        </>
      )}
      <dt>Process</dt>
      <dd>{process.pid}</dd>
      {process.user !== undefined && (
        <>
          <dt>User</dt>
          <dd>{process.user}</dd>
        </>
      )}
      {process.command !== undefined && (
        <>
          <dt>Command</dt>
          <dd className="mono command">{process.command}</dd>
        </>
      )}
    </dl>
  )
}

export function RegistryRow({ model }: { model: ViewModel }) {
  const { snapshot } = model
  const { name, local, warning } = givenAddress(snapshot)
  return (
    <Row
      name="Registry"
      glyph={<Icon name="engine" />}
      title={engineName(snapshot)}
      label={runningLabel(model)}
    >
      <p className="d copy">
        <code>{name}</code>
        <Copy text={name} name="address" />
      </p>
      {local && (
        <p className="d copy">
          {`On ${thisMachine(snapshot)}:\u00a0`}
          <code>{local.name}</code>
          <Copy text={local.name} name="local address" />
        </p>
      )}
      {warning && <p className="d">{warning}</p>}
    </Row>
  )
}

function runningLabel({ snapshot, now, isConnected: answers }: ViewModel): string | undefined {
  if (!answers) return undefined
  const process = snapshot.process
  switch (process.kind) {
    case 'serving':
      return `up ${uptime(process.startedAt, now)}`
    case 'draining':
    case 'stopping':
      return `pid ${process.pid}`
    case 'starting':
      return process.pid === undefined ? 'not answering yet' : `pid ${process.pid}`
    case 'backing-off':
    case 'crash-looping':
      return 'not answering'
    case 'foreign':
    case 'undecided':
      return 'not started'
    case 'failed':
      return 'not running'
    case 'stopped':
      return 'stopped'
  }
}

/** The probes, while one of them fails: which, and what the others say. */
export function HealthRow({ model }: { model: ViewModel }) {
  const { process } = model.snapshot
  if (model.status.state !== 'degraded' || !model.isConnected) return null
  // What the probes found before it fell silent says nothing about now.
  if (process.kind === 'serving' && process.silence !== undefined) return null
  const checked = model.snapshot.service.checkedAt
  return (
    <Row
      name="Health"
      glyph={<Icon name="pulse" />}
      title="Health"
      label={checked === undefined ? undefined : `checked ${relativeTime(checked, model.now)}`}
    >
      <ul className="d probes">
        {model.snapshot.service.probes.map(probe => (
          <li key={probe.id}>
            <Glyph name={glyphOf(probe.outcome)} size="s" />
            <span>
              {probeTitle[probe.id]}
              <span className="vh">: {outcomeText[probe.outcome]}</span>
            </span>
            <span className="label">{probe.detail}</span>
          </li>
        ))}
      </ul>
    </Row>
  )
}

export const glyphOf = (outcome: 'passed' | 'failed' | 'skipped'): 'fine' | 'attention' | 'off' =>
  outcome === 'passed' ? 'fine' : outcome === 'failed' ? 'attention' : 'off'

/** The newest event; and behind a push also why the registry was last started or ended. */
export function EventRows({ model }: { model: ViewModel }) {
  const events = lastEvents(model.snapshot, model.now, 40)
  const first = events[0]
  if (!first) return null
  const process = first.kind === 'push' ? events.find(event => event.kind === 'process') : undefined
  return [first, ...(process ? [process] : [])].map(event => (
    <Row
      key={event.id}
      name={event.kind === 'push' ? 'Last push' : 'Last event'}
      glyph={<Icon name={event.kind === 'push' ? 'push' : 'clock'} />}
      title={
        <Time at={event.at} exact={exactMoment(event.at)}>
          {event.title}
        </Time>
      }
    >
      <p className="d">{event.detail}</p>
    </Row>
  ))
}

/** Advisories against the zot that runs; what each means for this configuration is below it. */
export function AdvisoryRow({ model }: { model: ViewModel }) {
  const message = advisoryMessage(model.snapshot)
  if (!message || model.snapshot.process.kind !== 'serving') return null
  return (
    <Row name="Advisories" glyph={<Glyph name="attention" />} title={message.title}>
      <p className="d lines">{message.detail}</p>
    </Row>
  )
}

export function NoticeRows({ model }: { model: ViewModel }) {
  // A disk that is nearly full is in the headline already.
  return noticesBesideKeys(model.snapshot)
    .filter(notice => notice.kind !== 'storage-nearly-full')
    .map(notice => {
      const message = noticeMessage(notice)
      return (
        <Row
          key={notice.id}
          name="Notice"
          glyph={message.needsAttention ? <Glyph name="attention" /> : <Icon name="note" />}
          title={message.title}
        >
          <p className="d lines">{message.detail}</p>
        </Row>
      )
    })
}
