import { LRUCache } from 'lru-cache'
import { isRepositoryName } from '../oci/name.ts'
import { type Action, type ActionSet, bitOf } from './action.ts'
import { compileGlob, type Glob } from './glob.ts'

/** What a key is narrowed to: some actions on the repositories that a pattern matches. */
export interface Scope {
  readonly pattern: string
  readonly actions: readonly Action[]
}

export type ScopeResult = { ok: true; scope: Scope } | { ok: false; problem: string }

const form = 'repository:<pattern>:<action>[,<action>] with read (or pull), create (or push), update, delete'
const words: Readonly<Record<string, Action>> = {
  read: 'read',
  pull: 'read',
  create: 'create',
  push: 'create',
  update: 'update',
  delete: 'delete',
}
/** No colon: it ends the pattern. */
const patternForm = /^[a-z0-9._/*?[\]{},!^\\-]{1,255}$/

/** Reads `repository:ci/**:pull,push`. */
export function parseScope(text: string): ScopeResult {
  const parts = text.split(':')
  const [kind, pattern, list] = parts
  if (parts.length !== 3 || kind !== 'repository' || pattern === undefined || list === undefined) {
    return no(text, `a scope has the form ${form}`)
  }
  if (!patternForm.test(pattern) || !globOf(pattern)) {
    return no(text, `${JSON.stringify(pattern)} is not a pattern of repository names`)
  }
  const actions = new Set<Action>()
  for (const word of list.split(',')) {
    const action = Object.hasOwn(words, word) ? words[word] : undefined
    if (!action) return no(text, `${JSON.stringify(word)} is not an action: ${form}`)
    actions.add(action)
  }
  return { ok: true, scope: { pattern, actions: [...actions] } }
}

const no = (text: string, why: string): ScopeResult => ({
  ok: false,
  problem: `${JSON.stringify(text.slice(0, 100))}: ${why}`,
})

export const printScope = ({ pattern, actions }: Scope): string =>
  `repository:${pattern}:${actions.join(',')}`

/** The actions that scopes leave on a repository. */
export function allowedBy(scopes: readonly Scope[], repository: string): ActionSet {
  let set = 0
  for (const { pattern, actions } of scopes) {
    if (globOf(pattern)?.(repository)) for (const action of actions) set |= bitOf(action)
  }
  return set
}

/**
 * Whether everything `inner` allows is allowed by `outer`. Patterns are compared as they are written, and
 * plain names by matching: a narrower pattern in other words counts as wider, which errs on the safe side.
 */
export function isWithin(inner: readonly Scope[], outer: readonly Scope[]): boolean {
  return inner.every(({ pattern, actions }) => {
    const plain = isRepositoryName(pattern)
    const covering = outer.filter(
      one => one.pattern === pattern || one.pattern === '**' || (plain && globOf(one.pattern)?.(pattern)),
    )
    return actions.every(action => covering.some(one => one.actions.includes(action)))
  })
}

const compiled = new LRUCache<string, { glob: Glob | undefined }>({ max: 1000 })

function globOf(pattern: string): Glob | undefined {
  const known = compiled.get(pattern)
  if (known) return known.glob
  const glob = compileGlob(pattern)
  compiled.set(pattern, { glob })
  return glob
}
