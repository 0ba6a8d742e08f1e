import type { Config } from './config/config.ts'
import { loadConfig } from './config/load.ts'
import type { ConfigCheck } from './config/open-consent.ts'
import type { ConfigProblem } from './config/problem.ts'
import { describeProblem } from './config/problem.ts'
import { unsupported } from './config/supported.ts'
import { type Level, printLine } from './log/logger.ts'
import type { ProviderSettings } from './signin/provider-settings.ts'
import { readProviders } from './signin/rules.ts'

/** `providers`: those people sign in with, their files read. */
export type ReadConfigResult =
  | {
      ok: true
      config: Config
      /** The file itself. */
      text: string
      providers: readonly ProviderSettings[]
      warnings: string[]
    }
  | { ok: false; problems: string[] }

/** The configuration, if it is one that this program can keep. */
export async function readConfig(file: string, check: ConfigCheck = unsupported): Promise<ReadConfigResult> {
  const describe = (problem: ConfigProblem): string => describeProblem(file, problem)
  const loaded = await loadConfig(file)
  if (!loaded.ok) return { ok: false, problems: loaded.problems.map(describe) }
  const refused = check(loaded)
  if (refused.length > 0) return { ok: false, problems: refused.map(describe) }
  const read = readProviders(loaded.config)
  if (!read.ok) {
    const placed = read.problems.map(problem => ({ ...problem, ...loaded.positions[problem.keyPath] }))
    return { ok: false, problems: placed.map(describe) }
  }
  const { providers } = read
  return {
    ok: true,
    config: loaded.config,
    text: loaded.text,
    providers,
    warnings: loaded.warnings.map(describe),
  }
}

/** Before there is a log: one JSON line for programs, the reasons for people. */
export function refuse(message: string, reasons: readonly string[], level: Level = 'error'): number {
  console.log(printLine(level, message, { error: reasons.join('\n') }))
  for (const reason of reasons) console.error(reason)
  return 1
}
