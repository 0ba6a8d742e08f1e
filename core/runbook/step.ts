import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import type { Result } from '../../contract/result.ts'
import type { RunbookPart, SignInOffer } from '../../contract/runbook.ts'

/** What a step reports while it works: what is counted, how much is done, of how much; or a part of it that changed. */
export interface Progress {
  label: string
  done?: number
  total?: number
  /** What is counted; absent: things, as the label says. */
  unit?: 'bytes'
  part?: RunbookPart
}

/** What a step waits for the user to do or decide. `id` is stable; the words are for people. */
export interface Question {
  id: string
  title: string
  body: string
  confirm: string
  /** A yes alone does not answer it: a key of this user is to be pasted. */
  wants?: { keyOf: string }
  signIn?: SignInOffer
  /** A yes tries again what is locked now, and does nothing else. */
  triesAgain?: true
}

/** What a step is given. `signal` fires when the user cancels; a step that cannot stop safely ignores it. */
export interface StepContext<Memory> {
  /** What earlier steps found out, and this one may add to. Journaled, so plain data and never a secret. */
  memory: Memory
  signal: AbortSignal
  progress(progress: Progress): void
  /** Resolves true when the user agreed, false when not. */
  ask(question: Question): Promise<boolean>
}

/**
 * One step of a runbook. Each part may be interrupted by a kill at any instant and be run again from its beginning by
 * the next start, so each is idempotent.
 */
export interface Step<Memory> {
  id: string
  title: string
  /** Why the step is there, in one sentence. */
  why: string
  /** Whether the step's effect holds already: it is then skipped. Changes nothing; a dry run calls it too. */
  check(context: StepContext<Memory>): Promise<boolean>
  /** Brings the effect about. An expected failure is returned; a thrown error is one with code `no-space` or `unexpected`. */
  apply(context: StepContext<Memory>): Promise<StepResult>
  /** Takes the effect back, whether apply had finished, had begun, or had not. Absent: there is nothing to take back. */
  undo?(context: StepContext<Memory>): Promise<StepResult>
  /** From the apply of this step on there is no way back: a failure after it is never undone. */
  pointOfNoReturn?: boolean
  /** A cancel while this step works is taken at once; otherwise after the step. */
  cancellable?: boolean
}

/**
 * `words`: what came of it, in a few words, for whoever reads the list of steps. `unproven`: what it was to prove and
 * could not, a sentence each without its full stop: the run is done, and never shown as proven.
 */
export type StepResult = { ok: true; words?: string; unproven?: string[] } | { ok: false; error: StepError }

/** `code` for programs, `words` for people, `detail` quoted as it was found (last lines of an output). */
export interface StepError {
  code: string
  words: string
  detail?: string
}

export interface Runbook<Memory> {
  /** The kind: "upgrade", "rotate". */
  name: string
  /** What it is about, for the history: "zot v2.1.13 to v2.1.15". */
  title: string
  steps: readonly Step<Memory>[]
  /** What the first step finds. Plain data. */
  memory: Memory
  /** What is different once it is done, in words, for the history. */
  changes?(memory: Memory): string[]
  /** When the key that was replaced is to be revoked, RFC 3339: reported with the end of the run. */
  retireAt?(memory: Memory): string | undefined
}

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
