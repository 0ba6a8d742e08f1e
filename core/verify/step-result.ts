import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import type { Result } from '../../contract/result.ts'
import type { StepError, StepResult } from '../runbook/step.ts'

/** A step that has nothing to say. */
export const done: StepResult = { ok: true }

/** A step that failed. `words`: what happened, one sentence; `detail`: what was quoted, such as lines of a log. */
export const failed = (code: string, words: string, detail?: string): StepResult => ({
  ok: false,
  error: detail === undefined || detail === '' ? { code, words } : { code, words, detail },
})

/** A failure of the contract as an error of a step: its title as words, what to do and what was quoted as detail. */
export function errorOf(failure: Failure): StepError {
  const { title, steps } = failureMessage(failure)
  // Some words quote the lines themselves.
  const lines = 'lastLines' in failure ? failure.lastLines.filter(line => !steps.includes(line)) : []
  return {
    code: failure.code,
    words: `${title}.`,
    ...(steps.length + lines.length === 0 ? {} : { detail: [...steps, ...lines].join('\n') }),
  }
}

/** A result of the contract as one of a step; its value is dropped. */
export const asStep = (result: Result<unknown>): StepResult =>
  result.ok ? done : { ok: false, error: errorOf(result.error) }
