import type { RunbookPart, RunbookProgress, RunbookResult, RunbookStep } from '../contract/runbook.ts'

/** How a run ended, for whoever watched it. */
export const resultWords: Record<RunbookResult, string> = {
  done: 'Done',
  'rolled-back': 'It did not work out; everything is as it was before',
  cancelled: 'Cancelled; everything is as it was before',
  failed: 'Failed',
}

/** How a run ended, in a list. */
export const shortResultWords: Record<RunbookResult, string> = {
  done: 'done',
  'rolled-back': 'went back',
  cancelled: 'cancelled',
  failed: 'failed',
}

export const partStateWords: Record<RunbookPart['state'], string> = {
  pending: 'to come',
  working: 'under way',
  passed: 'passed',
  failed: 'failed',
  skipped: 'left out',
  unproven: 'unproven',
}

export const stepStateWords: Record<RunbookStep['state'], string> = {
  pending: 'to come',
  working: 'under way',
  done: 'done',
  skipped: 'not needed',
  failed: 'failed',
  undoing: 'being taken back',
  undone: 'undone',
}

/** Who asked for a run. */
export const byWords = (by: string | undefined): string =>
  by === 'cli'
    ? 'the command line'
    : by === 'window'
      ? 'the window'
      : by === 'dashboard'
        ? 'the dashboard'
        : (by ?? '')

/** Whether the run is beyond its point of no return. */
export const isPastReturn = (steps: readonly RunbookStep[]): boolean =>
  steps.some(step => step.pointOfNoReturn && !['pending', 'skipped'].includes(step.state))

/** "step 3 of 8": the step at hand, or nothing before the first. */
export function stepCount({ step, steps }: Pick<RunbookProgress, 'step' | 'steps'>): string | undefined {
  const index = steps.findIndex(({ id }) => id === step?.id)
  return index < 0 ? undefined : `step ${index + 1} of ${steps.length}`
}

/** What a cancel would mean now. */
export function cancelWords({
  runbook,
  steps,
  undoing,
}: Pick<RunbookProgress, 'runbook' | 'steps' | 'undoing'>): string {
  if (undoing) return 'What was done is being taken back.'
  if (isPastReturn(steps)) return 'There is no way back any more; it goes on to its end.'
  const changed = steps.some(step => step.state === 'done' && step.id !== 'preflight')
  switch (runbook) {
    case 'rotate':
      return 'If you cancel now, the new key is revoked and every place gets the current one again.'
    case 'upgrade':
      return changed
        ? 'If you cancel now, the version before is put back. If a check fails, that happens by itself.'
        : 'Nothing has changed yet.'
    case 'engine-use':
      return changed
        ? 'If you cancel now, the engine before is put back. If a check fails, that happens by itself.'
        : 'Nothing has changed yet.'
    default:
      return changed ? 'If you cancel now, what was done is taken back.' : 'Nothing has changed yet.'
  }
}
