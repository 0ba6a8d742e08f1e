import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { RunbookDetails, RunbookError, RunbookRecord } from '../../contract/runbook.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { DamagedJournal, type Entry, openJournal, readEntries, type StepSummary } from './journal.ts'
import { retainedParts, stepStatuses } from './step-status.ts'

/** How many runs are remembered. */
const retainedRuns = 50

/** Journals of runs, oldest first: their names begin with the time. Throws where the folder cannot be read. */
export async function journalNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
  return names.filter(name => name.endsWith('.jsonl')).sort()
}

/** Removes the journals of all runs but the last `retainedRuns`. */
export async function pruneJournals(folder: string): Promise<void> {
  const old = (await journalNames(folder)).slice(0, -retainedRuns)
  for (const name of old) await rm(join(folder, basename(name)), { force: true })
}

/** The last runs that ended, newest first. */
export async function readRecords(folder: string): Promise<RunbookRecord[]> {
  const records: RunbookRecord[] = []
  for (const name of (await journalNames(folder).catch(() => [])).slice(-retainedRuns - 1).reverse()) {
    const record = recordOf(await readEntries(join(folder, name)).catch(() => []))
    if (record) records.push(record)
  }
  return records.slice(0, retainedRuns)
}

/** One run from its journal, the newest without a name; undefined when there is none that can be read. */
export async function readDetails(
  folder: string,
  run: string | undefined,
): Promise<RunbookDetails | undefined> {
  const names = await journalNames(folder).catch(() => [])
  const name = run === undefined ? names.at(-1) : names.find(candidate => candidate === `${run}.jsonl`)
  if (name === undefined) return undefined
  return detailsOf(await readEntries(join(folder, name)).catch(() => []))
}

function recordOf(entries: readonly Entry[]): RunbookRecord | undefined {
  const begun = entries.find(entry => entry.kind === 'begun')
  const ended = entries.find(entry => entry.kind === 'ended')
  if (!begun || !ended) return undefined
  const { run, runbook, title, at, by } = begun
  return {
    run,
    runbook,
    title,
    at,
    tookMs: Math.max(0, ended.at - at),
    result: ended.result,
    changed: ended.changed ?? [],
    ...(by === undefined ? {} : { by }),
    ...(ended.error === undefined ? {} : { error: ended.error }),
    ...(ended.unproven === undefined ? {} : { unproven: ended.unproven }),
  }
}

function detailsOf(entries: readonly Entry[]): RunbookDetails | undefined {
  const begun = entries.find(entry => entry.kind === 'begun')
  if (!begun) return undefined
  const record = recordOf(entries)
  return {
    run: begun.run,
    runbook: begun.runbook,
    title: begun.title,
    by: begun.by ?? 'cli',
    since: begun.at,
    undoing: entries.some(entry => entry.kind === 'undoing'),
    steps: stepStatuses(begun.steps ?? namedSteps(entries), entries, undefined),
    parts: [],
    ...retainedParts(entries),
    changed: record?.changed ?? [],
    ...(record ? { result: record.result, tookMs: record.tookMs } : {}),
    ...(record?.error ? { error: record.error } : {}),
    ...(record?.unproven ? { unproven: record.unproven } : {}),
  }
}

/** A journal that does not name its steps: those that it speaks of. */
function namedSteps(entries: readonly Entry[]): StepSummary[] {
  const ids = new Set(entries.flatMap(entry => ('step' in entry ? [entry.step] : [])))
  return [...ids].map(id => ({ id, title: id, why: '' }))
}

/** The newest run, where it was not brought to its end. */
export type NewestRun =
  /** `end` where there is a run at all. */
  | { kind: 'ended'; run?: string; end?: Extract<Entry, { kind: 'ended' }> }
  | { kind: 'unended'; run: string; file: string; entries: Entry[] }
  /** Its content is there and no journal. */
  | { kind: 'damaged'; run: string; file: string }
  /** Reading failed, so nobody can say how far it came. `reason` is half a sentence. */
  | { kind: 'unreadable'; run: string; file: string; reason: string }

const runNameOf = (name: string): string => name.slice(0, -'.jsonl'.length)

/**
 * Looks at the newest journal alone: what an older run would still do, or take back, could undo what was done since.
 * A journal whose first line never became whole is removed, as nothing was done.
 */
export async function findNewestRun(folder: string): Promise<NewestRun> {
  for (const name of (await journalNames(folder)).reverse()) {
    const newest = await readRun(join(folder, name), runNameOf(name))
    if (newest.kind !== 'unended' || newest.entries.length > 0) return newest
    await rm(newest.file, { force: true })
  }
  return { kind: 'ended' }
}

async function readRun(file: string, run: string): Promise<NewestRun> {
  try {
    const entries = await readEntries(file)
    const end = entries.find(entry => entry.kind === 'ended')
    return end ? { kind: 'ended', run, end } : { kind: 'unended', run, file, entries }
  } catch (error) {
    return error instanceof DamagedJournal
      ? { kind: 'damaged', run, file }
      : { kind: 'unreadable', run, file, reason: reasonOf(error) }
  }
}

/** Why an older run is not taken up any more. */
const supersededError: RunbookError = {
  code: 'overtaken',
  words:
    'It broke off, and a later run began before it was brought to its end: it stays as it was left, and nothing of it is taken back.',
}

/**
 * Closes every journal that is older than the newest and was never ended, as a failure with its reason. One that cannot
 * be read is left as it is: it is never resumed. Answers those that it closed, and those whose content is damaged.
 */
export async function closeOlderRuns(
  folder: string,
  now: () => number,
): Promise<{ closed: { run: string; title: string }[]; damaged: string[] }> {
  const older = (await journalNames(folder)).slice(0, -1)
  const closed: { run: string; title: string }[] = []
  const damaged: string[] = []
  for (const name of older) {
    const newest = await readRun(join(folder, name), runNameOf(name))
    if (newest.kind === 'damaged') damaged.push(newest.file)
    if (newest.kind !== 'unended') continue
    const begun = newest.entries.find(entry => entry.kind === 'begun')
    const journal = await openJournal(newest.file)
    await journal.add({ kind: 'ended', at: now(), result: 'failed', error: supersededError })
    closed.push({ run: newest.run, title: begun?.title ?? newest.run })
  }
  return { closed, damaged }
}

/** "20260301T120000123Z": sorts as the time does. */
export const timeStamp = (at: number): string => new Date(at).toISOString().replace(/[-:.]/g, '')

/** The newest run has the newest name, also after the clock was set back. */
export function timeAfter(newest: string | undefined, now: number): number {
  const read = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z/.exec(newest ?? '')
  if (!read) return now
  const [year = 0, month = 1, ...rest] = read.slice(1).map(Number)
  return Math.max(now, Date.UTC(year, month - 1, ...rest) + 1)
}
