import { count, duration, exactMoment, relativeTime } from '../../contract/messages/format.ts'
import { initiatorText, isUnproven, shortResultText } from '../../contract/messages/runbook-message.ts'
import type { RunbookRecord, RunbookResult } from '../../contract/runbook.ts'
import { Glyph, type StatusGlyph } from '../ui/glyph.tsx'
import { Time } from '../ui/time.tsx'
import { useHistory } from './use-run.ts'
import type { ViewModel } from './view-model.tsx'

const glyphs: Record<RunbookResult, StatusGlyph> = {
  done: 'fine',
  'rolled-back': 'undone',
  cancelled: 'off',
  failed: 'down',
}

/** Every run that has ended, with a way to its steps. */
export function HistoryView({ model }: { model: ViewModel }) {
  const runs = useHistory(model)
  return (
    <>
      <header className="bar-top">
        <div>
          <h1 id="view">What was done</h1>
          <p className="label" role="status">
            {runs && (runs.length === 0 ? '' : count(runs.length, 'run'))}
          </p>
        </div>
      </header>
      <div className="scroll">
        {runs?.length === 0 && (
          <p className="nothing">
            Nothing yet. Changes of the engine, upgrades and rotations of keys are listed here, with their
            steps.
          </p>
        )}
        {runs !== undefined && runs.length > 0 && <Runs runs={runs} now={model.now} />}
      </div>
    </>
  )
}

/** The newest runs, for the overview; nothing before the first. */
export function HistoryCard({ model }: { model: ViewModel }) {
  const runs = useHistory(model)
  if (!runs || runs.length === 0) return null
  return (
    <section className="span2" aria-labelledby="what-was-done">
      <header className="over">
        <h3 id="what-was-done">What was done</h3>
        {runs.length > 3 && (
          <a className="label" href="#done">
            All {runs.length}
          </a>
        )}
      </header>
      <Runs runs={runs.slice(0, 3)} now={model.now} />
    </section>
  )
}

function Runs({ runs, now }: { runs: RunbookRecord[]; now: number }) {
  return (
    <ul className="card runs" aria-label="Runs">
      {runs.map(({ run, title, at, tookMs, result, unproven = [], by, error }) => (
        <li key={run}>
          <Glyph name={isUnproven({ result, unproven }) ? 'unproven' : glyphs[result]} />
          <div>
            <a className="t" href={`#run/${encodeURIComponent(run)}`}>
              {title}
            </a>
            {error && <p className="small two clip">{error.words}</p>}
          </div>
          <p className={result === 'failed' ? 'small bad' : 'small two'}>
            {shortResultText({ result, unproven })}, {duration(tookMs)}
          </p>
          <p className="label">
            <Time at={at} exact={exactMoment(at)}>
              {relativeTime(at, now)}
            </Time>
            {by !== undefined && `, ${initiatorText(by)}`}
          </p>
        </li>
      ))}
    </ul>
  )
}
