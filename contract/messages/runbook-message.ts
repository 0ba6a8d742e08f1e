import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import type { RunbookDetails, RunbookPart, RunbookProgress, RunbookResult, RunbookStep } from '../runbook.ts'
import { bytes } from './format.ts'
import type { FailureMessage } from './message.ts'

/** How a run ended, for whoever watched it. */
const resultText: Record<RunbookResult, string> = {
  done: 'Done',
  'rolled-back': 'It did not work out; everything is as it was before',
  cancelled: 'Cancelled; everything is as it was before',
  failed: 'Failed',
}

/** What is known of the end of a run. */
type RunEnd = { result: RunbookResult; unproven?: readonly string[]; remains?: readonly string[] }

/** Whether it is done and something of it could not be proven: such a run is never shown as one that proved itself. */
export const isUnproven = ({ result, unproven = [] }: Partial<RunEnd>): boolean =>
  result === 'done' && unproven.length > 0

/** How a run ended, then what of it nobody could prove, or could not be taken back, a line each. */
export function resultLines({ result, unproven = [], remains = [] }: RunEnd): string[] {
  if (remains.length > 0 && (result === 'rolled-back' || result === 'cancelled'))
    return [`${resultText[result]}, but for this:`, ...remains.map(what => `  ${what}`)]
  if (!isUnproven({ result, unproven })) return [resultText[result]]
  return ['Done, but not all of it is proven:', ...unproven.map(what => `  ${what}`)]
}

const shortResultTexts: Record<RunbookResult, string> = {
  done: 'done',
  'rolled-back': 'went back',
  cancelled: 'cancelled',
  failed: 'failed',
}

/** How a run ended, in a list. */
export const shortResultText = (end: RunEnd): string =>
  isUnproven(end) ? 'done, not all proven' : shortResultTexts[end.result]

/** For who does not see the glyph. */
export const partStateText: Record<RunbookPart['state'], string> = {
  pending: 'to come',
  working: 'under way',
  passed: 'passed',
  failed: 'failed',
  skipped: 'left out',
  unproven: 'unproven',
}

/** What came of a part, in a line of text: words alone would let what is not proven pass for proven. */
export function partResultText({ state, words }: Pick<RunbookPart, 'state' | 'words'>): string {
  if (words === undefined) return partStateText[state]
  return state === 'unproven' || state === 'skipped' ? `${partStateText[state]}: ${words}` : words
}

const stepStateTexts: Record<RunbookStep['state'], string> = {
  pending: 'to come',
  working: 'under way',
  done: 'done',
  skipped: 'not needed',
  failed: 'failed',
  undoing: 'being taken back',
  undone: 'undone',
}

/** The same for a step. */
export const stepStateText = ({ state, unproven }: Pick<RunbookStep, 'state' | 'unproven'>): string =>
  unproven && state === 'done' ? 'done, not all proven' : stepStateTexts[state]

/** "Compared (9 of 12)", "Downloaded (42 MB of 119 MB)", or the label alone where nothing is counted. */
export function progressText(
  label: string,
  { done, total, unit }: { done?: number; total?: number; unit?: 'bytes' },
): string {
  if (done === undefined && total === undefined) return label
  const amount = (n: number): string => (unit === 'bytes' ? bytes(n) : String(n))
  return total === undefined
    ? `${label} (${amount(done ?? 0)})`
    : `${label} (${amount(done ?? 0)} of ${amount(total)})`
}

/** Who asked for a run. */
export const initiatorText = (by: string | undefined): string =>
  by === 'cli'
    ? 'the command line'
    : by === 'window'
      ? 'the window'
      : by === 'dashboard'
        ? 'the dashboard'
        : by === 'schedule'
          ? 'the schedule'
          : (by ?? '')

/** Whether the run is beyond its point of no return. */
export const isPastReturn = (steps: readonly RunbookStep[]): boolean =>
  steps.some(step => step.pointOfNoReturn && !['pending', 'skipped'].includes(step.state))

/** "step 3 of 8": the step at hand, or nothing before the first. */
export function stepCount({ step, steps }: Pick<RunbookProgress, 'step' | 'steps'>): string | undefined {
  const index = steps.findIndex(({ id }) => id === step?.id)
  return index < 0 ? undefined : `step ${index + 1} of ${steps.length}`
}

/** Steps that change nothing of what serves. */
const harmlessSteps = new Set(['preflight', 'ask', 'consent', 'download', 'verify', 'stage', 'config'])

/** Whether anything was done that a cancel would take back. */
const hasChanged = (steps: readonly RunbookStep[]): boolean =>
  steps.some(({ state, id }) => (state === 'done' || state === 'working') && !harmlessSteps.has(id))

