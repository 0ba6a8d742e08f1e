import type { Entry } from './journal.ts'

/** What happens next, decided from the journal alone. Pure: performing it is run.ts's part. */
export type Move =
  | { do: 'apply'; index: number }
  | { do: 'undo'; index: number }
  | { do: 'finish'; result: RunResult }

export type RunResult = 'done' | 'rolled-back' | 'cancelled' | 'failed'

/** What the plan must know of a step. */
export interface StepTraits {
  id: string
  undoable: boolean
  pointOfNoReturn: boolean
}

/**
 * The next move of a run, from its steps and what was journaled. A step whose apply was begun and not ended is applied
 * again (apply is idempotent); after a failure or a cancel the steps that were begun are undone from the last to the
 * first; past the point of no return nothing is undone, and the run goes forward or fails where it stands.
 */
export function nextMove(steps: readonly StepTraits[], entries: readonly Entry[]): Move {
  const crossed = steps.some(step => step.pointOfNoReturn && isBegun(step.id, entries))
  const failing = failingResult(steps, entries, crossed)
  if (failing === undefined) {
    const index = steps.findIndex(step => !isSettled(step.id, entries))
    return index < 0 ? { do: 'finish', result: 'done' } : { do: 'apply', index }
  }
  if (crossed) return { do: 'finish', result: failing }
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const step = steps[index]
    if (step?.undoable && isBegun(step.id, entries) && !isUndone(step.id, entries)) {
      const failed = entries.some(entry => entry.kind === 'undo-failed' && entry.step === step.id)
      return failed ? { do: 'finish', result: 'failed' } : { do: 'undo', index }
    }
  }
  return { do: 'finish', result: failing }
}

/** Why the run went back, or must stop: undefined while it goes forward. */
function failingResult(
  steps: readonly StepTraits[],
  entries: readonly Entry[],
  crossed: boolean,
): Exclude<RunResult, 'done'> | undefined {
  const failure = entries.findLast(entry => entry.kind === 'failed')
  if (failure) return crossed ? 'failed' : isAnyBegun(steps, entries) ? 'rolled-back' : 'failed'
  // A cancel past the point of no return is too late and changes nothing.
  return entries.some(entry => entry.kind === 'cancelled') && !crossed ? 'cancelled' : undefined
}

const isSettled = (id: string, entries: readonly Entry[]): boolean =>
  entries.some(entry => (entry.kind === 'applied' || entry.kind === 'skipped') && entry.step === id)
const isBegun = (id: string, entries: readonly Entry[]): boolean =>
  entries.some(entry => entry.kind === 'applying' && entry.step === id)
const isUndone = (id: string, entries: readonly Entry[]): boolean =>
  entries.some(entry => entry.kind === 'undone' && entry.step === id)
const isAnyBegun = (steps: readonly StepTraits[], entries: readonly Entry[]): boolean =>
  steps.some(step => step.undoable && isBegun(step.id, entries))
