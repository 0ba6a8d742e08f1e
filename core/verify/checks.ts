import type { RunbookPart } from '../../contract/runbook.ts'
import type { StepContext, StepError, StepResult } from '../runbook/step.ts'
import { done, failed } from './step-result.ts'

/** What one check of a gate came to. */
export type Checked =
  | { ok: true; state?: 'passed' | 'skipped' | 'unproven'; words?: string }
  | { ok: false; error: StepError }

export interface Check {
  id: string
  title: string
  run(): Promise<Checked>
}

/** Runs the checks one after the other, each told as a part of the step, until one fails or the user cancels. */
export async function runChecks(
  checks: Check[],
  { progress, signal }: Pick<StepContext<object>, 'progress' | 'signal'>,
): Promise<StepResult> {
  const tell = (part: RunbookPart): void => progress({ label: part.title, part })
  for (const { id, title } of checks) tell({ id, title, state: 'pending' })
  for (const { id, title, run } of checks) {
    if (signal.aborted) return failed('cancelled', 'It was cancelled.')
    tell({ id, title, state: 'working' })
    const checked = await run()
    if (!checked.ok) {
      tell({ id, title, state: 'failed', words: checked.error.words })
      return checked
    }
    const { state = 'passed', words } = checked
    tell({ id, title, state, ...(words === undefined ? {} : { words }) })
  }
  return done
}