/** What a cancel would mean now. */
export function cancelText({
  runbook,
  steps,
  undoing,
}: Pick<RunbookProgress, 'runbook' | 'steps' | 'undoing'>): string {
  if (undoing) return 'What was done is being taken back.'
  if (isPastReturn(steps)) return 'There is no way back any more; it goes on to its end.'
  if (!hasChanged(steps)) return 'Nothing has changed yet.'
  switch (runbook) {
    case 'rotate':
      return 'If you cancel now, the new key is revoked and every sink gets the current one again.'
    case 'upgrade':
      return 'If you cancel now, the version before is put back. If a check fails, that happens by itself.'
    case 'engine-use':
      return 'If you cancel now, the engine before is put back. If a check fails, that happens by itself.'
    default:
      return 'If you cancel now, what was done is taken back.'
  }
}

/** The button that cancels; undefined where there is nothing to cancel any more. */
export function cancelLabel({
  steps,
  undoing,
}: Pick<RunbookProgress, 'steps' | 'undoing'>): string | undefined {
  if (undoing || isPastReturn(steps)) return undefined
  return hasChanged(steps) ? 'Cancel and put back' : 'Cancel'
}

/** The headline of a run that has ended, and what that means. */
export function endText({
  result,
  steps,
  unproven,
  changed,
}: Pick<RunbookDetails, 'result' | 'steps' | 'unproven' | 'changed'>): {
  title: string
  reason: string
} {
  const back = steps.some(step => step.state === 'undone')
  switch (result) {
    case 'done':
      if (unproven?.length)
        return {
          title: 'Done, but not all of it is proven',
          reason: 'Every step is done. See what nobody could prove.',
        }
      return { title: 'Done', reason: 'Every step is done, and it has proved itself.' }
    case 'rolled-back':
      return {
        title: 'It went back by itself',
        reason:
          changed.length > 0
            ? 'It did not work out. Not everything could be taken back: see what changed.'
            : 'It did not work out, so everything is as it was before.',
      }
    case 'cancelled':
      return {
        title: 'Cancelled',
        reason: back ? 'What was done was taken back.' : 'Nothing had changed yet.',
      }
    default:
      return isPastReturn(steps)
        ? { title: 'It failed, and stays as it is', reason: 'It was past the point of no return.' }
        : back
          ? { title: 'It failed, also on the way back', reason: 'Not everything could be taken back.' }
          : { title: 'It did not begin', reason: 'Nothing was changed.' }
  }
}

/** A run that cannot begin, go on or be cancelled. */
type RunFailure = Extract<
  Failure,
  {
    code:
      | 'busy'
      | 'run-broken-off'
      | 'nothing-under-way'
      | 'cancelled'
      | 'nothing-to-cancel'
      | 'upgrade-needs-zot'
      | 'no-earlier-version'
      | 'engine-unusable'
      | 'config-edited-meanwhile'
  }
>

/** The message for a run that cannot begin, go on or be cancelled. */
export function runFailureMessage(error: RunFailure): FailureMessage {
  switch (error.code) {
    case 'busy':
      return {
        title: 'Something else is under way',
        steps: [`Zotbar is busy with this: ${error.with}.`, 'Wait for it, or cancel it.'],
      }
    case 'run-broken-off':
      return {
        title: 'A run broke off, and comes first',
        steps: [
          `${error.title}: ${error.reason}`,
          'It is brought to its end by itself as soon as that is possible, before anything else begins.',
          'To try it at once: zotbar runbooks answer --yes',
        ],
      }
    case 'nothing-under-way':
      return { title: 'Nothing is under way', steps: ['It has ended, or was never begun.'] }
    case 'cancelled':
      return {
        title: 'Taken back',
        steps: ['It was cancelled, or something else was asked for in the meantime.'],
      }
    case 'nothing-to-cancel':
      return {
        title: 'Nothing can be cancelled now',
        steps: [
          'The registry was already asked to stop, nothing is under way, or there is no way back any more.',
        ],
      }
    case 'upgrade-needs-zot':
      return {
        title: 'Only zot is upgraded this way',
        steps: [
          `${error.engine} changes together with Zotbar: install a newer Zotbar.`,
          'Change over to zot first: zotbar engine use zot',
        ],
      }
    case 'no-earlier-version':
      return {
        title: 'There is no version to go back to',
        steps: [
          'Only a version that was replaced by an upgrade, and is still installed, can be gone back to.',
        ],
      }
    case 'engine-unusable':
      return {
        title: `${error.engine} cannot be used`,
        steps: [`${error.path}: ${error.reason}.`, 'See which engines there are: zotbar engine list'],
      }
    case 'config-edited-meanwhile':
      return {
        title: 'config.json was changed by somebody else meanwhile',
        steps: [
          `${error.file} is neither what was shown before nor what it was to become; it was left alone.`,
          'Look at it, then try again.',
        ],
      }
    default:
      return unreachable(error)
  }
}
