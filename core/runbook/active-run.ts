import { plainText } from '../../contract/messages/format.ts'
import { progressText } from '../../contract/messages/runbook-message.ts'
import type {
  RunbookDetails,
  RunbookEnd,
  RunbookLine,
  RunbookPart,
  RunbookProgress,
  RunbookStep,
} from '../../contract/runbook.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Entry } from './journal.ts'
import { type RunEvent, summaryOf } from './run.ts'
import type { Question, Runbook } from './step.ts'
import { retainedParts, stepStatuses } from './step-status.ts'

/** The newest run of this life of the app: under way, or ended. */
export interface ActiveRun {
  progress: RunbookProgress
  /** Its lines, each with its number; of the output of steps only the newest are retained. */
  retainedLines: { at: number; line: RunbookLine }[]
  /** How many lines it has emitted. */
  lineCount: number
  /** What its journal holds, as it grows. */
  entries: readonly Entry[]
  /** The parts of each step. */
  parts: Map<string, Map<string, RunbookPart>>
  end?: RunbookEnd
  /** It cannot go on, and is still the one under way: its end for those who wait for it. */
  brokenOff?: RunbookEnd
  cancel: AbortController
  asked?: { question: Question; answer(agreed: boolean): void }
  /** Who answered which question, in words. */
  answeredBy: Map<string, string>
  waiting: Set<() => void>
}

/** A run at its begin, or as its journal left it. */
export function createActiveRun(
  runbook: Runbook<object>,
  { entries, ...begun }: { run: string; by: string; since: number; entries: readonly Entry[] },
): ActiveRun {
  const { name, title } = runbook
  const active: ActiveRun = {
    progress: { ...begun, runbook: name, title, undoing: false, steps: [], parts: [] },
    retainedLines: [],
    lineCount: 0,
    entries,
    parts: new Map(),
    cancel: new AbortController(),
    answeredBy: new Map(),
    waiting: new Set(),
  }
  updateSteps(active, runbook)
  return active
}

/** Applies an event of the run. */
export function applyEvent(active: ActiveRun, runbook: Runbook<object>, event: RunEvent): void {
  retainLine(active, eventLine(runbook.name, event))
  const title = runbook.steps.find(step => step.id === event.step)?.title ?? event.step
  const { question: _, lines: _lines, ...rest } = active.progress
  const progress = rest.step?.id === event.step && _lines ? { ...rest, lines: _lines } : rest
  if ('progress' in event && event.progress?.part) {
    const { part } = event.progress
    const stepParts = active.parts.get(event.step) ?? new Map<string, RunbookPart>()
    active.parts.set(event.step, stepParts.set(part.id, part))
  }
  const lines = outputLinesAfter(progress, event)
  active.progress = {
    ...progress,
    ...(lines ? { lines } : {}),
    step: {
      id: event.step,
      title,
      phase: event.phase,
      ...eventCount(event),
    },
    ...(event.phase === 'wait' ? { question: event.question } : {}),
    undoing: progress.undoing || event.phase === 'undo',
  }
  updateSteps(active, runbook)
}

/** How many lines are retained for a client that connects late: a build may write for an hour. */
const maxRetainedLines = 2000

/** Who follows the run has the oldest already. The begin and the end of a step, and what was asked, are never forgotten. */
function retainLine(active: ActiveRun, line: RunbookLine): void {
  active.retainedLines.push({ at: active.lineCount, line })
  active.lineCount += 1
  if (active.retainedLines.length <= maxRetainedLines) return
  let remaining = maxRetainedLines / 4
  active.retainedLines = active.retainedLines.filter(({ line: { label } }) => {
    const isRemoved = remaining > 0 && label !== undefined
    if (isRemoved) remaining -= 1
    return !isRemoved
  })
}

/** The lines from number `after` on, as far as they are retained. */
export const linesAfter = ({ retainedLines }: ActiveRun, after: number): RunbookLine[] =>
  retainedLines.filter(({ at }) => at >= after).map(({ line }) => line)

