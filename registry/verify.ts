import { loadConfig } from './config/load.ts'
import type { ConfigProblem } from './config/problem.ts'
import { describeProblem } from './config/problem.ts'
import { unsupported } from './config/supported.ts'
import { inspect } from './inspect/inspect.ts'
import { printLine } from './log/logger.ts'
import { refuse } from './read-config.ts'

/** Checks a configuration without serving it: everything that needs no network. Answers the exit code. */
export async function verify(file: string): Promise<number> {
  const describe = (problem: ConfigProblem): string => describeProblem(file, problem)
  const loaded = await loadConfig(file)
  if (!loaded.ok) return refuse('invalid config file', loaded.problems.map(describe))
  const { problems, warnings } = await inspect(loaded)
  const found = [...unsupported(loaded), ...problems]
  if (found.length > 0) return refuse('invalid config file', found.map(describe))
  for (const warning of [...loaded.warnings, ...warnings]) console.error(`warning: ${describe(warning)}`)
  console.log(printLine('info', 'config file is valid', { config: file }))
  return 0
}
