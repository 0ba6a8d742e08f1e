import type { RunbookPart } from '../../contract/runbook.ts'
import type { Clock } from '../../lib/clock.ts'
import { isVolumeFull } from '../../lib/error-code.ts'
import type { Entry, Journal, StepSummary } from './journal.ts'
import { type Move, nextMove, type RunResult, type StepTraits } from './next-move.ts'
import {
  failed,
  type Progress,
  type Question,
  type Runbook,
  type Step,
  type StepContext,
  type StepError,
  type StepResult,
} from './step.ts'

/** What a run emits, as it happens. */
export type RunEvent =
  | { step: string; phase: 'check' | 'apply' | 'undo'; progress?: Progress }
  | { step: string; phase: 'wait'; question: Question }
  | { step: string; phase: 'done' | 'skipped' }
  | { step: string; phase: 'failed'; error: StepError }

export interface RunOptions {
  journal: Journal
  clock: Pick<Clock, 'now'>
  emit(event: RunEvent): void
  /** Asks the user; the answer of a run that nobody watches is the caller's policy. */
  ask(question: Question): Promise<boolean>
  /** Fires when the user cancels. */
  signal: AbortSignal
  /** Who asked, for the history. */
  by?: string
}

export interface Outcome {
  result: RunResult
  error?: StepError
  /** Of a run that is done: what nobody could prove. Absent where all of it is proven. */
  unproven?: string[]
  /** Of a run that went back: what could not be taken back, a sentence each. */
  remains?: string[]
}

/**
 * Runs a runbook to its end, or goes on with one that a kill interrupted: the same call, as the journal knows how far
 * it came. Each apply and undo is journaled, and synced, before and after. Rejects only when the journal cannot be
 * written: then nothing more is done.
 */
export async function runRunbook<Memory extends object>(
  runbook: Runbook<Memory>,
  run: string,
  options: RunOptions,
): Promise<Outcome> {
  const { journal, clock } = options
  const ended = journal.entries.find(entry => entry.kind === 'ended')
  if (ended) return outcomeOf(ended.result, journal.entries)
  if (journal.entries.length > 0) await journal.add({ kind: 'resumed', at: clock.now() })
  else {
    const { name, title, memory } = runbook
    await journal.add({
      kind: 'begun',
      at: clock.now(),
      run,
      runbook: name,
      title,
      ...(options.by === undefined ? {} : { by: options.by }),
      memory: copyOf(memory),
      steps: runbook.steps.map(summaryOf),
    })
  }
  const memory: Memory = Object.assign(runbook.memory, remembered(journal.entries))
  const traits = runbook.steps.map(traitsOf)
  for (;;) {
    if (options.signal.aborted && !journal.entries.some(entry => entry.kind === 'cancelled'))
      await journal.add({ kind: 'cancelled', at: clock.now() })
    const move = nextMove(traits, journal.entries)
    if (move.do === 'finish') return finish(move.result, runbook.changes?.(memory) ?? [], options)
    await perform(move, runbook.steps, memory, options)
  }
}

async function perform<Memory extends object>(
  move: Exclude<Move, { do: 'finish' }>,
  steps: readonly Step<Memory>[],
  memory: Memory,
  options: RunOptions,
): Promise<void> {
  const { journal, clock, emit } = options
  const step = steps[move.index]
  if (!step) throw new Error(`a runbook has no step ${move.index}`)
  const parts = new Map<string, RunbookPart>()
  const context = contextOf(step, memory, move.do, parts, options)
  if (move.do === 'undo') {
    emit({ step: step.id, phase: 'undo' })
    await journal.add({ kind: 'undoing', at: clock.now(), step: step.id })
    const undone = await safely(() => step.undo?.(context) ?? Promise.resolve({ ok: true }))
    if (undone.ok)
      return journal.add({
        kind: 'undone',
        at: clock.now(),
        step: step.id,
        ...(undone.words === undefined ? {} : { words: undone.words }),
      })
    emit({ step: step.id, phase: 'failed', error: undone.error })
    return journal.add({ kind: 'undo-failed', at: clock.now(), step: step.id, error: undone.error })
  }
  emit({ step: step.id, phase: 'check' })
  const holds = await safely(async () =>
    (await step.check(context)) ? { ok: true } : { ok: false, error: unmet },
  )
  if (holds.ok) {
    emit({ step: step.id, phase: 'skipped' })
    const begun = journal.entries.some(entry => entry.kind === 'applying' && entry.step === step.id)
    // Its apply was done and only not written down: what it found out is lost, so `check` fills the memory in too.
    const kind = begun ? 'applied' : 'skipped'
    return journal.add(
      kind === 'applied'
        ? { kind, at: clock.now(), step: step.id, memory: copyOf(memory) }
        : { kind, at: clock.now(), step: step.id },
    )
  }
  if (holds.error !== unmet) return fail(step.id, holds.error, options)
  emit({ step: step.id, phase: 'apply' })
  await journal.add({ kind: 'applying', at: clock.now(), step: step.id })
  const applied = await safely(() => step.apply(context))
  if (!applied.ok) {
    // What fails because it was asked to stop did not fail.
    if (options.signal.aborted && step.cancellable) return
    return fail(step.id, applied.error, options, parts)
  }
  await journal.add({
    kind: 'applied',
    at: clock.now(),
    step: step.id,
    memory: copyOf(memory),
    ...(applied.words === undefined ? {} : { words: applied.words }),
    ...(applied.unproven?.length ? { unproven: applied.unproven } : {}),
    ...partsEntry(parts),
  })
  emit({ step: step.id, phase: 'done' })
}

