import { printLine } from './log/logger.ts'
import { readConfig, refuse } from './read-config.ts'
import { inspectRoot } from './storage/root.ts'

/** Checks a configuration without serving it; answers the exit code. */
export async function verify(file: string): Promise<number> {
  const read = await readConfig(file)
  if (!read.ok) return refuse('invalid config file', read.problems)
  const root = await inspectRoot(read.config.storage.rootDirectory)
  if (root !== undefined) return refuse('invalid config file', [root])
  for (const warning of read.warnings) console.error(warning)
  console.log(printLine('info', 'config file is valid', { config: file }))
  return 0
}
