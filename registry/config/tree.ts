import { type ConfigFormat, formatsOf } from './format.ts'
import { jsonFault } from './json-fault.ts'
import { positionsIn } from './positions.ts'
import type { ConfigProblem } from './problem.ts'
import type { ValueNode } from './value-node.ts'
import { composeTree } from './yaml-tree.ts'

/** `warnings`: of what the file has and zot passes over. */
export type TreeResult =
  | { ok: true; root: ValueNode; warnings: ConfigProblem[] }
  | { ok: false; problem: ConfigProblem }

/** More nesting than any real file has; keeps the recursive readers away from the end of the stack. */
const maxDepth = 100
/** More values than any real file has, each use of an alias counted anew. */
const maxNodes = 100_000
/** The parser takes a second for that much. */
const maxLength = 1_000_000

/**
 * The text of a config file as a tree that knows its positions: strict JSON, as Go reads it, or YAML. Never throws.
 */
export function parseTree(text: string, format: ConfigFormat): TreeResult {
  if (text.trim() === '') return { ok: false, problem: { code: 'empty', message: 'the file is empty' } }
  if (text.length > maxLength) return syntax(text, 0, `the file is longer than ${maxLength} characters`)
  let first: TreeResult | undefined
  for (const one of formatsOf(format)) {
    const tree = one === 'json' ? parseJson(text) : parseYaml(text)
    if (tree.ok) return tree
    // A file whose ending says nothing is told by its first character.
    if (first === undefined || !/^\s*[{[]/.test(text)) first = tree
  }
  return first ?? syntax(text, 0, 'nobody knows the format')
}

function parseJson(text: string): TreeResult {
  const tooDeep = offsetOfDepth(text, maxDepth)
  if (tooDeep !== undefined) return syntax(text, tooDeep, `nested more than ${maxDepth} levels deep`)
  const fault = jsonFault(text)
  if (fault !== undefined) return syntax(text, fault.offset, fault.message)
  // Valid JSON has its tabs and line ends between the tokens only, where YAML has rules for them.
  return compose(text, text.replaceAll(/[\t\r\n]/g, ' '), 'json')
}

function parseYaml(text: string): TreeResult {
  // The parser knows no line ends of old Macs.
  return compose(text, text.replaceAll(/\r(?!\n)/g, '\n'), 'yaml')
}

function compose(original: string, text: string, format: 'json' | 'yaml'): TreeResult {
  const positionAt = positionsIn(original)
  const composed = composeTree(text, format, positionAt, { maxDepth, maxNodes })
  if ('offset' in composed) return syntax(original, composed.offset, composed.message)
  const { root, second } = composed
  if (root === undefined) return { ok: false, problem: { code: 'empty', message: 'the file is empty' } }
  const message = 'only the first document of the file is read'
  const warnings: ConfigProblem[] =
    second === undefined ? [] : [{ code: 'ignored', message, ...positionAt(second) }]
  return { ok: true, root, warnings }
}

function syntax(text: string, offset: number, message: string): TreeResult {
  return { ok: false, problem: { code: 'syntax', message, ...positionsIn(text)(offset) } }
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