async function fail(
  step: string,
  error: StepError,
  { journal, clock, emit }: RunOptions,
  parts: ReadonlyMap<string, RunbookPart> = new Map(),
): Promise<void> {
  await journal.add({ kind: 'failed', at: clock.now(), step, error, ...partsEntry(parts) })
  emit({ step, phase: 'failed', error })
}

async function finish(
  result: RunResult,
  changes: string[],
  { journal, clock }: RunOptions,
): Promise<Outcome> {
  const outcome = outcomeOf(result, journal.entries)
  const { remains = [], ...ended } = outcome
  const changed = result === 'done' ? changes : remains
  await journal.add({
    kind: 'ended',
    at: clock.now(),
    ...ended,
    ...(changed.length > 0 ? { changed } : {}),
  })
  return outcome
}

function outcomeOf(result: RunResult, entries: readonly Entry[]): Outcome {
  const failed =
    entries.findLast(entry => entry.kind === 'undo-failed') ??
    entries.findLast(entry => entry.kind === 'failed')
  if (result !== 'done') {
    const remains = entries.flatMap(entry => (entry.kind === 'undone' ? (entry.words ?? []) : []))
    return {
      result,
      ...(failed ? { error: failed.error } : {}),
      ...(remains.length > 0 ? { remains } : {}),
    }
  }
  const unproven = entries.flatMap(entry => (entry.kind === 'applied' ? (entry.unproven ?? []) : []))
  return unproven.length === 0 ? { result } : { result, unproven }
}

function contextOf<Memory>(
  step: Step<Memory>,
  memory: Memory,
  phase: 'apply' | 'undo',
  parts: Map<string, RunbookPart>,
  { emit, ask, signal }: RunOptions,
): StepContext<Memory> {
  return {
    memory,
    // An undo is never cancelled: it is the way back to a whole state.
    signal: phase === 'apply' && step.cancellable ? signal : new AbortController().signal,
    progress(progress) {
      if (progress.part) parts.set(progress.part.id, progress.part)
      emit({ step: step.id, phase, progress })
    },
    ask(question) {
      emit({ step: step.id, phase: 'wait', question })
      return ask(question)
    },
  }
}

const unmet: StepError = { code: 'unmet', words: 'The effect does not hold yet.' }

/** A bug in a step, or a full disk, must not leave the run half way: it fails the step, and the run goes back. */
async function safely(work: () => Promise<StepResult>): Promise<StepResult> {
  try {
    return await work()
  } catch (error) {
    if (isVolumeFull(error))
      return failed('no-space', 'There is too little space: the volume is full.', placeIn(error))
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { ok: false, error: { code: 'unexpected', words: 'A fault in Zotbar.', detail } }
  }
}

/** The file that a failed system call could not write, or the call itself. A copy fails where it goes to. */
function placeIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('dest' in error && typeof error.dest === 'string') return error.dest
  return 'path' in error && typeof error.path === 'string' ? error.path : String(error)
}

/** What the steps had found out when the run was interrupted. */
function remembered(entries: readonly Entry[]): object {
  const last = entries.findLast(entry => entry.kind === 'applied' || entry.kind === 'begun')
  return last && 'memory' in last ? last.memory : {}
}

const traitsOf = <Memory>(step: Step<Memory>): StepTraits => ({
  id: step.id,
  undoable: step.undo !== undefined,
  pointOfNoReturn: step.pointOfNoReturn === true,
})

/** What the history keeps of a step. */
export const summaryOf = <Memory>({ id, title, why, pointOfNoReturn }: Step<Memory>): StepSummary => ({
  id,
  title,
  why,
  ...(pointOfNoReturn ? { pointOfNoReturn } : {}),
})

const partsEntry = (parts: ReadonlyMap<string, RunbookPart>): { parts?: RunbookPart[] } =>
  parts.size === 0 ? {} : { parts: [...parts.values()] }

/** A copy as it is now: what is journaled must not change with the next step. */
const copyOf = (memory: object): Record<string, unknown> =>
  structuredClone(Object.fromEntries(Object.entries(memory)))

/** One line of a dry run; `holds`: the step's effect is there already. */
export interface PlannedStep {
  id: string
  title: string
  why: string
  holds: boolean
}

/** Checks each step without doing it. A check that fails counts as not holding. */
export async function dryRun<Memory>({ steps, memory }: Runbook<Memory>): Promise<PlannedStep[]> {
  const quiet: StepContext<Memory> = {
    memory,
    signal: new AbortController().signal,
    progress: () => {},
    ask: async () => false,
  }
  const planned: PlannedStep[] = []
  for (const { id, title, why, check } of steps)
    planned.push({ id, title, why, holds: await check(quiet).catch(() => false) })
  return planned
}
