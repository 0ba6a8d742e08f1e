import { type Action, type ActionSet, bitOf } from '../auth/scope.ts'
import { isRepositoryName } from '../oci/reference.ts'
import { printTokenScope } from './token-scope.ts'

/** Where tokens are given. */
export const tokenPath = '/zot/auth/token'

/** Docker sends credentials, and asks for a token, only after a 401 of /v2/. */
export const isDocker = (agent: string | undefined): boolean =>
  agent !== undefined && (agent.includes('Docker-Client') || /^docker\//i.test(agent))

/** Whether an Authorization header shows a token. */
export const isBearer = (header: string | undefined): boolean =>
  header !== undefined && /^bearer(?: |$)/i.test(header)

/** The token in an Authorization header, as it came; undefined: there is none. */
export function bearerOf(header: string): string | undefined {
  // Looked at letter by letter, as every request passes here: Basic has another second one.
  if ((header.charCodeAt(1) | 32) !== 101 || !isBearer(header)) return undefined
  return header.slice(6).trim()
}

export interface Challenge {
  /** `scheme://host[:port]` of this registry. */
  readonly origin: string
  /** What a token would have to open; undefined: nothing in particular. */
  readonly scope: string | undefined
  /** What is wrong with the token that was shown. https://www.rfc-editor.org/rfc/rfc6750#section-3.1 */
  readonly error: 'invalid_token' | 'insufficient_scope' | undefined
}

/** The value of WWW-Authenticate that makes Docker ask for a token. */
export function bearerChallenge({ origin, scope, error }: Challenge): string {
  const service = new URL(origin).host
  const more = [
    ...(scope === undefined ? [] : [`scope="${scope}"`]),
    ...(error === undefined ? [] : [`error="${error}"`]),
  ]
  return ['Bearer realm="', origin, tokenPath, `",service="${service}"`, ...more.map(one => `,${one}`)].join(
    '',
  )
}

const pull: ActionSet = bitOf('read')
const push: ActionSet = pull | bitOf('create') | bitOf('update')

/** The scope of a token that would open a repository for an action; undefined for what is no name. */
export function scopeFor(missing: Action, repository: string): string | undefined {
  if (!isRepositoryName(repository)) return undefined
  if (missing === 'delete') return printTokenScope(repository, bitOf('delete'))
  return printTokenScope(repository, missing === 'create' || missing === 'update' ? push : pull)
}
