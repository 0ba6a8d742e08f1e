export type ProblemCode =
  | 'unreadable'
  | 'empty'
  | 'syntax'
  | 'unknown-key'
  | 'duplicate-key'
  | 'wrong-type'
  | 'missing'
  | 'out-of-range'
  | 'not-allowed'
  | 'conflict'
  | 'ignored'

/** A place in the file, both counted from 1. Columns count UTF-16 units, as editors do. */
export interface Position {
  line: number
  column: number
}

/**
 * One thing wrong (or, as a warning, odd) in config.json. Plain data.
 * `message` says what is wrong without the key and never repeats a secret; `keyPath` is dotted, with
 * list items as `[0]`; the position is that of the offending key.
 */
export interface ConfigProblem {
  code: ProblemCode
  message: string
  keyPath?: string
  line?: number
  column?: number
  allowed?: string
}

/** One line for a terminal or a log: `file:line:column: key path: what is wrong; allowed: ...`. */
export function describeProblem(file: string, problem: ConfigProblem): string {
  const position = problem.line === undefined ? file : `${file}:${problem.line}:${problem.column ?? 1}`
  const key = problem.keyPath === undefined ? '' : `${problem.keyPath}: `
  const allowed = problem.allowed === undefined ? '' : `; allowed: ${problem.allowed}`
  return `${position}: ${key}${problem.message}${allowed}`
}
