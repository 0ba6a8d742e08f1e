import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  Parser,
  type YAMLMap,
} from 'yaml'
import type { TextFault } from './json-fault.ts'
import type { Position } from './problem.ts'
import type { Member, ValueNode } from './value-node.ts'
import { jsonScalar, yamlScalar } from './yaml-scalar.ts'

/** `root` is undefined for a text without content; `second` is where another document begins, which nobody reads. */
type Composed = { root: ValueNode | undefined; second?: number } | TextFault

interface Limits {
  /** Levels of nesting. */
  maxDepth: number
  /** Values, each use of an alias counted anew. */
  maxNodes: number
}

class Fault extends Error {
  readonly offset: number

  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

/** The first document of a text as a tree, merge keys applied and aliases resolved. Never throws. */
export function composeTree(
  text: string,
  format: 'json' | 'yaml',
  positionAt: (offset: number) => Position,
  limits: Limits,
): Composed {
  try {
    const [document, next] = firstTwo(text)
    const [error] = document?.errors ?? []
    // The parser calls itself for each level, and reports it where that was too much.
    if (error?.message.includes('call stack')) throw new Fault(error.pos[0], tooDeep(limits))
    if (error !== undefined) throw new Fault(error.pos[0], describeError(error.code, error.message))
    if (!document?.contents) return { root: undefined }
    const root = createConverter(format, positionAt, limits)(document.contents, 0)
    if (format === 'yaml' && root.type === 'Null') return { root: undefined }
    return { root, ...(next === undefined ? {} : { second: next.range[0] }) }
  } catch (error) {
    if (error instanceof Fault) return { offset: error.offset, message: error.message }
    return { offset: 0, message: error instanceof RangeError ? tooDeep(limits) : String(error) }
  }
}

const tooDeep = ({ maxDepth }: Pick<Limits, 'maxDepth'>): string => `nested more than ${maxDepth} levels deep`

function firstTwo(text: string): Document.Parsed[] {
  const composer = new Composer({
    // Scalars as they are written: zot's reader understands them neither as YAML 1.1 nor as 1.2 does.
    schema: 'failsafe',
    strict: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  const documents: Document.Parsed[] = []
  for (const document of composer.compose(new Parser().parse(text))) {
    documents.push(document)
    if (documents.length === 2) break
  }
  return documents
}

function describeError(code: string, message: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'a tab is not allowed as indentation: use spaces'
    case 'BAD_INDENT': {
      const [, end] = /must be sufficiently indented and end with a (.)/.exec(message) ?? []
      return end === undefined
        ? 'this line is not indented as the lines before it ask'
        : `a ${end} is missing before this line, or the line is not indented further than what it belongs to`
    }
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a second colon in one line: put the value in quotes'
    default:
      return message.charAt(0).toLowerCase() + message.slice(1)
  }
}

/** What an anchor names. Undefined while its value is still read: it would contain itself. */
type Anchored = { node: ValueNode; nodes: number; height: number } | undefined

function createConverter(
  format: 'json' | 'yaml',
  positionAt: (offset: number) => Position,
  { maxDepth, maxNodes }: Limits,
): (node: Node, depth: number) => ValueNode {
  const anchors = new Map<string, Anchored>()
  const scalarOf = format === 'json' ? jsonScalar : yamlScalar
  let nodes = 0
  let deepest = 0

  /** Counts `more` values that reach down to `depth`. */
  function count(more: number, depth: number, offset: number): void {
    nodes += more
    deepest = Math.max(deepest, depth)
    if (depth > maxDepth) throw new Fault(offset, tooDeep({ maxDepth }))
    if (nodes > maxNodes)
      throw new Fault(offset, `more than ${maxNodes} values, each use of an alias counted`)
  }

  function convert(node: Node, depth: number): ValueNode {
    const offset = offsetOf(node)
    if (isAlias(node)) {
      const named = anchors.get(node.source)
      if (named === undefined)
        throw new Fault(
          offset,
          anchors.has(node.source)
            ? `*${node.source} stands within what it names`
            : `nothing before it is named &${node.source}`,
        )
      count(named.nodes, depth + named.height, offset)
      return named.node
    }
    const anchor = 'anchor' in node && typeof node.anchor === 'string' ? node.anchor : undefined
    if (anchor === undefined) return convertOwn(node, depth, offset)
    const before = { nodes, deepest }
    anchors.set(anchor, undefined)
    deepest = depth
    const converted = convertOwn(node, depth, offset)
    anchors.set(anchor, { node: converted, nodes: nodes - before.nodes, height: deepest - depth })
    deepest = Math.max(deepest, before.deepest)
    return converted
  }

  function convertOwn(node: Node, depth: number, offset: number): ValueNode {
    count(1, depth, offset)
    const at = positionAt(offset)
    if (isMap(node)) return { at, type: 'Object', members: membersOf(node, depth) }
    if (isSeq(node)) {
      const elements = node.items.map(item =>
        isNode(item) ? convert(item, depth + 1) : { at, type: 'Null' as const },
      )
      return { at, type: 'Array', elements }
    }
    if (!isScalar(node)) throw new Fault(offset, 'this is no value')
    const scalar = scalarOf(node)
    if ('fault' in scalar) throw new Fault(offset, scalar.fault)
    return { at, ...scalar }
  }

  function membersOf(map: YAMLMap, depth: number): Member[] {
    const members: Member[] = []
    const merged: Member[] = []
    for (const pair of map.items) {
      const { key, at, offset } = keyOf(pair, depth)
      const value: ValueNode = isNode(pair.value) ? convert(pair.value, depth + 1) : { at, type: 'Null' }
      if (format === 'yaml' && key === '<<') merged.push(...mergedFrom(value, offset))
      else members.push({ key, at, value })
    }
    // What stands in the object itself comes before what is merged into it, and an earlier source before a later one.
    const keys = new Set(members.map(({ key }) => key))
    for (const member of merged) {
      if (keys.has(member.key)) continue
      keys.add(member.key)
      members.push(member)
    }
    return members
  }

  function keyOf(pair: Pair, depth: number): { key: string; at: Position; offset: number } {
    const { key } = pair
    if (!isNode(key)) throw new Fault(0, 'a key is missing')
    const offset = offsetOf(key)
    const named = isAlias(key) ? convert(key, depth) : undefined
    if (named?.type === 'String') return { key: named.value, at: positionAt(offset), offset }
    if (!isScalar(key)) throw new Fault(offset, 'a list or an object cannot be a key')
    // Zot reads every key as text.
    return { key: String(key.source ?? key.value), at: positionAt(offset), offset }
  }

  return convert
}

function mergedFrom(value: ValueNode, offset: number): Member[] {
  const sources = value.type === 'Array' ? value.elements : [value]
  return sources.flatMap(source => {
    if (source.type !== 'Object') throw new Fault(offset, 'a merge key takes an object, or a list of them')
    return source.members
  })
}

const offsetOf = (node: Node): number => node.range?.[0] ?? 0
