import { randomBytes } from 'node:crypto'
import type { KeyPolicy } from '../auth/api-key.ts'
import { cookieOf, sessionCookie } from '../auth/authenticator.ts'
import type { OwnNames } from '../http/own-names.ts'
import { queryOf, type RequestContext } from '../http/request-context.ts'
import { sendFailure, sendJson } from '../http/responder.ts'
import type { Logger } from '../log/logger.ts'
import type { ApiKeys } from '../metadata/api-keys.ts'
import { type NewSession, type Session, type Sessions, sessionLifeMs } from '../metadata/sessions.ts'
import type { Cookies } from './cookies.ts'
import { cookieHeaders, redirect, sendPage, sendPageFile } from './page-files.ts'
import { homePage, keyPage, loginPage, type Notice, noticePage } from './pages.ts'
import type { Provider } from './provider.ts'
import type { SignInRules } from './rules.ts'
import { safeTarget } from './rules.ts'
import type { SignInsUnderWay } from './sign-ins-under-way.ts'

export interface SignInDeps {
  rules: SignInRules
  /** Undefined: nobody is asked who they are. */
  readonly sessions: Pick<Sessions, 'create' | 'get' | 'end'> | undefined
  readonly apiKeys: Pick<ApiKeys, 'signedIn'> | undefined
  readonly keyPolicy: KeyPolicy
  readonly underWay: SignInsUnderWay
  readonly logger: Pick<Logger, 'log'>
  /** `scheme://address:port` of the listener. */
  readonly origin: () => string
  readonly ownNames: Pick<OwnNames, 'cameTo' | 'forwardedOrigin' | 'isHttps'>
}

/** For how long the sign-in page waits to hear whether a provider answers, ms. */
const reachableTimeoutMs = 1500
const day = 86_400_000
const keyPagePath = '/user/apikey'
const uiClient = 'zot-ui'

/** Signing in and out by browser, and the pages for it, at zot's paths. */
export function signInRoutes(deps: SignInDeps) {
  const { begin, callback } = providerRoutes(deps)
  const { signIn, signOut } = sessionRoutes(deps)
  return {
    ...pageRoutes(deps),
    'page-file': { GET: sendPageFile, HEAD: sendPageFile },
    login: { GET: begin, POST: signIn },
    callback: { GET: callback },
    logout: { POST: signOut },
  }
}

/** The pages. */
function pageRoutes(deps: SignInDeps) {
  const { sessions, keyPolicy } = deps

  const home = (context: RequestContext): undefined => {
    const user = sessionOf(deps, context)?.user
    return sendPage(
      context,
      200,
      homePage({ host: hostOf(deps, context), user, signsIn: sessions !== undefined }),
    )
  }

  const login = async (context: RequestContext): Promise<void> => {
    if (!sessions) return redirect(context, '/')
    const { rules } = deps
    const target = safeTarget(queryOf(context, 'callback_ui') ?? keyPagePath, rules)
    if (sessionOf(deps, context)) return redirect(context, target)
    const providers = await Promise.all(
      rules.providers.map(async provider => {
        const query = new URLSearchParams({ provider: provider.key, callback_ui: target })
        // At the address the provider sends people back to, or the cookie would be another host's.
        const href = `${baseOf(deps, context)}/zot/auth/login?${query}`
        const isDown = (await provider.reachable(reachableTimeoutMs)) === 'down'
        return { title: provider.title, href, isDown }
      }),
    )
    sendPage(
      context,
      200,
      loginPage({ host: hostOf(deps, context), providers, passwords: rules.passwords, target }),
    )
  }

  const keys = (context: RequestContext): undefined => {
    if (!sessions) return redirect(context, '/')
    const session = sessionOf(deps, context)
    if (!session) return redirect(context, `/login?callback_ui=${encodeURIComponent(keyPagePath)}`)
    const { user, groups } = session
    const { lives, usualDays } = livesOf(keyPolicy)
    const page = {
      host: hostOf(deps, context),
      user,
      groups,
      lives: deps.rules.hasKeys ? lives : undefined,
      usualDays,
    }
    return sendPage(context, 200, keyPage(page))
  }

  return {
    home: { GET: home, HEAD: home },
    'login-page': { GET: login, HEAD: login },
    'key-page': { GET: keys, HEAD: keys },
  }
}

