import type { Config } from '../config/config.ts'
import type { ConfigProblem, Position, ProblemCode } from '../config/problem.ts'

/** A configuration and where its keys stand in the file. */
export interface InspectedConfig {
  readonly config: Config
  readonly positions: Readonly<Record<string, Position>>
}

export interface Findings {
  /** What keeps the registry from serving, or from serving what was meant. */
  readonly problems: ConfigProblem[]
  /** What is worth knowing, and stops nothing. */
  readonly warnings: ConfigProblem[]
}

export interface FindingCollector extends Findings {
  problem(keyPath: string, message: string, allowed?: string, code?: ProblemCode): void
  warning(keyPath: string, message: string, allowed?: string): void
}

/** Collects findings with their places: of the key, or of the nearest key around it that is in the file. */
export function collectFindings(positions: InspectedConfig['positions']): FindingCollector {
  const problems: ConfigProblem[] = []
  const warnings: ConfigProblem[] = []
  const noteTo =
    (list: ConfigProblem[], byDefault: ProblemCode) =>
    (keyPath: string, message: string, allowed?: string, code: ProblemCode = byDefault): void => {
      const position = placeOf(keyPath, positions)
      list.push({ code, message, keyPath, ...position, ...(allowed === undefined ? {} : { allowed }) })
    }
  return {
    problems,
    warnings,
    problem: noteTo(problems, 'not-allowed'),
    warning: noteTo(warnings, 'ignored'),
  }
}

function placeOf(keyPath: string, positions: InspectedConfig['positions']): Position | undefined {
  for (let path = keyPath; path !== ''; path = path.replace(/(\.|^)[^.[\]]+$|\[[^\]]*\]$/, '')) {
    const position = positions[path]
    if (position) return position
  }
  return undefined
}
