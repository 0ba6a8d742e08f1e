import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('../../../core/app', import.meta.url))

interface Node {
  type: string
  start: number
  end: number
  [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

/** The nodes right below one; property names and keys are no references. */
const childrenOf = (node: Node): Node[] =>
  Object.entries(node)
    .filter(([key]) => !(key === 'property' && !node['computed']) && !(key === 'key' && !node['computed']))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode)

const namesIn = (pattern: Node): string[] =>
  pattern.type === 'Identifier' ? [String(pattern['name'])] : childrenOf(pattern).flatMap(namesIn)

/** Names that are mentioned in a block before the statement of that block that declares them. */
function usedTooEarly(text: string): string[] {
  const found: string[] = []
  const mentions = (node: Node, name: string): boolean =>
    (node.type === 'Identifier' && node['name'] === name) ||
    childrenOf(node).some(child => mentions(child, name))
  const visit = (node: Node): void => {
    const statements = node.type === 'BlockStatement' ? childrenOf(node) : []
    statements.forEach((statement, at) => {
      if (statement.type !== 'VariableDeclaration') return
      const names = childrenOf(statement).flatMap(declarator => {
        const { id } = declarator
        return isNode(id) ? namesIn(id) : []
      })
      const before = statements.slice(0, at)
      for (const name of names) if (before.some(earlier => mentions(earlier, name))) found.push(name)
    })
    for (const child of childrenOf(node)) visit(child)
  }
  const { program } = parseSync('a.ts', text)
  if (isNode(program)) visit(program)
  return found
}

/** The length of each function, in lines. */
function lengths(text: string): number[] {
  const found: number[] = []
  const lineOf = (at: number): number => text.slice(0, at).split('\n').length
  const visit = (node: Node): void => {
    if (/Function/.test(node.type)) found.push(lineOf(node.end) - lineOf(node.start) + 1)
    for (const child of childrenOf(node)) visit(child)
  }
  const { program } = parseSync('a.ts', text)
  if (isNode(program)) visit(program)
  return found
}

describe('the wiring of the core', () => {
  const files = readdirSync(folder).filter(name => name.endsWith('.ts'))
  const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8')

  it.each(files)('%s uses nothing before it is there, not even in a function that is called later', name => {
    expect(usedTooEarly(textOf(name))).toEqual([])
  })

  it.each(files)('%s has no function of more than 120 lines', name => {
    expect(Math.max(0, ...lengths(textOf(name)))).toBeLessThanOrEqual(120)
  })

  it('would notice a closure over what is declared later', () => {
    expect(usedTooEarly('function create() { const a = () => b.c; const b = make({ a }) }')).toEqual(['b'])
    expect(usedTooEarly('function create() { const b = make(); const a = () => b.c; return a }')).toEqual([])
  })
})
