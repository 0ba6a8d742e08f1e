import { useEffect, useRef } from 'react'
import { count, duration } from '../../contract/messages/format.ts'
import { partStateText, stepStateText } from '../../contract/messages/runbook-message.ts'
import type { RunbookPart, RunbookStep } from '../../contract/runbook.ts'
import { announce } from '../ui/announcer.tsx'
import { Glyph, type StatusGlyph } from '../ui/glyph.tsx'

const stepGlyphs: Record<RunbookStep['state'], StatusGlyph> = {
  pending: 'pending',
  working: 'working',
  done: 'fine',
  skipped: 'off',
  failed: 'down',
  undoing: 'working',
  undone: 'undone',
}

const glyphOf = ({ state, unproven }: RunbookStep): StatusGlyph =>
  unproven && state === 'done' ? 'unproven' : stepGlyphs[state]

const partGlyphs: Record<RunbookPart['state'], StatusGlyph> = {
  pending: 'pending',
  working: 'working',
  passed: 'fine',
  failed: 'down',
  skipped: 'off',
  unproven: 'unproven',
}

/** The steps of a run in order, with the result of each. `waits`: the current step waits for the user. */
export function RunSteps({ steps, waits, over }: { steps: RunbookStep[]; waits: boolean; over: boolean }) {
  useSpoken(steps)
  return (
    <ol className="steps" aria-label="Steps">
      {steps.map(step => {
        const now = step.state === 'working' || step.state === 'undoing'
        const stateText = over && step.state === 'pending' ? 'not reached' : stepStateText(step)
        const detail = step.words ?? (over && step.state === 'pending' ? 'not reached' : undefined)
        return (
          <li
            key={step.id}
            className={step.state}
            aria-current={now && !over ? 'step' : undefined}
            title={step.why || undefined}
          >
            {step.pointOfNoReturn && <p className="no-return">no way back after this</p>}
            <Glyph name={now && waits ? 'waits' : glyphOf(step)} />
            <div className="step">
              <p className="name-of">
                {step.title}
                <span className="vh">: {now && waits ? 'waits for you' : stateText}</span>
              </p>
              {detail !== undefined && (
                <p className="small two" title={detail}>
                  {detail}
                </p>
              )}
            </div>
            <p className="label" aria-hidden={step.tookMs === undefined}>
              {outcomeText(step)}
            </p>
          </li>
        )
      })}
    </ol>
  )
}

/** How long the step took, or its state where it is undone, failed or skipped. */
function outcomeText(step: RunbookStep): string {
  const { state, tookMs, unproven } = step
  if (unproven) return 'unproven'
  if (state === 'undone' || state === 'failed' || state === 'skipped') return stepStateText(step)
  return tookMs === undefined ? '' : shortly(tookMs)
}

/** A step may be over in a blink, which tenths of a second would show as none. */
const shortly = (ms: number): string =>
  ms < 95 ? count(Math.max(1, Math.round(ms)), 'ms', 'ms') : duration(ms)

/** Announces each step that has ended, once. */
function useSpoken(steps: RunbookStep[]): void {
  const before = useRef(new Map<string, RunbookStep['state']>())
  useEffect(() => {
    for (const step of steps) {
      const { id, title, state } = step
      const was = before.current.get(id)
      if (was !== undefined && was !== state && ['done', 'failed', 'undone'].includes(state))
        announce(`${title}: ${stepStateText(step)}`)
      before.current.set(id, state)
    }
  }, [steps])
}

/** The parts of a step, each with its result; `over`: the run has ended. */
export function RunParts({ parts, over = false }: { parts: RunbookPart[]; over?: boolean }) {
  return (
    <ul className="card parts">
      {parts.map(({ id, title, state, words }) => (
        <li key={id}>
          <Glyph name={over && state === 'working' ? 'pending' : partGlyphs[state]} />
          <p>
            {title}
            <span className="vh">: {partText(state, over)}</span>
          </p>
          <p className={state === 'failed' ? 'small bad' : 'small two'}>{words ?? partText(state, over)}</p>
        </li>
      ))}
    </ul>
  )
}

function partText(state: RunbookPart['state'], over: boolean): string {
  if (over && state === 'pending') return 'not reached'
  return over && state === 'working' ? 'cut short' : partStateText[state]
}
