import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry } from '../../core/runbook/journal.ts'

/** A line as the cases name it: its kind, and its step where it has one. */
const lineOf = (entry: Entry): string => ('step' in entry ? `${entry.kind} ${entry.step}` : entry.kind)

export const journalsIn = (home: string): string[] => {
  try {
    return readdirSync(join(home, 'runbooks')).filter(name => name.endsWith('.jsonl'))
  } catch {
    return []
  }
}

/** The entries of a journal, but for a last line that is not whole yet. */
const entriesIn = (text: string): Entry[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Entry)

/** Reads the entries of the newest journal of `home` that `isWanted` takes by its name; read again when it has changed. */
export function createJournalReader(home: string, isWanted: (name: string) => boolean = () => true) {
  let read: { state: string; entries: Entry[] } | undefined
  return (): Entry[] => {
    const name = journalsIn(home).filter(isWanted).sort().at(-1)
    if (name === undefined) return []
    const file = join(home, 'runbooks', name)
    const stat = statSync(file, { throwIfNoEntry: false })
    if (stat === undefined) return []
    const state = `${name} ${stat.size} ${stat.mtimeMs}`
    if (read?.state !== state) read = { state, entries: entriesIn(readFileSync(file, 'utf8')) }
    return read.entries
  }
}

/**
 * Looks at the disk without a pause, so that what follows the line does so within a millisecond or two. Fails when the run
 * has ended without it, or after `limitMs`.
 */
export function lineSeen(read: () => Entry[], line: string, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const entries = read()
      if (entries.some(entry => lineOf(entry) === line)) resolve()
      else if (Date.now() > deadline || entries.some(entry => entry.kind === 'ended'))
        reject(new Error(`no line "${line}": ${entries.map(lineOf)} ${JSON.stringify(entries.at(-1))}`))
      else setTimeout(look, 1)
    }
    look()
  })
}
