import { type ActionSet, bitOf, everyRight } from '../auth/scope.ts'
import { isRepositoryName } from '../oci/reference.ts'

/** What a client wants a token for, over all its scopes. */
export interface AskedScopes {
  /** Rights by repository; a name without rights is not in it. */
  readonly repositories: ReadonlyMap<string, ActionSet>
  readonly catalog: boolean
}

export type ScopesResult = { ok: true; asked: AskedScopes } | { ok: false; problem: string }

const maxScopes = 100
/** Names of repositories together, characters: a token travels in a header line, of which nginx takes 8 KiB. */
const maxNames = 4 * 1024

/** Docker's words for rights; `push` replaces tags, too. */
const rightsOf: ReadonlyMap<string, ActionSet> = new Map([
  ['pull', bitOf('read')],
  ['push', bitOf('create') | bitOf('update')],
  ['delete', bitOf('delete')],
  ['*', everyRight],
])

/**
 * Reads `repository:NAME:pull,push` and `registry:catalog:*`, several with spaces between. Other types and words ask
 * for what this registry has not, and get nothing; what has not the form of a scope is refused.
 * https://distribution.github.io/distribution/spec/auth/scope/
 */
export function parseTokenScopes(texts: readonly string[]): ScopesResult {
  const repositories = new Map<string, ActionSet>()
  let catalog = false
  let names = 0
  const all = texts.flatMap(text => text.split(' ', maxScopes + 2)).filter(text => text !== '')
  if (all.length > maxScopes) return no(`more than ${maxScopes} scopes: ask for several tokens`)
  for (const text of all) {
    const first = text.indexOf(':')
    const last = text.lastIndexOf(':')
    if (first < 1 || first === last) return no(`${quoted(text)} is no scope such as repository:NAME:pull`)
    const type = text.slice(0, first).replace(/\([a-z0-9]+\)$/, '')
    const name = text.slice(first + 1, last)
    const words = text.slice(last + 1).split(',')
    if (type === 'registry') catalog ||= name === 'catalog' && words.includes('*')
    if (type !== 'repository') continue
    if (!isRepositoryName(name)) return no(`${quoted(name)} is no repository name`)
    const rights = words.reduce((set, word) => set | (rightsOf.get(word) ?? 0), repositories.get(name) ?? 0)
    if (rights === 0) continue
    if (!repositories.has(name)) names += name.length
    repositories.set(name, rights)
  }
  if (names > maxNames)
    return no('the names of the repositories are too long together: ask for several tokens')
  return { ok: true, asked: { repositories, catalog } }
}

/** Rights in Docker's words, for a challenge or an answer. */
export function printTokenScope(repository: string, rights: ActionSet): string {
  const words = [...rightsOf].filter(([word, bits]) => word !== '*' && (rights & bits) !== 0)
  return `repository:${repository}:${words.map(([word]) => word).join(',')}`
}

export const catalogScope = 'registry:catalog:*'

const quoted = (text: string): string => JSON.stringify(text.slice(0, 100))
const no = (problem: string): ScopesResult => ({ ok: false, problem })
