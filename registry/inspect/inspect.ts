import { inspectRoot } from '../storage/root.ts'
import { foldersOf } from '../stores.ts'
import { inspectFiles } from './files.ts'
import { type Findings, openNotebook, type Read } from './finding.ts'
import { inspectValues } from './values.ts'
import { inspectZotOnly } from './zot-only.ts'

/** Everything about a valid configuration that can be checked without a network. Changes nothing. */
export async function inspect(read: Read, now: number = Date.now()): Promise<Findings> {
  const notes = openNotebook(read.positions)
  for (const { prefix, rootDirectory } of foldersOf(read.config)) {
    const wrong = (await inspectRoot(rootDirectory))?.replace(/^storage\.rootDirectory /, '')
    const key = prefix === '' ? 'storage.rootDirectory' : `storage.subPaths./${prefix}.rootDirectory`
    if (wrong !== undefined) notes.problem(key, wrong)
  }
  await inspectFiles(read, notes, now)
  inspectValues(read, notes)
  inspectZotOnly(read, notes)
  const byLine = (a: { line?: number }, b: { line?: number }): number => (a.line ?? 0) - (b.line ?? 0)
  return { problems: notes.problems.sort(byLine), warnings: notes.warnings.sort(byLine) }
}
