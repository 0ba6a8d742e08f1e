import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { RunbookDetails, RunbookRecord } from '../../contract/runbook.ts'
import { errorCode } from '../../lib/error-code.ts'
import { keptParts, stepsOf } from './course.ts'
import { type Entry, type Outline, readEntries } from './journal.ts'

/** How many runs are remembered. */
export const kept = 50

/** Journals of runs, oldest first: their names begin with the time. Throws where the folder cannot be read. */
export async function journals(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
  return names.filter(name => name.endsWith('.jsonl')).sort()
}

/** Removes the journals of all runs but the last `kept`. */
export async function prune(folder: string): Promise<void> {
  const old = (await journals(folder)).slice(0, -kept)
  for (const name of old) await rm(join(folder, basename(name)), { force: true })
}

/** The last runs that ended, newest first. */
export async function readRecords(folder: string): Promise<RunbookRecord[]> {
  const records: RunbookRecord[] = []
  for (const name of (await journals(folder).catch(() => [])).slice(-kept - 1).reverse()) {
    const record = recordOf(await readEntries(join(folder, name)).catch(() => []))
    if (record) records.push(record)
  }
  return records.slice(0, kept)
}

/** One run from its journal, the newest without a name; undefined when there is none that can be read. */
export async function readDetails(
  folder: string,
  run: string | undefined,
): Promise<RunbookDetails | undefined> {
  const names = await journals(folder).catch(() => [])
  const name = run === undefined ? names.at(-1) : names.find(each => each === `${run}.jsonl`)
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
    steps: stepsOf(begun.steps ?? bareSteps(entries), entries, undefined),
    parts: [],
    ...keptParts(entries),
    changed: record?.changed ?? [],
    ...(record ? { result: record.result, tookMs: record.tookMs } : {}),
    ...(record?.error ? { error: record.error } : {}),
  }
}

/** A journal that does not name its steps: those that it speaks of. */
function bareSteps(entries: readonly Entry[]): Outline[] {
  const ids = new Set(entries.flatMap(entry => ('step' in entry ? [entry.step] : [])))
  return [...ids].map(id => ({ id, title: id, why: '' }))
}
