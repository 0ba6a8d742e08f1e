import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunbookError } from '../../contract/runbook.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { DamagedJournal, type Entry, openJournal, readEntries } from './journal.ts'
import { journals } from './records.ts'

/** The newest run, where it was not brought to its end. */
export type NewestRun =
  /** `end` where there is a run at all. */
  | { kind: 'ended'; run?: string; end?: Extract<Entry, { kind: 'ended' }> }
  | { kind: 'unended'; run: string; file: string; entries: Entry[] }
  /** Its content is there and no journal. */
  | { kind: 'damaged'; run: string; file: string }
  /** Reading failed, so nobody can say how far it came. `reason` is half a sentence. */
  | { kind: 'unreadable'; run: string; file: string; reason: string }

const runOf = (name: string): string => name.slice(0, -'.jsonl'.length)

/**
 * Looks at the newest journal alone: what an older run would still do, or take back, could undo what was done since.
 * A journal whose first line never became whole is removed, as nothing was done.
 */
export async function newestRun(folder: string): Promise<NewestRun> {
  for (const name of (await journals(folder)).reverse()) {
    const found = await look(join(folder, name), runOf(name))
    if (found.kind !== 'unended' || found.entries.length > 0) return found
    await rm(found.file, { force: true })
  }
  return { kind: 'ended' }
}

async function look(file: string, run: string): Promise<NewestRun> {
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
export const overtaken: RunbookError = {
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
  const older = (await journals(folder)).slice(0, -1)
  const closed: { run: string; title: string }[] = []
  const damaged: string[] = []
  for (const name of older) {
    const found = await look(join(folder, name), runOf(name))
    if (found.kind === 'damaged') damaged.push(found.file)
    if (found.kind !== 'unended') continue
    const begun = found.entries.find(entry => entry.kind === 'begun')
    const journal = await openJournal(found.file)
    await journal.add({ kind: 'ended', at: now(), result: 'failed', error: overtaken })
    closed.push({ run: found.run, title: begun?.title ?? found.run })
  }
  return { closed, damaged }
}
