import { LRUCache } from 'lru-cache'
import { isRepositoryName } from '../oci/reference.ts'
import { compileGlobs, type GlobSet, isGlob } from './glob.ts'

/** zot's words for what may be done. The last one is no right but a check on deletion. */
export const actions = ['read', 'create', 'update', 'delete', 'detectManifestCollision'] as const
export type Action = (typeof actions)[number]

/** A set of actions as bits. */
export type ActionSet = number

const bits: Readonly<Record<Action, number>> = {
  read: 1,
  create: 2,
  update: 4,
  delete: 8,
  detectManifestCollision: 16,
}

export const bitOf = (action: Action): number => bits[action]
export const everyRight: ActionSet = bits.read | bits.create | bits.update | bits.delete

const isAction = (word: string): word is Action => Object.hasOwn(bits, word)

/** Unknown words grant nothing. */
export function setOf(words: readonly string[]): ActionSet {
  return words.reduce((set, word) => (isAction(word) ? set | bits[word] : set), 0)
}

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
  if (!patternForm.test(pattern) || !isGlob(pattern)) {
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
  for (const index of globsOf(scopes).matching(repository)) {
    for (const action of scopes[index]?.actions ?? []) set |= bitOf(action)
  }
  return set
}

/**
 * Whether everything `inner` allows is allowed by `outer`. Patterns are compared as they are written, and
 * plain names by matching: a narrower pattern in other words counts as wider, which errs on the safe side.
 */
export function isWithin(inner: readonly Scope[], outer: readonly Scope[]): boolean {
  return inner.every(({ pattern, actions }) => {
    const matching = isRepositoryName(pattern) ? globsOf(outer).matching(pattern) : []
    const covering = outer.filter(
      (one, index) => one.pattern === pattern || one.pattern === '**' || matching.includes(index),
    )
    return actions.every(action => covering.some(one => one.actions.includes(action)))
  })
}

/** What the automata of keys may come from together, in characters of patterns; each takes some hundred bytes. */
const maxCompiled = 400_000

const compiled = new LRUCache<readonly Scope[], GlobSet>({
  maxSize: maxCompiled,
  sizeCalculation: (_set, scopes) => scopes.reduce((sum, { pattern }) => sum + pattern.length, 100),
})

/** All scopes of a key in one automaton, once for as long as the key is in use. */
function globsOf(scopes: readonly Scope[]): GlobSet {
  let globs = compiled.get(scopes)
  if (!globs) {
    globs = compileGlobs(scopes.map(({ pattern }) => pattern)) ?? nothing
    compiled.set(scopes, globs)
  }
  return globs
}

/** Scopes are checked when they are read, so this is never what a key has. */
const nothing: GlobSet = { matching: () => [] }
