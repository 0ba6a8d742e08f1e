import type { Access } from '../auth/access.ts'
import type { Answer, Authenticator } from '../auth/authenticator.ts'
import type { Identity } from '../auth/identity.ts'
import type { Action } from '../auth/scope.ts'
import type { OwnNames } from '../http/own-names.ts'
import type { Handler, Handlers, RequestContext } from '../http/request-context.ts'
import { sendFailure } from '../http/responder.ts'
import { denialDetail, refusedCredentials } from '../oci/denial.ts'
import { maxNameLength } from '../oci/reference.ts'
import { isBearer, isDocker } from '../token/challenge.ts'
import type { Tokens } from '../token/tokens.ts'
import { challenge } from './challenges.ts'

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
  /** Undefined: nobody is asked who they are. */
  readonly tokens: Tokens | undefined
  readonly ownNames: Pick<OwnNames, 'ownOrigin'>
}

/** What somebody would need; `identity`: to be known at all. */
export type MissingRight = Action | 'identity'

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
    const missing = missingRight(context, authorization)
    return missing === undefined ? handler(context) : refuse(context, authorization, missing)
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

/**
 * The right without which the route stays closed (`identity`: being known); undefined: it is open. What depends on
 * the body is asked of `may` by the handler.
 */
function missingRight(
  { method, route, identity, req }: RequestContext,
  { rules }: Authorization,
): MissingRight | undefined {
  const { access, authenticates } = rules
  const may = (action: Action): boolean => access.may(identity, action, route.name)
  const unless = (action: Action): Action | undefined => (may(action) ? undefined : action)
  const isRead = method === 'GET' || method === 'HEAD'
  switch (route.kind) {
    case 'manifest':
      if (isRead) return unless('read')
      if (method === 'DELETE') return unless('delete')
      // Whether it replaces something is known only when the body is there.
      return may('update') ? undefined : unless('create')
    case 'blob':
      return unless(isRead ? 'read' : 'delete')
    case 'tags':
    case 'referrers':
      return unless('read')
    case 'uploads':
      return unless('create')
    case 'upload':
      // Only its client knows the identifier: asking about it, or cancelling it, needs no further right.
      return isRead && may('read') ? undefined : unless('create')
    case 'base': {
      if (identity || !authenticates) return undefined
      const { authorization, 'user-agent': agent } = req.headers
      // Docker shows who it is, if only by a token for nobody, after a 401 here and at no other time.
      const isAsked = access.hasAuthenticated && isDocker(agent) && !isBearer(authorization)
      return access.hasAnonymous && !isAsked ? undefined : 'identity'
    }
    case 'catalog':
      return identity || access.hasAnonymous || !authenticates ? undefined : 'identity'
    case 'apikey':
      // A token ends within minutes, and so does everything that can be done with it.
      return identity && identity.via !== 'token' ? undefined : 'identity'
    // What a client needs before it signs in; and the metrics, which have a rule of their own.
    case 'discover':
    case 'mgmt':
    case 'metrics':
    case 'home':
    case 'token':
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
      return undefined
    default:
      return unreachable(route.kind)
  }
}

function unreachable(kind: never): never {
  throw new Error(`no rule for ${String(kind)}`)
}

/**
 * 401 to nobody in particular, and where only the token does not suffice; 403 to somebody who may not. Of the
 * repository it says what was asked, never what is in it; `tag` is the one that a push was to set.
 */
export function refuse(
  context: RequestContext,
  authorization: Authorization,
  missing: MissingRight,
  tag?: string,
): undefined {
  const { identity, route } = context
  const holder = identity?.grant?.holder
  const isOnlyOfToken =
    holder !== undefined &&
    missing !== 'identity' &&
    may(authorization, holder, missing, route.name.slice(0, maxNameLength))
  const isUnknown = !identity || isOnlyOfToken
  const headers = challenge(context, authorization, isUnknown ? 'insufficient_scope' : 'denied')
  if (missing === 'identity') return sendFailure(context, { name: 'unauthorized' }, headers)
  const isOnlyNarrowed =
    identity?.scopes !== undefined &&
    may(authorization, { ...(holder ?? identity), scopes: [] }, missing, route.name.slice(0, maxNameLength))
  const detail = denialDetail({
    right: missing,
    // Not yet checked, and the log has it too.
    repository: route.name.slice(0, maxNameLength),
    tag,
    user: identity?.user,
    isOnlyNarrowed,
    isOnlyOfToken,
  })
  return sendFailure(context, { name: isUnknown ? 'unauthorized' : 'denied', detail }, headers)
}

/** To whoever shows credentials that do not hold. */
export function refuseCredentials(
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
  const failure = { name: 'unauthorized', detail: { reason: refusedCredentials } } as const
  return sendFailure(context, failure, challenge(context, authorization, 'invalid_token'))
}

export const may = (
  authorization: Authorization,
  identity: Identity | undefined,
  action: Action,
  name: string,
): boolean => authorization.rules.access.may(identity, action, name)
