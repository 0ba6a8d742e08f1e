import type { Access } from '../auth/access.ts'
import type { OwnNames } from '../http/own-names.ts'
import type { RequestContext } from '../http/request-context.ts'
import type { RawHeaders } from '../http/responder.ts'
import { bearerChallenge, type Challenge, isBearer, isDocker, scopeFor } from '../token/challenge.ts'
import { catalogScope } from '../token/token-scope.ts'

/** Of the authorization, what decides how somebody is asked who they are. */
interface Ways {
  readonly rules: {
    readonly access: Pick<Access, 'hasAnonymous' | 'hasAuthenticated'>
    readonly authenticates: boolean
    readonly realm: string | undefined
  }
  /** Undefined: there are none. */
  readonly tokens: object | undefined
  readonly ownNames: Pick<OwnNames, 'ownOrigin'>
}

/** zot's words where config.json has none. */
const defaultRealm = 'Authorization Required'

/** No challenge for our own pages: the browser would open its password dialog. */
const isOwnPage = ({ req }: RequestContext): boolean => req.headers['x-zot-api-client'] === 'zot-ui'

/**
 * How to show who one is: Basic; for a client of tokens a token. `why`: what is wrong with the token, if one was
 * shown; `denied`: it is known who asks, and no other token would do.
 */
export function challenge(
  context: RequestContext,
  ways: Ways,
  why: Challenge['error'] | 'denied',
): RawHeaders {
  if (isOwnPage(context)) return []
  const bearer = why === 'denied' ? undefined : tokenChallenge(context, ways, why)
  if (bearer !== undefined) return ['WWW-Authenticate', bearer]
  const realm = ways.rules.realm || defaultRealm
  return ['WWW-Authenticate', `Basic realm="${realm.replace(/["\\]/g, '\\$&')}"`]
}

/**
 * Docker is sent for a token where some may be done without credentials and some not: of Basic it has nothing to show
 * for nobody. Everybody else uses Basic, unless they came with a token.
 */
function tokenChallenge(
  { req, method, route }: RequestContext,
  { rules, tokens, ownNames }: Ways,
  error: Challenge['error'],
): string | undefined {
  const isShown = isBearer(req.headers.authorization)
  const { hasAnonymous, hasAuthenticated } = rules.access
  const isWanted = isShown || (hasAnonymous && hasAuthenticated && isDocker(req.headers['user-agent']))
  if (!isWanted || !tokens) return undefined
  const scope = scopeOf(method, route)
  const origin = scope === 'none' ? undefined : ownNames.ownOrigin(req)
  return origin && bearerChallenge({ origin, scope, error: isShown ? error : undefined })
}

/** What a token for a route has to hold; `none`: no token opens it. */
function scopeOf(method: string, { kind, name }: RequestContext['route']): string | undefined {
  const isRead = method === 'GET' || method === 'HEAD'
  switch (kind) {
    case 'base':
    case 'discover':
    case 'mgmt':
      return undefined
    case 'catalog':
      return catalogScope
    case 'manifest':
    case 'blob':
      return scopeFor(isRead ? 'read' : method === 'DELETE' ? 'delete' : 'update', name)
    case 'tags':
    case 'referrers':
      return scopeFor('read', name)
    case 'uploads':
    case 'upload':
      return scopeFor('create', name)
    default:
      return 'none'
  }
}

/** What /v2/ says of authentication with 200. */
export function baseHeaders(context: RequestContext, { rules }: Ways): RawHeaders {
  if (!rules.authenticates || isOwnPage(context)) return []
  const realm = rules.realm ?? ''
  const isToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(realm)
  return ['WWW-Authenticate', `basic realm=${isToken ? realm : JSON.stringify(realm)}`]
}
