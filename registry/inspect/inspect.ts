import { inspectRoot } from '../storage/root.ts'
import { inspectFiles } from './files.ts'
import { type Findings, openNotebook, type Read } from './finding.ts'
import { inspectValues } from './values.ts'
import { inspectZotOnly } from './zot-only.ts'

/** Everything about a valid configuration that can be checked without a network. Changes nothing. */
export async function inspect(read: Read, now: number = Date.now()): Promise<Findings> {
  const notes = openNotebook(read.positions)
  const root = await inspectRoot(read.config.storage.rootDirectory)
  if (root !== undefined) notes.problem('storage.rootDirectory', root.replace(/^storage\.rootDirectory /, ''))
  await inspectFiles(read, notes, now)
  inspectValues(read, notes)
  inspectZotOnly(read, notes)
  const byLine = (a: { line?: number }, b: { line?: number }): number => (a.line ?? 0) - (b.line ?? 0)
  return { problems: notes.problems.sort(byLine), warnings: notes.warnings.sort(byLine) }
}
