import type { ConfigProblem } from './problem.ts'

/** One line for a terminal or a log: `file:line:column: key path: what is wrong; allowed: ...`. */
export function describeProblem(file: string, problem: ConfigProblem): string {
  const place = problem.line === undefined ? file : `${file}:${problem.line}:${problem.column ?? 1}`
  const key = problem.keyPath === undefined ? '' : `${problem.keyPath}: `
  const allowed = problem.allowed === undefined ? '' : `; allowed: ${problem.allowed}`
  return `${place}: ${key}${problem.message}${allowed}`
}
