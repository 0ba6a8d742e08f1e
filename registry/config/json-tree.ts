import { type ObjectNode, parse, type ValueNode } from '@humanwhocodes/momoa'
import type { ConfigProblem, Position } from './problem.ts'

export type { ObjectNode, ValueNode }

export type TreeResult = { ok: true; root: ValueNode } | { ok: false; problem: ConfigProblem }

/** More nesting than any real file has; keeps the recursive readers away from the end of the stack. */
const maxDepth = 100

/** Strict JSON, as Go reads it, into a tree that knows its positions. Never throws. */
export function parseTree(text: string): TreeResult {
  if (text.trim() === '') return { ok: false, problem: { code: 'empty', message: 'the file is empty' } }
  const tooDeep = offsetOfDepth(text, maxDepth)
  if (tooDeep !== undefined) return syntax(text, tooDeep, `nested more than ${maxDepth} levels deep`)
  try {
    const root = parse(text, { mode: 'json' }).body
    // Momoa lets control characters inside strings pass; the engine's own parser has the last word.
    JSON.parse(text)
    return { ok: true, root }
  } catch (error) {
    const offset = offsetOf(error, text)
    return syntax(text, offset, whatIsWrong(text, offset))
  }
}

function syntax(text: string, offset: number, message: string): TreeResult {
  return { ok: false, problem: { code: 'syntax', message, ...positionAt(text, offset) } }
}

function offsetOf(error: unknown, text: string): number {
  if (!(error instanceof Error)) return text.length
  // Momoa places an early end at the last token, and shows it as U+FFFF inside a number.
  if (/end of input|\uffff/.test(error.message)) return text.length
  if ('offset' in error && typeof error.offset === 'number') return error.offset
  return Number(/at position (\d+)/.exec(error.message)?.[1] ?? text.length)
}

function whatIsWrong(text: string, offset: number): string {
  const found = text.codePointAt(offset)
  if (found === undefined) return 'the file ends in the middle of a value'
  const character = String.fromCodePoint(found)
  const before = text.slice(0, offset).trimEnd()
  if (offset === 0 && found === 0xfeff)
    return 'the file begins with a byte order mark, which JSON does not allow'
  if (character === '/' || character === '#') return 'comments are not allowed in JSON'
  if (/[}\]]/.test(character) && before.endsWith(',')) return `a comma before the closing '${character}'`
  if (character === '"' && /["}\]\w]$/.test(before)) return 'a comma or colon is missing before this'
  if (found < 0x20) return 'a line break or control character inside a string must be escaped'
  return `unexpected '${character}'`
}

/** Line ends are LF, CR or CRLF. */
function positionAt(text: string, offset: number): Position {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/)
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
}

/** Where brackets outside strings first nest deeper than `limit`. */
function offsetOfDepth(text: string, limit: number): number | undefined {
  let depth = 0
  for (const token of text.matchAll(/"(?:[^"\\]|\\.)*"?|[{[]|[}\]]/gs)) {
    if (token[0] === '{' || token[0] === '[') depth++
    else if (token[0] === '}' || token[0] === ']') depth--
    if (depth > limit) return token.index
  }
  return undefined
}
