import type { ReactNode } from 'react'
import { givenAddress, thisMachine } from '../../contract/messages/address-message.ts'
import { count, exactMoment, exactTime, secondsUntil, shortName } from '../../contract/messages/format.ts'
import { noticeMessage, noticesBesideKeys } from '../../contract/messages/notice-message.ts'
import { advisoryMessage } from '../../contract/messages/release-message.ts'
import { Copy } from '../ui/copy.tsx'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Ticking, Time } from '../ui/time.tsx'
import { EventsCard, HealthCard, StorageCard } from './cards.tsx'
import { Actions, CommandFailure, Reason, StartCore } from './headline.tsx'
import { HistoryCard } from './history.tsx'
import { KeysToDo } from './key-rows.tsx'
import { Excerpt, FaultList, faultsOf, lastLinesOf } from './quoted.tsx'
import { ForeignFacts, PushList } from './rows.tsx'
import { RunActions } from './run-actions.tsx'
import { engineName, uptime } from './snapshot-text.ts'
import { TransitionSteps } from './transition-steps.tsx'
import { useActs, type ViewModel } from './view-model.tsx'

/** Everything that the glance says, with its evidence. */
export function Overview({ model }: { model: ViewModel }) {
  const { status } = model
  const { act, sheet } = useActs(status.actions)
  return (
    <>
      <div className={`hero ${status.class}`}>
        <Glyph name={status.class} size="xl" />
        <div className="say">
          <h2>
            <Ticking text={status.headline} />
          </h2>
          <Reason model={model} more={runningText(model)} />
          <Actions actions={status.actions} act={act} />
          {model.canStartCore && <StartCore />}
          <RunActions model={model} onSteps={() => location.assign('#run')} />
          <TransitionSteps model={model} />
          <CommandFailure model={model} />
        </div>
      </div>
      <Facts model={model} />
      <div className="cards">
        <Faults model={model} />
        <KeysToDo model={model} />
        <Advisories model={model} />
        <Notices model={model} />
        <LastLines model={model} />
        <Pushes model={model} />
        <Foreign model={model} />
        <div className="stack">
          <HealthCard model={model} />
          <EventsCard model={model} />
        </div>
        <div className="stack">
          <StorageCard model={model} />
        </div>
        <HistoryCard model={model} />
      </div>
      {sheet}
    </>
  )
}

function runningText({ snapshot, now, isConnected: answers }: ViewModel): string {
  if (snapshot.process.kind !== 'serving' || !answers) return ''
  return ` Running for ${uptime(snapshot.process.startedAt, now)}.`
}

function Facts({ model }: { model: ViewModel }) {
  const { registry } = model.snapshot
  const { name, local, warning } = givenAddress(model.snapshot)
  const path = (text: string) => (
    <span className="mono" title={text}>
      {shortName(text, 21)}
    </span>
  )
  const copied = (text: string, what: string) => (
    <span className="copy">
      <code>{text}</code>
      <Copy text={text} name={what} />
    </span>
  )
  const facts: [string, ReactNode][] = [
    ['Address', copied(name, 'address')],
    ...(local
      ? [
          [`On ${thisMachine(model.snapshot)}`, copied(local.name, 'local address')] satisfies [
            string,
            ReactNode,
          ],
        ]
      : []),
    ['Engine', engineName(model.snapshot)],
    ['Config', path(registry.configFile)],
    ...(registry.dataFolder === undefined
      ? []
      : [['Data', path(registry.dataFolder)] satisfies [string, ReactNode]]),
  ]
  return (
    <>
      <dl className="facts">
        {facts.map(([fact, value]) => (
          <div key={fact}>
            <dt>{fact}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {warning && <p className="small two facts-note">{warning}</p>}
    </>
  )
}

function Advisories({ model }: { model: ViewModel }) {
  const { upgrade, process } = model.snapshot
  const message = advisoryMessage(model.snapshot)
  if (!upgrade || !message || process.kind !== 'serving') return null
  return (
    <section className="card span2" aria-label="Advisories">
      <ul className="todo">
        {upgrade.advisories.map(({ id, evidence, advice }) => (
          <li key={id}>
            <Glyph name="attention" />
            <div>
              <p className="t">{id}</p>
              <p className="small two">{advice}</p>
              <p className="small two mono">{evidence}</p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Notices({ model }: { model: ViewModel }) {
  const notices = noticesBesideKeys(model.snapshot)
  if (notices.length === 0) return null
  return (
    <section className="card span2" aria-label="Notices">
      <ul className="todo">
        {notices.map(notice => {
          const message = noticeMessage(notice)
          return (
            <li key={notice.id}>
              {message.needsAttention ? <Glyph name="attention" /> : <Icon name="note" />}
              <div>
                <p className="t">{message.title}</p>
                <p className="small two lines">{message.detail}</p>
              </div>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function Faults({ model }: { model: ViewModel }) {
  const faults = faultsOf(model.snapshot.process)
  if (!faults) return null
  return (
    <Wide title={faults.file}>
      <FaultList faults={faults.faults} />
    </Wide>
  )
}

function LastLines({ model }: { model: ViewModel }) {
  const last = lastLinesOf(model.snapshot.process)
  if (!last) return null
  return (
    <Wide
      title="Last lines it wrote"
      label={
        <Time at={last.at} exact={exactMoment(last.at)}>
          {exactTime(last.at)}
        </Time>
      }
    >
      <Excerpt lines={last.lines} limit={10} />
    </Wide>
  )
}

function Pushes({ model }: { model: ViewModel }) {
  const process = model.snapshot.process
  if (process.kind !== 'draining') return null
  return (
    <Wide
      title={
        process.pushes.length === 0
          ? 'No push in progress'
          : `${count(process.pushes.length, 'push', 'pushes')} in progress`
      }
      label={`stops in ${secondsUntil(process.until, model.now)} at the latest`}
    >
      {process.pushes.length > 0 && <PushList model={model} width={80} />}
    </Wide>
  )
}

function Foreign({ model }: { model: ViewModel }) {
  const process = model.snapshot.process
  if (process.kind !== 'foreign') return null
  return (
    <Wide title={`On port ${process.port}`}>
      <ForeignFacts model={model} />
    </Wide>
  )
}

function Wide({ title, label, children }: { title: string; label?: ReactNode; children?: ReactNode }) {
  return (
    <section className="card pad span2" aria-label={title}>
      <header>
        <h3>{title}</h3>
        {label !== undefined && <p className="label">{label}</p>}
      </header>
      {children}
    </section>
  )
}
