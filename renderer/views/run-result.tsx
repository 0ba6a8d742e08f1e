import type { ReactNode } from 'react'
import { endText, isUnproven } from '../../contract/messages/runbook-message.ts'
import type { RunbookDetails, RunbookResult } from '../../contract/runbook.ts'
import { Glyph, type StatusGlyph } from '../ui/glyph.tsx'
import { Excerpt } from './quoted.tsx'
import { RunParts } from './run-steps.tsx'

const glyphs: Record<RunbookResult, StatusGlyph> = {
  done: 'fine',
  'rolled-back': 'undone',
  cancelled: 'undone',
  failed: 'down',
}

/** How a run ended: what went wrong, what was done about it, and where things are now. */
export function RunResult({ run, facts }: { run: RunbookDetails; facts: [string, ReactNode][] }) {
  const { result, error, parts, partsOf, steps, changed, unproven = [] } = run
  if (result === undefined) return null
  const { title, reason } = endText(run)
  const undone = steps.filter(step => step.state === 'undone').toReversed()
  const partsTitle = steps.find(step => step.id === partsOf)?.title
  return (
    <>
      <div className={`hero ${heroClass(run)}`} role="status">
        <Glyph name={isUnproven({ result, unproven }) ? 'unproven' : glyphs[result]} size="xl" />
        <div className="say">
          <h2>{title}</h2>
          <p>{reason}</p>
        </div>
      </div>
      {error && (
        <ResultCard title="What went wrong" glyph="down">
          <p>{error.words}</p>
          {error.detail !== undefined && error.detail !== '' && (
            <Excerpt lines={error.detail.split('\n')} limit={12} />
          )}
        </ResultCard>
      )}
      {isUnproven({ result, unproven }) && (
        <ResultCard title="Not proven" glyph="unproven">
          {unproven.map(what => (
            <p key={what}>{sentence(what)}</p>
          ))}
        </ResultCard>
      )}
      {(undone.length > 0 || changed.length > 0) && (
        <ResultCard
          title={changed.length > 0 ? 'What changed' : 'What was done'}
          glyph={changed.length > 0 ? 'fine' : 'undone'}
        >
          {changed.map(change => (
            <p key={change}>{sentence(change)}</p>
          ))}
          {undone.length > 0 && (
            <p>Taken back, from the last to the first: {undone.map(step => step.title).join('; ')}.</p>
          )}
        </ResultCard>
      )}
      <ResultCard title="Where you are now" glyph="fine">
        <dl className="kv">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </ResultCard>
      {parts.length > 0 && (
        <section aria-labelledby="parts-of">
          <header className="over">
            <h2 id="parts-of">{partsTitle ?? 'Parts'}</h2>
          </header>
          <RunParts parts={parts} over />
        </section>
      )}
    </>
  )
}

const heroClass = ({ result, unproven }: RunbookDetails): string =>
  result === 'failed' ? 'down' : unproven?.length ? 'attention' : ''

/** The change as a sentence; only a leading "the" becomes a capital, as names keep theirs. */
const sentence = (change: string): string => {
  const text = change.replace(/^the /, 'The ')
  return text.endsWith('.') ? text : `${text}.`
}

function ResultCard({ title, glyph, children }: { title: string; glyph: StatusGlyph; children: ReactNode }) {
  return (
    <section className="card pad at-hand" aria-label={title}>
      <Glyph name={glyph} />
      <div>
        <h3>{title}</h3>
        {children}
      </div>
    </section>
  )
}
