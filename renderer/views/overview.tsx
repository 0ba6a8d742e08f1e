import type { ReactNode } from 'react'
import { advisoryMessage } from '../../contract/messages/advisory-message.ts'
import { count, exactMoment, exactTime, secondsUntil, shortName } from '../../contract/messages/format.ts'
import { noticeMessage, noticesBesideKeys } from '../../contract/messages/notice-message.ts'
import { Copy } from '../ui/copy.tsx'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Ticking } from '../ui/ticking.tsx'
import { Time } from '../ui/time.tsx'
import { EventsCard, HealthCard, StorageCard } from './cards.tsx'
import { CourseSteps } from './course-steps.tsx'
import { address, engineName, uptime } from './facts.ts'
import { Actions, CommandFailure, Reason } from './headline.tsx'
import { HistoryCard } from './history.tsx'
import { KeysToDo } from './key-rows.tsx'
import { type Seen, useActs } from './knowledge.tsx'
import { Excerpt, FaultList, faultsOf, lastLinesOf } from './quoted.tsx'
import { ForeignFacts, PushList } from './rows.tsx'
import { RunActions } from './run-actions.tsx'

/** Everything that the glance says, with its evidence. */
export function Overview({ seen }: { seen: Seen }) {
  const { glance } = seen
  const { act, sheet } = useActs(glance.actions)
  return (
    <>
      <div className={`hero ${glance.class}`}>
        <Glyph name={glance.class} size="xl" />
        <div className="say">
          <h2>
            <Ticking text={glance.headline} />
          </h2>
          <Reason seen={seen} more={runningText(seen)} />
          <Actions actions={glance.actions} act={act} />
          <RunActions seen={seen} onSteps={() => location.assign('#run')} />
          <CourseSteps seen={seen} />
          <CommandFailure seen={seen} />
        </div>
      </div>
      <Facts seen={seen} />
      <div className="cards">
        <Faults seen={seen} />
        <KeysToDo seen={seen} />
        <Advisories seen={seen} />
        <Notices seen={seen} />
        <LastLines seen={seen} />
        <Pushes seen={seen} />
        <Foreign seen={seen} />
        <div className="stack">
          <HealthCard seen={seen} />
          <EventsCard seen={seen} />
        </div>
        <div className="stack">
          <StorageCard seen={seen} />
        </div>
        <HistoryCard seen={seen} />
      </div>
      {sheet}
    </>
  )
}

function runningText({ snapshot, now, answers }: Seen): string {
  if (snapshot.process.kind !== 'serving' || !answers) return ''
  return ` Running for ${uptime(snapshot.process.startedAt, now)}.`
}

function Facts({ seen }: { seen: Seen }) {
  const { registry } = seen.snapshot
  const path = (text: string) => (
    <span className="mono" title={text}>
      {shortName(text, 21)}
    </span>
  )
  const facts: [string, ReactNode][] = [
    [
      'Address',
      <span className="copy" key="a">
        <code>{address(seen.snapshot)}</code>
        <Copy text={address(seen.snapshot)} what="address" />
      </span>,
    ],
    ...(registry.publicUrl === undefined
      ? []
      : [
          [
            'Public address',
            <span className="copy" key="p">
              <code>{registry.publicUrl.replace(/^https?:\/\//, '')}</code>
              <Copy text={registry.publicUrl.replace(/^https?:\/\//, '')} what="public address" />
            </span>,
          ] satisfies [string, ReactNode],
        ]),
    ['Engine', engineName(seen.snapshot)],
    ['Config', path(registry.configFile)],
    ...(registry.dataFolder === undefined
      ? []
      : [['Data', path(registry.dataFolder)] satisfies [string, ReactNode]]),
  ]
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Advisories({ seen }: { seen: Seen }) {
  const { upgrade, process } = seen.snapshot
  const words = advisoryMessage(seen.snapshot)
  if (!upgrade || !words || process.kind !== 'serving') return null
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

function Notices({ seen }: { seen: Seen }) {
  const notices = noticesBesideKeys(seen.snapshot)
  if (notices.length === 0) return null
  return (
    <section className="card span2" aria-label="Notices">
      <ul className="todo">
        {notices.map(notice => {
          const words = noticeMessage(notice)
          return (
            <li key={notice.id}>
              {words.wants ? <Glyph name="attention" /> : <Icon name="note" />}
              <div>
                <p className="t">{words.title}</p>
                <p className="small two lines">{words.detail}</p>
              </div>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function Faults({ seen }: { seen: Seen }) {
  const faults = faultsOf(seen.snapshot.process)
  if (!faults) return null
  return (
    <Wide title={faults.file}>
      <FaultList faults={faults.faults} />
    </Wide>
  )
}

function LastLines({ seen }: { seen: Seen }) {
  const last = lastLinesOf(seen.snapshot.process)
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
      <Excerpt lines={last.lines} most={10} />
    </Wide>
  )
}

function Pushes({ seen }: { seen: Seen }) {
  const process = seen.snapshot.process
  if (process.kind !== 'draining') return null
  return (
    <Wide
      title={
        process.pushes.length === 0
          ? 'No push in progress'
          : `${count(process.pushes.length, 'push', 'pushes')} in progress`
      }
      label={`stops in ${secondsUntil(process.until, seen.now)} at the latest`}
    >
      {process.pushes.length > 0 && <PushList seen={seen} width={80} />}
    </Wide>
  )
}

function Foreign({ seen }: { seen: Seen }) {
  const process = seen.snapshot.process
  if (process.kind !== 'foreign') return null
  return (
    <Wide title={`On port ${process.port}`}>
      <ForeignFacts seen={seen} />
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
