import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import { formatOf } from '../../registry/config/format.ts'
import { positionsIn } from '../../registry/config/positions.ts'
import { parseTree as parseConfigTree } from '../../registry/config/tree.ts'
import type { Member, ValueNode } from '../../registry/config/value-node.ts'
import { isSecretName, maskSecretsIn } from '../platform/secret-text.ts'

/** A config.json as it stands in the file. */
export interface ConfigText {
  file: string
  text: string
}

/** One key of the file, spelled as the file spells it. */
export interface Hit {
  /** "http.accessControl.repositories["team/**"].policies[0].actions" */
  keyPath: string
  /** Keys and indexes from the root to it. */
  path: (string | number)[]
  node: Node
  value: unknown
}

export interface ConfigView {
  file: string
  text: string
  /** Of YAML nothing can be edited: its nodes have no place in the text. */
  isYaml: boolean
  root: Node
  /** Every key that a path names; `*` stands for any key, `[*]` for any element. Case does not matter, as in zot. */
  find(path: string): Hit[]
  /** In which line each key stands, by its key path as in `Hit`. */
  lines(): ReadonlyMap<string, number>
  /** The key path of the first key that comes twice in one object, whatever its case. */
  duplicate?: string
}

/**
 * The file as a tree, by its ending. In JSON comments and commas too many are passed over, so that something can be said
 * about the file also where the engine will not have it. `reason` is half a sentence.
 */
