import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = 'contract lib ssh client cli core main preload renderer registry'.split(' ')
const files = folders.flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.tsx?$/.test(name))
    .map(name => join(folder, name)),
)

const maxLines = 120

interface Node {
  type: string
  start: number
  end: number
  [key: string]: unknown
}

interface Source {
  file: string
  text: string
  program: Node
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

const nodesIn = (value: unknown): Node[] => (Array.isArray(value) ? value : [value]).filter(isNode)

/** The nodes right below one; types, and the names of properties, are no references. */
function childrenOf(node: Node): Node[] {
  const children: Node[] = []
  for (const key in node) {
    if ((key === 'property' || key === 'key') && !node['computed']) continue
    if (key === 'typeAnnotation' || key === 'returnType' || /^type(Param|Arg)/.test(key)) continue
    const value = node[key]
    if (Array.isArray(value)) children.push(...value.filter(isNode))
    else if (isNode(value)) children.push(value)
  }
  return children
}

/** The names that a pattern declares. */
function namesIn(pattern: Node): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [String(pattern['name'])]
    case 'AssignmentPattern':
      return nodesIn(pattern['left']).flatMap(namesIn)
    case 'Property':
      return nodesIn(pattern['value']).flatMap(namesIn)
    default:
      return childrenOf(pattern).flatMap(namesIn)
  }
}

const isFunction = (node: Node): boolean => /Function/.test(node.type)

const declaredBy = (node: Node | undefined): string[] =>
  node?.type === 'VariableDeclaration'
    ? nodesIn(node['declarations']).flatMap(({ id }) => nodesIn(id).flatMap(namesIn))
    : []

/** The names that a node declares for what is within it. */
function declaredWithin(node: Node): string[] {
  if (isFunction(node)) return nodesIn(node['params']).flatMap(namesIn)
  if (node.type === 'BlockStatement') return nodesIn(node['body']).flatMap(declaredBy)
  return [...nodesIn(node['init']), ...nodesIn(node['left'])].flatMap(declaredBy)
}

const isMentioned = (name: string, node: Node): boolean =>
  node.type === 'Identifier'
    ? node['name'] === name
    : !declaredWithin(node).includes(name) && childrenOf(node).some(child => isMentioned(name, child))

/**
 * Names that are mentioned in a block before the statement of that block that declares them. The listeners of
 * `new Promise(...)` end each other and are exempt. Declared functions are not looked at: they may call each other.
 */
function mentionedTooEarly({ text, program }: Source): string[] {
  const early: string[] = []
  const visit = (node: Node, isExempt: boolean): void => {
    const statements = node.type === 'BlockStatement' && !isExempt ? nodesIn(node['body']) : []
    statements.forEach((statement, at) => {
      const before = statements.slice(0, at)
      const textBefore = text.slice(node.start, statement.start)
      for (const name of declaredBy(statement))
        if (textBefore.includes(name) && before.some(earlier => isMentioned(name, earlier))) early.push(name)
    })
    const isPromise = node.type === 'NewExpression' && nodesIn(node['callee'])[0]?.['name'] === 'Promise'
    for (const child of childrenOf(node)) visit(child, isPromise || (isExempt && isFunction(node)))
  }
  visit(program, false)
  return early
}

/** The functions that have too many lines, by their names. */
function tooLong({ text, program }: Source): string[] {
  const long: string[] = []
  const visit = (node: Node, name: string): void => {
    if (isFunction(node) && linesOf(text, node) > maxLines) long.push(name)
    for (const child of childrenOf(node)) visit(child, nameOf(child) ?? (isFunction(node) ? '' : name))
  }
  visit(program, '')
  return long
}

const linesOf = (text: string, { start, end }: Node): number => text.slice(start, end).split('\n').length

const nameOf = (node: Node): string | undefined =>
  [...nodesIn(node['id']), ...nodesIn(node['key'])].flatMap(namesIn)[0]

function parse(text: string, file = 'a.ts'): Source {
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0 || !isNode(program)) throw new Error(`${file} cannot be parsed`)
  return { file, text, program }
}

describe('the functions of the sources', () => {
  const sources = files.map(file => parse(readFileSync(join(root, file), 'utf8'), file))
  const findingsIn = (find: (source: Source) => string[]): string[] =>
    sources.flatMap(source => find(source).map(name => `${source.file} ${name}`))

  it(`have ${maxLines} lines at most`, () => {
    expect(sources.length).toBeGreaterThan(20)
    expect(findingsIn(tooLong)).toEqual([])
  })

  it('mention nothing before it is declared, not even in a function that is called later', () => {
    expect(findingsIn(mentionedTooEarly)).toEqual([])
  })

  it('would be noticed when they are too long', () => {
    const longIn = (text: string) => tooLong(parse(text))
    const lines = '\n'.repeat(maxLines)
    expect(longIn(`function create() {${lines}}\nconst b = () => {${lines}}`)).toEqual(['create', 'b'])
    expect(longIn(`const a = { run() {${lines}} }`)).toEqual(['run'])
    expect(longIn(`const a = { run() {\n} }${lines}`)).toEqual([])
  })

  it('would be noticed when they close over what is declared later', () => {
    const early = (body: string) => mentionedTooEarly(parse(`function create() { ${body} }`))
    expect(early('const a = () => b.c; const b = make({ a })')).toEqual(['b'])
    expect(early('const b = make(); const a = () => b.c; return a')).toEqual([])
    expect(early('function a() { return b } const b = make(a)')).toEqual(['b'])
    expect(early('return new Promise(done => { const a = () => b; const b = make(a) })')).toEqual([])
    expect(early('new Promise(done => { on(() => { const a = () => b; const b = 1 }) })')).toEqual(['b'])
    expect(early('const a = b => b + 1; for (const b of c) a(b); const b = 1')).toEqual([])
    expect(early('const a = { b: c.b }; const b = 1')).toEqual([])
    expect(early('const a = { b }; const b = 1')).toEqual(['b'])
  })
})