/** Signing in at an identity provider. */
function providerRoutes(deps: SignInDeps) {
  const { underWay, sessions, apiKeys, logger } = deps

  /** Sends the browser to the provider, with what proves later that it came back from there. */
  const begin = async (context: RequestContext): Promise<void> => {
    const { rules } = deps
    const key = queryOf(context, 'provider')
    const provider = rules.providers.find(one => one.key === key)
    if (!provider || !sessions) return notice(deps, context, 400, unknownProvider)
    const asked = queryOf(context, 'callback_ui')
    const target = asked === null ? undefined : safeTarget(asked, rules)
    const proofs = { state: token(), nonce: token(), verifier: token() }
    const redirectUri = `${baseOf(deps, context)}/zot/auth/callback/${provider.key}`
    const begun = await provider.begin(redirectUri, proofs)
    if (!begun.ok) return notice(deps, context, 503, away(provider), ['Retry-After', '30'])
    const cookies = underWay.begin(cookiesFor(deps, context), context.req.headers.cookie, {
      ...proofs,
      provider: provider.key,
      redirectUri,
      target,
    })
    redirect(context, begun.url, cookieHeaders(cookies))
  }

  /** The browser is back from the provider. */
  const callback = async (context: RequestContext): Promise<void> => {
    const { rules } = deps
    const provider = rules.providers.find(one => one.key === context.route.last)
    if (!provider || !sessions) return notice(deps, context, 400, unknownProvider)
    const begun = underWay.find(context.req.headers.cookie, queryOf(context, 'state') ?? '')
    // Only this sign-in is over: one in another tab goes on.
    const used = begun ? cookieHeaders(underWay.end(cookiesFor(deps, context), begun.state)) : []
    const refuse = (reason: string): undefined => {
      const fields = { provider: provider.key, clientIP: address(context), error: reason }
      logger.log('warn', 'sign-in refused', fields)
      return notice(deps, context, 401, refused, used)
    }
    if (!begun) return refuse('it did not begin in this browser, or too long ago')
    if (begun.provider !== provider.key) return refuse('it began with another provider')
    const { state, nonce, verifier, target, redirectUri } = begun
    const answer = new URL(`${redirectUri}?${context.query}`)
    const finished = await provider.finish(answer, { state, nonce, verifier })
    if (!finished.ok && finished.kind === 'unreachable') {
      logger.log('warn', 'sign-in failed', { provider: provider.key, error: finished.reason })
      return notice(deps, context, 503, away(provider), ['Retry-After', '30', ...used])
    }
    if (!finished.ok) return refuse(finished.reason)
    const { user, groups } = finished
    await apiKeys?.signedIn(user, groups)
    const cookies = await enter(deps, context, sessions, {
      user,
      groups,
      origin: 'oidc',
      details: { provider: provider.key },
    })
    const headers = [...used, ...cookieHeaders(cookies)]
    if (target !== undefined) return redirect(context, target, headers)
    sendPage(context, 201, '', headers)
  }

  return { begin, callback }
}

/** Signing in with a password, and out. */
function sessionRoutes(deps: SignInDeps) {
  const { sessions, logger } = deps

  /** User and password, checked before; a key is no way to a session, which may do more than it. */
  const signIn = async (context: RequestContext): Promise<void> => {
    const { identity } = context
    if (!isOurs(context)) return sendFailure(context, { name: 'origin-denied' })
    if (!sessions || identity?.via !== 'htpasswd') return sendFailure(context, { name: 'unauthorized' })
    const { user, origin, groups } = identity
    const cookies = await enter(deps, context, sessions, { user, origin, groups })
    return sendJson(context, 200, { user }, ['Cache-Control', 'no-store', ...cookieHeaders(cookies)])
  }

  const signOut = async (context: RequestContext): Promise<void> => {
    if (!isOurs(context)) return sendFailure(context, { name: 'origin-denied' })
    const { rules } = deps
    const id = cookieOf(context.req.headers.cookie, sessionCookie)
    const ended = id === undefined ? undefined : await sessions?.end(id)
    if (ended) logger.log('info', 'signed out', { user: ended.user, clientIP: address(context) })
    const endSessionUrl = rules.providers.find(one => one.key === ended?.details['provider'])?.endSessionUrl()
    const headers = ['Cache-Control', 'no-store', ...cookieHeaders(cookiesFor(deps, context).signedOut())]
    return sendJson(context, 200, endSessionUrl === undefined ? {} : { endSessionUrl }, headers)
  }

  return { signIn, signOut }
}

