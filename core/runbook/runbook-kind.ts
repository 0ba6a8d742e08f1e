import type { Entry } from './journal.ts'
import type { Outcome } from './run.ts'
import type { Runbook } from './step.ts'

/** A kind of runbook that an interrupted run of it can be brought to its end. */
export interface RunbookKind {
  /** The runbook as it was begun, from what its journal remembers; undefined when that cannot be understood. */
  deserialize(memory: Record<string, unknown>): Runbook<object> | undefined
  /** Whether a run that was killed before anything failed goes on; otherwise it goes back. */
  resumes(begun: (step: string) => boolean, memory: Record<string, unknown>): boolean
  /** Brings an interrupted run to its end, and the registry up. Absent: the registry first, then the run. */
  recover?(interrupted: InterruptedRun): Promise<void>
  /** The run broke off, and the registry is about to serve meanwhile. */
  servesMeanwhile?(memory: Record<string, unknown>): Promise<void>
}

/** A run that the end of the app interrupted, or that broke off. */
export interface InterruptedRun {
  runbook: string
  /** It goes on to its end; otherwise back to how it was. */
  resumes: boolean
  /** What its steps had found out. */
  memory: Record<string, unknown>
  /** It broke off in this life of the app, so the supervisor has long begun. */
  inThisLife: boolean
  /** The registry is to serve once it has ended: not where the user had stopped it before. */
  serves: boolean
  /** Never rejects. */
  resume(): Promise<Outcome>
}

/** A run that cannot go on now; `tries`: how often it broke off. */
export interface BrokenOff {
  runbook: string
  memory: Record<string, unknown>
  tries: number
}

/** A run as its journal left it, with what is known of how to make its steps again. */
export interface ResumePlan {
  begun: Extract<Entry, { kind: 'begun' }>
  runbook: Runbook<object>
  memory: Record<string, unknown>
  resumes: boolean
  /** It had turned back already. */
  isFailing: boolean
}

/** What becomes of a run that was not brought to its end; undefined where nobody understands its journal. Pure. */
export function planResume(
  entries: readonly Entry[],
  kinds: Readonly<Record<string, RunbookKind>>,
  cancelled: boolean,
): ResumePlan | undefined {
  const begun = entries.find(entry => entry.kind === 'begun')
  const kind = begun && kinds[begun.runbook]
  const memory = lastMemory(entries)
  const runbook = memory && kind?.deserialize(memory)
  if (!begun || !kind || !runbook) return undefined
  const steps = new Set(entries.flatMap(entry => (entry.kind === 'applying' ? [entry.step] : [])))
  const isFailing = entries.some(entry => entry.kind === 'failed' || entry.kind === 'cancelled')
  const resumes = !isFailing && !cancelled && kind.resumes(step => steps.has(step), memory)
  return { begun, runbook, memory, resumes, isFailing }
}

/** What the steps had found out when the journal ended. */
export function lastMemory(entries: readonly Entry[]): Record<string, unknown> | undefined {
  const last = entries.findLast(entry => entry.kind === 'applied' || entry.kind === 'begun')
  return last && 'memory' in last ? last.memory : undefined
}
