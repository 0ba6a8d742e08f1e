import { existsSync } from 'node:fs'
import { overlappingRoots } from '../storage/nested-lock.ts'
import { inspectRoot } from '../storage/root.ts'
import { foldersOf } from '../stores.ts'
import { inspectFiles } from './files.ts'
import { type Findings, openNotebook, type Read } from './finding.ts'
import { inspectValues } from './values.ts'
import { inspectZotOnly } from './zot-only.ts'

/** Everything about a valid configuration that can be checked without a network. Changes nothing. */
export async function inspect(read: Read, now: number = Date.now()): Promise<Findings> {
  const notes = openNotebook(read.positions)
  const roots = new Map<string, string>()
  for (const { prefix, rootDirectory } of foldersOf(read.config)) {
    const wrong = (await inspectRoot(rootDirectory))?.replace(/^storage\.rootDirectory /, '')
    const key = prefix === '' ? 'storage.rootDirectory' : `storage.subPaths./${prefix}.rootDirectory`
    if (wrong !== undefined) notes.problem(key, wrong)
    // A folder that is not there yet has no links.
    if (wrong !== undefined || !existsSync(rootDirectory)) continue
    const overlapping = await overlappingRoots(key, rootDirectory, roots)
    if (overlapping !== undefined) notes.problem(key, overlapping.replace(`${key} `, ''))
    roots.set(key, rootDirectory)
  }
  await inspectFiles(read, notes, now)
  inspectValues(read, notes)
  inspectZotOnly(read, notes)
  const byLine = (a: { line?: number }, b: { line?: number }): number => (a.line ?? 0) - (b.line ?? 0)
  return { problems: notes.problems.sort(byLine), warnings: notes.warnings.sort(byLine) }
}