/** Where browsers reach this registry: as externalUrl says, else as a proxy does. */
const baseOf = ({ rules, origin, ownNames }: SignInDeps, { req }: RequestContext): string =>
  rules.externalUrl ?? ownNames.forwardedOrigin(req) ?? origin()
/** What stands before an image's name: as externalUrl says, else as whoever looks came here. */
function hostOf(deps: SignInDeps, context: RequestContext): string {
  const cameTo = deps.ownNames.cameTo(context.req)
  if (deps.rules.externalUrl === undefined && cameTo !== undefined) return cameTo
  const base = baseOf(deps, context)
  return /^https?:/i.test(base) && URL.canParse(base) ? new URL(base).host : base.replace(/^https?:\/\//, '')
}
const cookiesFor = ({ rules, ownNames }: SignInDeps, { req }: RequestContext): Cookies =>
  rules.cookies(ownNames.isHttps(req))
const address = ({ client }: RequestContext): string => client.address

function sessionOf({ sessions }: SignInDeps, { req }: RequestContext): Session | undefined {
  const id = cookieOf(req.headers.cookie, sessionCookie)
  return id === undefined ? undefined : sessions?.get(id)
}

function notice(
  deps: SignInDeps,
  context: RequestContext,
  status: number,
  content: Notice,
  headers: string[] = [],
): undefined {
  return sendPage(context, status, noticePage(hostOf(deps, context), content), headers)
}

/** A new session under a new identifier; the one the browser had before ends. Answers the cookies. */
async function enter(
  deps: SignInDeps,
  context: RequestContext,
  open: Pick<Sessions, 'create' | 'end'>,
  session: NewSession,
): Promise<string[]> {
  const before = cookieOf(context.req.headers.cookie, sessionCookie)
  if (before !== undefined) await open.end(before)
  const { id } = await open.create(session)
  const { user, origin, details } = session
  deps.logger.log('info', 'signed in', {
    user,
    by: details?.['provider'] ?? origin,
    clientIP: address(context),
  })
  return cookiesFor(deps, context).signedIn(id, user, sessionLifeMs)
}

const token = (): string => randomBytes(32).toString('base64url')

/** Only our own pages can send this header: for others the browser asks first, and is refused. */
const isOurs = ({ req }: RequestContext): boolean => req.headers['x-zot-api-client'] === uiClient

/** Lives for the page, days, no longer than the policy allows. */
function livesOf({ defaultLife, maxLife }: KeyPolicy): { lives: number[]; usualDays: number } {
  const most = Math.floor(maxLife / day)
  const usualDays = Math.floor(defaultLife / day)
  const lives = [7, 30, 90, 180, 365, usualDays].filter(days => days <= most)
  return { lives: [...new Set(lives)].sort((a, b) => a - b), usualDays }
}

const unknownProvider: Notice = {
  title: 'No such identity provider',
  text: 'The address names a provider that the config.json of this registry does not have.',
}

const refused: Notice = {
  title: 'Not signed in',
  text: 'What came back from the identity provider does not fit a sign-in that began in this browser within the last ten minutes, or it names no user. The log of the registry says which check failed.',
}

const away = ({ title }: Provider): Notice => ({
  title: `${title} does not answer`,
  text: 'Nobody can sign in with it until it does. Passwords and API keys work as before.',
  again: '/login',
})
