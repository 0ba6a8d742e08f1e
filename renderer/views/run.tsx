import { type ReactNode, useState } from 'react'
import { exactMoment, exactTime, longDate } from '../../contract/messages/format.ts'
import {
  cancelLabel,
  cancelText,
  initiatorText,
  isPastReturn,
} from '../../contract/messages/runbook-message.ts'
import type { RunbookDetails } from '../../contract/runbook.ts'
import { Meter } from '../ui/bar.tsx'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { Time } from '../ui/time.tsx'
import { FullOnly } from './full-only.tsx'
import { Excerpt } from './quoted.tsx'
import { type AnswerQuestion, RunQuestion } from './run-question.tsx'
import { RunResult } from './run-result.tsx'
import { RunParts, RunSteps } from './run-steps.tsx'

export interface RunViewProps {
  run: RunbookDetails
  /** What the registry is like now, for after the end: pairs of a name and what it is. */
  facts: [string, ReactNode][]
  onAnswer: AnswerQuestion
  onCancel: () => void
  /** Back to where it was opened from, once it has ended. */
  onDone: () => void
  /** More cards beside the steps, such as what a release means for the configuration. */
  children?: ReactNode
  /** More buttons once it has ended, before Done. */
  after?: ReactNode
}

/** A runbook as it runs, and as it ended: its steps at the side, the one at hand beside them. Plain data in. */
export function RunView({ run, facts, onAnswer, onCancel, onDone, children, after }: RunViewProps) {
  const over = run.result !== undefined
  return (
    <>
      <header className="bar-top">
        <div>
          <h1 id="view">{run.title}</h1>
          <p className="label">{whenText(run)}</p>
        </div>
        <p className="label">{!over && stepText(run)}</p>
      </header>
      <div className="run">
        {/* Each side scrolls on its own, so each is reached by the keyboard. */}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
        <section className="run-steps" tabIndex={0} aria-label="All steps">
          <RunSteps steps={run.steps} waits={run.question !== undefined} over={over} />
        </section>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
        <section className="run-now" tabIndex={0} aria-label={over ? 'How it ended' : 'The step at hand'}>
          {over ? <RunResult run={run} facts={facts} /> : <StepAtHand run={run} onAnswer={onAnswer} />}
          {children}
        </section>
      </div>
      <footer className="run-foot">
        {over ? (
          <>
            <p className="small two">The steps stay readable under What was done.</p>
            <div className="tools">
              {after}
              <Button kind="fill" onPress={onDone}>
                Done
              </Button>
            </div>
          </>
        ) : (
          <CancelPart run={run} onCancel={onCancel} />
        )}
      </footer>
    </>
  )
}

function whenText({ since, tookMs, by }: RunbookDetails): ReactNode {
  const from = `from ${initiatorText(by)}`
  return tookMs === undefined ? (
    <Time at={since} exact={exactMoment(since)}>
      started {exactTime(since)} {from}
    </Time>
  ) : (
    <Time at={since} exact={exactMoment(since)}>
      {longDate(since)}, {exactTime(since)} to {exactTime(since + tookMs)}, {from}
    </Time>
  )
}

/** The number of the current step, or that the run goes back. */
function stepText({ steps, undoing }: RunbookDetails): string {
  if (undoing) return 'going back'
  const at = steps.findIndex(step => step.state === 'working')
  return at < 0 ? '' : `step ${at + 1} of ${steps.length}`
}

function StepAtHand({ run, onAnswer }: Pick<RunViewProps, 'run' | 'onAnswer'>) {
  const step = run.steps.find(({ state }) => state === 'working' || state === 'undoing')
  const parts = run.partsOf === step?.id ? run.parts : []
  const lines = run.lines ?? []
  return (
    <section aria-labelledby="at-hand">
      <header className="over">
        <h2 id="at-hand">{step ? step.title : 'It begins'}</h2>
        <p className="label">
          {run.undoing
            ? 'what was done is being taken back'
            : isPastReturn(run.steps)
              ? 'no way back any more'
              : ''}
        </p>
      </header>
      {run.question && <RunQuestion question={run.question} onAnswer={onAnswer} />}
      {parts.length > 0 ? (
        <RunParts parts={parts} />
      ) : (
        !run.question && (
          <div className="card pad at-hand">
            <Glyph name={step ? 'working' : 'pending'} />
            <div>
              <p>{step?.words ?? step?.why ?? 'The first step follows.'}</p>
              {step?.words !== undefined && <p className="small two">{step.why}</p>}
              {step?.count && <Meter label={step.title} {...step.count} text={step.words ?? ''} />}
              {lines.length > 1 && <Excerpt lines={lines} limit={12} />}
            </div>
          </div>
        )
      )}
    </section>
  )
}

/** What a cancel would do now, and the button that asks first. */
function CancelPart({ run, onCancel }: Pick<RunViewProps, 'run' | 'onCancel'>) {
  const [asking, setAsking] = useState(false)
  const [isCancelled, setIsCancelled] = useState(false)
  const text = cancelText(run)
  const label = cancelLabel(run)
  const may = label !== undefined && !isCancelled
  return (
    <>
      <p className="small two" role="status">
        {isCancelled && !run.undoing
          ? 'It stops after the step at hand, and takes back what was done.'
          : text}
      </p>
      {may && (
        <FullOnly to="cancel it">
          <Button kind="danger" onPress={() => setAsking(true)}>
            {label}…
          </Button>
        </FullOnly>
      )}
      {asking && may && (
        <Sheet
          title={`${label}?`}
          body={text}
          dismissLabel="Go on"
          confirm={label}
          onConfirm={() => {
            setIsCancelled(true)
            onCancel()
          }}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  )
}
