import type { Access } from '../auth/access.ts'
import type { Answer, Authenticator } from '../auth/authenticator.ts'
import type { Identity } from '../auth/identity.ts'
import type { Action } from '../auth/scope.ts'
import type { Handler, Handlers, RequestContext } from '../http/request-context.ts'
import { type RawHeaders, sendFailure } from '../http/responder.ts'

/** The rules of who may do what; replaced as a whole when the configuration changes. */
export interface AuthorizationRules {
  readonly access: Access
  readonly authenticator: Authenticator
  /** Whether there is a way to show who one is. */
  readonly authenticates: boolean
  /** http.realm. */
  readonly realm: string | undefined
}

/** Decides for every route who asks, and whether they may. */
export interface Authorization {
  rules: AuthorizationRules
}

/** zot's words where config.json has none. */
const defaultRealm = 'Authorization Required'

/** Lets handlers run only for those who may. The probes are open to everybody. */
export function authorizeAll(handlers: Handlers, authorization: Authorization): Handlers {
  const entries = Object.entries(handlers).map(([kind, methods]) => {
    if (kind === 'live' || kind === 'ready') return [kind, methods]
    const behind = Object.entries(methods).map(([method, handler]) => [
      method,
      withAuthorization(authorization, handler),
    ])
    return [kind, Object.fromEntries(behind)]
  })
  // The same keys with the same kind of values, which Object.entries forgets.
  return Object.fromEntries(entries) as Handlers
}

function withAuthorization(authorization: Authorization, handler: Handler): Handler {
  const enter = (context: RequestContext, answer: Answer): undefined | Promise<void> => {
    if (answer.kind === 'refused') return refuseCredentials(context, authorization, answer)
    if (answer.kind === 'known') context.identity = answer.identity
    return isAuthorized(context, authorization) ? handler(context) : refuse(context, authorization)
  }
  return context => {
    const answer = identify(context, authorization)
    return answer instanceof Promise ? answer.then(late => enter(context, late)) : enter(context, answer)
  }
}

function identify(
  { req, client: { key } }: RequestContext,
  { rules }: Authorization,
): Answer | Promise<Answer> {
  const { authorization, cookie, 'x-zot-api-client': client } = req.headers
  return rules.authenticator.authenticate({
    authorization: authorization === undefined ? [] : everyAuthorization(req.rawHeaders, authorization),
    cookie,
    apiClient: typeof client === 'string' ? client : undefined,
    address: key,
  })
}

/** Node keeps the first of several and says nothing of the others. */
function everyAuthorization(raw: readonly string[], first: string): string[] {
  const found: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]
    if (name?.length === 13 && name.toLowerCase() === 'authorization') found.push(raw[at + 1] ?? '')
  }
  return found.length > 1 ? found : [first]
}

/** Whether the route itself is open; what depends on the body is asked of `may` by the handler. */
function isAuthorized({ method, route, identity, req }: RequestContext, { rules }: Authorization): boolean {
  const { access, authenticates } = rules
  const may = (action: Action): boolean => access.may(identity, action, route.name)
  const isRead = method === 'GET' || method === 'HEAD'
  switch (route.kind) {
    case 'manifest':
      if (isRead) return may('read')
      if (method === 'DELETE') return may('delete')
      // Whether it replaces something is known only when the body is there.
      return may('create') || may('update')
    case 'blob':
      return isRead ? may('read') : may('delete')
    case 'tags':
    case 'referrers':
      return may('read')
    case 'uploads':
      return may('create')
    case 'upload':
      // Only its client knows the identifier: asking about it, or cancelling it, needs no further right.
      return may('create') || (isRead && may('read'))
    case 'base':
      if (identity || !authenticates) return true
      return access.hasAnonymous && !(access.hasAuthenticated && isDocker(req.headers['user-agent']))
    case 'catalog':
      return identity !== undefined || access.hasAnonymous || !authenticates
    case 'apikey':
      return identity !== undefined
    // What a client needs before it signs in; and the metrics, which have a rule of their own.
    case 'discover':
    case 'mgmt':
    case 'metrics':
    case 'home':
    case 'login-page':
    case 'key-page':
    case 'page-file':
    case 'login':
    case 'callback':
    case 'logout':
    case 'live':
    case 'ready':
    case 'malformed':
    case 'none':
      return true
    default:
      return unreachable(route.kind)
  }
}

function unreachable(kind: never): never {
  throw new Error(`no rule for ${String(kind)}`)
}

/** Docker sends credentials only after a 401, so it has to get one first. */
const isDocker = (agent: string | undefined): boolean =>
  agent !== undefined && (agent.includes('Docker-Client') || /^docker\//i.test(agent))

/** 401 to nobody in particular, 403 to somebody who may not. */
export function refuse(context: RequestContext, authorization: Authorization): undefined {
  const name = context.identity ? 'denied' : 'unauthorized'
  return sendFailure(context, { name }, challenge(context, authorization))
}

function refuseCredentials(
  context: RequestContext,
  authorization: Authorization,
  answer: Answer & { kind: 'refused' },
): undefined {
  if (answer.status === 429) {
    return sendFailure(context, { name: 'too-many-requests' }, [
      'Retry-After',
      String(answer.retryAfter ?? 1),
    ])
  }
  return sendFailure(context, { name: 'unauthorized' }, challenge(context, authorization))
}

/** No challenge for our own pages: the browser would open its password dialog. */
export function challenge({ req }: RequestContext, { rules }: Authorization): RawHeaders {
  if (req.headers['x-zot-api-client'] === 'zot-ui') return []
  return ['WWW-Authenticate', `Basic realm="${(rules.realm || defaultRealm).replace(/["\\]/g, '\\$&')}"`]
}

/** What /v2/ says of authentication with 200. */
export function baseHeaders({ req }: RequestContext, { rules }: Authorization): RawHeaders {
  if (!rules.authenticates || req.headers['x-zot-api-client'] === 'zot-ui') return []
  const realm = rules.realm ?? ''
  const isToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(realm)
  return ['WWW-Authenticate', `basic realm=${isToken ? realm : JSON.stringify(realm)}`]
}

export const may = (
  authorization: Authorization,
  identity: Identity | undefined,
  action: Action,
  name: string,
): boolean => authorization.rules.access.may(identity, action, name)
