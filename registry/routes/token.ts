import { readBody } from '../../lib/node-http.ts'
import type { Answer } from '../auth/authenticator.ts'
import type { Identity } from '../auth/identity.ts'
import { type ActionSet, actions, bitOf } from '../auth/scope.ts'
import type { RequestContext } from '../http/request-context.ts'
import { sendFailure, sendJson } from '../http/responder.ts'
import { isBearer } from '../token/challenge.ts'
import { parseTokenForm, parseTokenQuery, type TokenRequestResult } from '../token/token-request.ts'
import { type AskedScopes, catalogScope, printTokenScope } from '../token/token-scope.ts'
import { type Authorization, may, refuse, refuseCredentials } from './authorize.ts'
import type { RouteDeps } from './deps.ts'

/** As much as the headers of a GET may have, bytes. */
const bodyLimit = 32 * 1024

/**
 * Gives tokens to whoever shows a password or a key, and to nobody where nobody may do something. What is asked for
 * beyond the rights of that moment is left out.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export function tokenRoute({ authorization }: Pick<RouteDeps, 'authorization'>) {
  const give = (context: RequestContext, asked: AskedScopes): undefined => {
    const { identity } = context
    const { rules, tokens } = authorization
    const isOpen = identity !== undefined || rules.access.hasAnonymous
    const granted = grantedOf(authorization, identity, asked)
    const issued = isOpen ? tokens?.issue(identity, granted) : undefined
    if (!issued) return refuse(context, authorization, 'identity')
    const { token, expiresIn, issuedAt } = issued
    const body = {
      token,
      access_token: token,
      expires_in: expiresIn,
      issued_at: new Date(issuedAt).toISOString(),
      scope: printed(granted),
    }
    return sendJson(context, 200, body, ['Cache-Control', 'no-store', 'Pragma', 'no-cache'])
  }

  const usable = (context: RequestContext, parsed: TokenRequestResult): TokenRequestResult | undefined => {
    if (parsed.ok) return parsed
    sendFailure(context, { name: 'request-invalid', detail: { reason: parsed.problem } })
    return undefined
  }

  const get = (context: RequestContext): undefined => {
    if (!authorization.tokens) return sendFailure(context, { name: 'route-unknown' })
    // Or a token would live for ever.
    if (isBearer(context.req.headers.authorization)) return refuse(context, authorization, 'identity')
    const parsed = usable(context, parseTokenQuery(context.query))
    return parsed?.ok ? give(context, parsed.request.asked) : undefined
  }

  const post = async (context: RequestContext): Promise<void> => {
    const { authorization: header } = context.req.headers
    if (!authorization.tokens) return sendFailure(context, { name: 'route-unknown' })
    if (isBearer(header)) return refuse(context, authorization, 'identity')
    const body = await readBody(context.req, bodyLimit)
    if (body.kind === 'too-large') return sendFailure(context, { name: 'body-too-large' })
    if (body.kind === 'broken') return sendFailure(context, { name: 'size-invalid' })
    const parsed = usable(context, parseTokenForm(body.bytes.toString()))
    if (!parsed?.ok) return
    const { asked, password } = parsed.request
    if (header !== undefined && password) {
      const reason = 'who asks is said twice, in the Authorization header and in the form'
      return sendFailure(context, { name: 'request-invalid', detail: { reason } })
    }
    const answer = password && (await signIn(context, authorization, password))
    if (answer?.kind === 'refused') return refuseCredentials(context, authorization, answer)
    if (answer?.kind !== 'known') return refuse(context, authorization, 'identity')
    context.identity = answer.identity
    return give(context, asked)
  }

  return { token: { GET: get, POST: post } }
}

/** As with Basic, so that a wrong password counts and costs the same. */
const signIn = (
  { client }: RequestContext,
  { rules }: Authorization,
  { user, password }: { user: string; password: string },
): Answer | Promise<Answer> => {
  const pair = Buffer.from(`${user}:${password}`).toString('base64')
  return rules.authenticator.authenticate({ authorization: [`Basic ${pair}`], address: client.key })
}

/** What somebody may of what they ask for. */
function grantedOf(
  authorization: Authorization,
  identity: Identity | undefined,
  { repositories, catalog }: AskedScopes,
): AskedScopes {
  const granted = new Map<string, ActionSet>()
  for (const [name, asked] of repositories) {
    let rights = 0
    for (const action of actions) {
      if ((asked & bitOf(action)) !== 0 && may(authorization, identity, action, name)) rights |= bitOf(action)
    }
    if (rights !== 0) granted.set(name, rights)
  }
  return { repositories: granted, catalog }
}

function printed({ repositories, catalog }: AskedScopes): string {
  const scopes = [...repositories].map(([name, rights]) => printTokenScope(name, rights))
  return [...scopes, ...(catalog ? [catalogScope] : [])].join(' ')
}
