import { type Config, configShape } from './config.ts'
import { parseTree } from './json-tree.ts'
import type { ConfigProblem, Position } from './problem.ts'
import { type Notes, wrong } from './reader.ts'

export type ParsedConfig =
  | {
      ok: true
      config: Config
      warnings: ConfigProblem[]
      /** Where each key of the file stands, by key path ("http.port"). */
      positions: Record<string, Position>
    }
  | { ok: false; problems: ConfigProblem[] }

/**
 * Reads the text of a config.json as zot does: keys without regard to case, unknown keys refused, defaults
 * applied. Reports every problem at once, in the order of the file. Never throws.
 */
export function parseConfig(text: string): ParsedConfig {
  const tree = parseTree(text)
  if (!tree.ok) return { ok: false, problems: [tree.problem] }
  const { line, column } = tree.root.loc.start
  const notes: Notes = { problems: [], warnings: [], positions: {} }
  if (tree.root.type !== 'Object') {
    const message = 'the file must hold one JSON object'
    return { ok: false, problems: [{ code: 'wrong-type', message, line, column }] }
  }
  const config = configShape({ node: tree.root, path: '', at: { line, column }, notes })
  if (config === wrong) return { ok: false, problems: notes.problems.sort(byPosition) }
  return { ok: true, config, warnings: notes.warnings.sort(byPosition), positions: notes.positions }
}

function byPosition(a: ConfigProblem, b: ConfigProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}