/** The status of its steps, from the journal and its newest event. */
export function updateSteps(active: ActiveRun, { steps }: Runbook<object>): void {
  const { step } = active.progress
  const text = step?.label === undefined ? {} : { words: plainText(progressText(step.label, step)) }
  const count = stepCountOf(step)
  active.progress = {
    ...active.progress,
    steps: stepStatuses(
      steps.map(summaryOf),
      active.entries,
      step && { step: step.id, phase: step.phase, ...text, ...(count ? { count } : {}) },
    ),
    parts: [...(active.parts.get(step?.id ?? '')?.values() ?? [])],
  }
}

/** Resolves with the answer; a cancel is no. From then on nothing is asked. */
export function askUser(active: ActiveRun, question: Question): Promise<boolean> {
  return new Promise(resolve => {
    const answer = (agreed: boolean): void => {
      delete active.asked
      const { question: _, ...progress } = active.progress
      active.progress = progress
      resolve(agreed)
    }
    active.asked = { question, answer }
    if (active.cancel.signal.aborted) answer(false)
    else active.cancel.signal.addEventListener('abort', () => answer(false), { once: true })
  })
}

/** The parts of the step under way, else those of the last step that had any. */
function partsOf({ parts, progress, entries }: ActiveRun): Pick<RunbookDetails, 'parts' | 'partsOf'> {
  if (progress.step && progress.parts.length > 0) return { partsOf: progress.step.id, parts: progress.parts }
  const last = [...parts].at(-1)
  if (last) return { partsOf: last[0], parts: [...last[1].values()] }
  return retainedParts(entries) ?? { parts: [] }
}

/** All that is known of it, under way or ended. */
export function activeDetails(active: ActiveRun): RunbookDetails {
  const { step: _, lines: _lines, ...progress } = active.progress
  const { end, brokenOff } = active
  const error = end?.error ?? brokenOff?.error
  const ended = active.entries.find(entry => entry.kind === 'ended')
  const since = active.entries.find(entry => entry.kind === 'begun')?.at ?? progress.since
  return {
    ...progress,
    ...(active.end || !_lines ? {} : { lines: _lines }),
    since,
    ...partsOf(active),
    changed: ended?.changed ?? [],
    ...(end ? { result: end.result } : {}),
    ...(error ? { error } : {}),
    ...(end?.unproven ? { unproven: end.unproven } : {}),
    ...(ended ? { tookMs: Math.max(0, ended.at - since) } : {}),
  }
}

/** Resolves with the next line of the run, or after `waitMs`. */
export function waitForLine(active: ActiveRun, clock: Clock, waitMs: number): Promise<void> {
  return new Promise(resolve => {
    const wake = (): void => {
      active.waiting.delete(wake)
      stop()
      resolve()
    }
    const stop = clock.setTimer(clock.now() + waitMs, wake)
    active.waiting.add(wake)
  })
}

function eventLine(runbook: string, event: RunEvent): RunbookLine {
  const { step, phase } = event
  return {
    runbook,
    step,
    phase,
    ...('progress' in event && event.progress ? event.progress : {}),
    ...('question' in event ? { question: event.question } : {}),
    ...('error' in event ? { error: event.error } : {}),
  }
}

/** How many lines of a step's output are shown. */
const maxOutputLines = 12

/** What the step wrote so far: its labels that count nothing and are of no part. */
function outputLinesAfter({ lines = [] }: RunbookProgress, event: RunEvent): string[] | undefined {
  const progress = 'progress' in event ? event.progress : undefined
  if (!progress || progress.part || progress.done !== undefined || progress.total !== undefined)
    return lines.length > 0 ? lines : undefined
  return [...lines, progress.label].slice(-maxOutputLines)
}

const stepCountOf = (step: RunbookProgress['step']): RunbookStep['count'] =>
  step?.total === undefined
    ? undefined
    : { done: step.done ?? 0, total: step.total, ...(step.unit ? { unit: step.unit } : {}) }

/** What is counted, without the part that changed. */
function eventCount(event: RunEvent): { label?: string; done?: number; total?: number; unit?: 'bytes' } {
  if (!('progress' in event) || !event.progress) return {}
  const { part: _, ...count } = event.progress
  return count
}