export function viewConfig({ file, text }: ConfigText): ConfigView | { reason: string } {
  const format = formatOf(file)
  if (format === undefined) return { reason: 'it is neither JSON nor YAML' }
  const isYaml = format === 'yaml' || (format === 'either' && !/^\s*[{/]/.test(text))
  const lines = new Map<Node, number>()
  const read = isYaml ? yamlNode(text, lines) : jsonNode(text)
  if ('reason' in read) return read
  const { root } = read
  if (root?.type !== 'object') return { reason: 'it does not hold one object' }
  const duplicate = duplicateIn(root, '')
  return {
    file,
    text,
    isYaml,
    root,
    find: path => findIn(root, path),
    lines: () =>
      linesByKeyPath(root, node => (isYaml ? (lines.get(node) ?? 1) : positionsIn(text)(node.offset).line)),
    ...(duplicate === undefined ? {} : { duplicate }),
  }
}

function jsonNode(text: string): { root: Node | undefined } | { reason: string } {
  const faults: ParseError[] = []
  const root = parseTree(text, faults, { allowTrailingComma: true })
  const [fault] = faults
  if (fault === undefined) return { root }
  const { line, column } = positionsIn(text)(fault.offset)
  return { reason: `it is no JSON: ${printParseErrorCode(fault.error)} in line ${line}, column ${column}` }
}

function yamlNode(text: string, lines: Map<Node, number>): { root: Node } | { reason: string } {
  const tree = parseConfigTree(text, 'yaml')
  if (tree.ok) return { root: nodeOf(tree.root, lines) }
  const { message, line } = tree.problem
  return { reason: `it is no YAML: ${message}${line === undefined ? '' : ` in line ${line}`}` }
}

/** The same as the parser of JSON makes it, without places in the text: it is read and never edited. */
function nodeOf(value: ValueNode, lines: Map<Node, number>): Node {
  const node: Node = { ...contentOf(value, lines), offset: 0, length: 0 }
  lines.set(node, value.at.line)
  return node
}

function contentOf(value: ValueNode, lines: Map<Node, number>): Pick<Node, 'type' | 'value' | 'children'> {
  switch (value.type) {
    case 'Object':
      return { type: 'object', children: value.members.map(member => propertyOf(member, lines)) }
    case 'Array':
      return { type: 'array', children: value.elements.map(element => nodeOf(element, lines)) }
    case 'Number':
      return { type: 'number', value: value.value }
    case 'Boolean':
      return { type: 'boolean', value: value.value }
    case 'String':
      return { type: 'string', value: value.value }
    case 'Null':
    case 'Date':
      return { type: 'null', value: null }
  }
}

function propertyOf({ key, at, value }: Member, lines: Map<Node, number>): Node {
  const valueNode = nodeOf(value, lines)
  lines.set(valueNode, at.line)
  const keyNode: Node = { type: 'string', offset: 0, length: 0, value: key }
  return { type: 'property', offset: 0, length: 0, children: [keyNode, valueNode] }
}

/** In which line each key and element stands. */
function linesByKeyPath(root: Node, lineOf: (node: Node) => number): Map<string, number> {
  const found = new Map<string, number>()
  const visit = (hit: Hit): void => {
    if (hit.keyPath !== '') found.set(hit.keyPath, lineOf(hit.node))
    for (const step of ['*', '[*]']) for (const child of below(hit, step)) visit(child)
  }
  visit({ keyPath: '', path: [], node: root, value: undefined })
  return found
}

/** The first property of this name; `name` in any case. */
export function property(object: Node, name: string): Node | undefined {
  return object.children?.find(child => keyOf(child).toLowerCase() === name.toLowerCase())
}

/** The name of a property of a JSON tree. */
export const keyOf = (child: Node): string => String(child.children?.[0]?.value ?? '')

const stepsOf = (path: string): string[] => path.replaceAll('[*]', '.[*]').split('.')

function findIn(root: Node, path: string): Hit[] {
  let hits: Hit[] = [{ keyPath: '', path: [], node: root, value: undefined }]
  for (const step of stepsOf(path)) hits = hits.flatMap(hit => below(hit, step))
  return hits.map(hit => ({ ...hit, value: getNodeValue(hit.node) }))
}

function below(hit: Hit, step: string): Hit[] {
  const children = hit.node.children ?? []
  if (hit.node.type === 'array')
    return step !== '[*]'
      ? []
      : children.map((node, index) => ({
          keyPath: `${hit.keyPath}[${index}]`,
          path: [...hit.path, index],
          node,
          value: undefined,
        }))
  if (hit.node.type !== 'object' || step === '[*]') return []
  return children.flatMap(child => {
    const key = keyOf(child)
    const node = child.children?.[1]
    if (node === undefined || (step !== '*' && key.toLowerCase() !== step.toLowerCase())) return []
    return [{ keyPath: childPath(hit.keyPath, key), path: [...hit.path, key], node, value: undefined }]
  })
}

function childPath(parent: string, key: string): string {
  if (!/^[\w-]{1,80}$/.test(key)) return `${parent}[${JSON.stringify(key.slice(0, 80))}]`
  return parent === '' ? key : `${parent}.${key}`
}

function duplicateIn(node: Node, keyPath: string): string | undefined {
  const names = new Set<string>()
  for (const [index, child] of (node.children ?? []).entries()) {
    const isProperty = child.type === 'property'
    const at = isProperty ? childPath(keyPath, keyOf(child)) : `${keyPath}[${index}]`
    if (isProperty) {
      const lower = keyOf(child).toLowerCase()
      if (names.has(lower)) return at
      names.add(lower)
    }
    const value = isProperty ? child.children?.[1] : child
    const deeper = value === undefined ? undefined : duplicateIn(value, at)
    if (deeper !== undefined) return deeper
  }
  return undefined
}

/** One value stands for a list of it, as zot reads it. */
export const asList = (value: unknown): unknown[] =>
  Array.isArray(value)
    ? value
    : value === undefined || value === null || typeof value === 'object'
      ? []
      : [value]

/** "http.port = "5050"": what a finding quotes. Blocks are named, not spelled out, and secrets are masked. */
export function quote({ keyPath, value, path }: Hit): string {
  const isSecret = path.some(part => typeof part === 'string' && isSecretName(part))
  if (isSecret && typeof value !== 'boolean') return `${keyPath} = "…"`
  if (value !== null && typeof value === 'object') {
    const isFlat = Array.isArray(value) && value.every(element => typeof element !== 'object')
    if (!isFlat) return `${keyPath} = ${Array.isArray(value) ? '[…]' : '{…}'}`
  }
  const text = maskSecretsIn(JSON.stringify(value))
  return `${keyPath} = ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`
}
