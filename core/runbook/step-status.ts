import type { RunbookPart, RunbookStep } from '../../contract/runbook.ts'
import type { Entry, StepSummary } from './journal.ts'

/** What is known of the step at hand before, or without, a line in the journal. */
export interface LiveStep {
  step: string
  phase: 'check' | 'apply' | 'undo' | 'wait' | 'done' | 'skipped' | 'failed'
  /** What it said it does, and how much of it is done. */
  words?: string
  count?: NonNullable<RunbookStep['count']>
}

/** The status of each step, from the journal and the newest event of the run. Pure. */
export function stepStatuses(
  outlines: readonly StepSummary[],
  entries: readonly Entry[],
  live: LiveStep | undefined,
): RunbookStep[] {
  const over = entries.some(entry => entry.kind === 'ended')
  return outlines.map(outline => {
    const written = journaledStatus(outline.id, entries, over)
    return { ...outline, ...(live?.step === outline.id && !over ? withLiveStep(written, live) : written) }
  })
}

type StepStatus = Pick<RunbookStep, 'state' | 'tookMs' | 'words' | 'count' | 'unproven'>

function journaledStatus(id: string, entries: readonly Entry[], over: boolean): StepStatus {
  const ofStep = entries.filter(entry => 'step' in entry && entry.step === id)
  const last = ofStep.at(-1)
  switch (last?.kind) {
    case 'applying':
      // Cut short by a cancel, and it has nothing to take back.
      return over ? { state: 'skipped', words: 'Cancelled' } : { state: 'working' }
    case 'applied': {
      const began = ofStep.findLast(entry => entry.kind === 'applying')
      return {
        state: 'done',
        ...(began ? { tookMs: Math.max(0, last.at - began.at) } : {}),
        ...(last.words === undefined ? {} : { words: last.words }),
        ...(last.unproven?.length ? { unproven: true as const } : {}),
      }
    }
    case 'skipped':
      return { state: 'skipped' }
    case 'failed':
    case 'undo-failed':
      return { state: 'failed', words: last.error.words }
    case 'undoing':
      return { state: 'undoing' }
    case 'undone': {
      // The step that went wrong is marked as that, also when it was taken back.
      const failed = ofStep.findLast(entry => entry.kind === 'failed')
      if (failed) return { state: 'failed', words: failed.error.words }
      return { state: 'undone', ...(last.words === undefined ? {} : { words: last.words }) }
    }
    default:
      return { state: 'pending' }
  }
}

/** The run emits a step before the journal has it. */
function withLiveStep(written: StepStatus, { phase, words, count }: LiveStep): StepStatus {
  const live = { ...(words === undefined ? {} : { words }), ...(count ? { count } : {}) }
  if (phase === 'undo') return written.state === 'undone' ? written : { state: 'undoing', ...live }
  if (written.state === 'working') return { ...written, ...live }
  if (written.state !== 'pending') return written
  if (phase === 'skipped') return { state: 'skipped' }
  return phase === 'check' || phase === 'apply' || phase === 'wait' ? { state: 'working', ...live } : written
}

/** The parts in a journal: those of the last step that had any. */
export function retainedParts(
  entries: readonly Entry[],
): { partsOf: string; parts: RunbookPart[] } | undefined {
  const last = entries.findLast(
    entry => (entry.kind === 'applied' || entry.kind === 'failed') && entry.parts !== undefined,
  )
  return last && 'parts' in last && last.parts ? { partsOf: last.step, parts: last.parts } : undefined
}
