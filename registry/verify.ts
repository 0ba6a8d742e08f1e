import { existsSync } from 'node:fs'
import { loadConfig } from './config/load.ts'
import type { ConfigCheck } from './config/open-consent.ts'
import { type ConfigProblem, describeProblem } from './config/problem.ts'
import { inspectFiles } from './inspect/files.ts'
import { collectFindings, type Findings, type InspectedConfig } from './inspect/finding.ts'
import { inspectRetention } from './inspect/retention.ts'
import { inspectValues, inspectZotOnly } from './inspect/values.ts'
import { printLine } from './log/logger.ts'
import { refuse } from './read-config.ts'
import { inspectRoot } from './storage/root.ts'
import { overlappingRoots } from './storage/root-lock.ts'
import { foldersOf } from './stores.ts'

/** Everything about a valid configuration that can be checked without a network. Changes nothing. */
export async function inspect(read: InspectedConfig, now: number = Date.now()): Promise<Findings> {
  const notes = collectFindings(read.positions)
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
  inspectRetention(read, notes)
  inspectValues(read, notes)
  inspectZotOnly(read, notes)
  const byLine = (a: { line?: number }, b: { line?: number }): number => (a.line ?? 0) - (b.line ?? 0)
  return { problems: notes.problems.sort(byLine), warnings: notes.warnings.sort(byLine) }
}

/** Checks a configuration without serving it: everything that needs no network. Answers the exit code. */
export async function verify(file: string, check: ConfigCheck): Promise<number> {
  const describe = (problem: ConfigProblem): string => describeProblem(file, problem)
  const loaded = await loadConfig(file)
  if (!loaded.ok) return refuse('invalid config file', loaded.problems.map(describe))
  const { problems, warnings } = await inspect(loaded)
  const found = [...check(loaded), ...problems]
  if (found.length > 0) return refuse('invalid config file', found.map(describe))
  for (const warning of [...loaded.warnings, ...warnings]) console.error(`warning: ${describe(warning)}`)
  console.log(printLine('info', 'config file is valid', { config: file }))
  return 0
}
