import type { Configuration } from 'openid-client'
import { isObject } from '../../lib/json.ts'
import type { ProviderKey, ProviderSettings } from './provider-settings.ts'

/** What a provider said about the user who signed in. */
export interface Claims {
  readonly idToken: Readonly<Record<string, unknown>>
  readonly userInfo: Readonly<Record<string, unknown>>
}

export interface ClaimNames {
  readonly username: string | undefined
  readonly groups: string | undefined
}

export type AccountResult =
  | { readonly ok: true; readonly user: string; readonly groups: readonly string[] }
  | { readonly ok: false; readonly reason: string }

const maxName = 256
const maxGroups = 1000

/**
 * User and groups out of the claims. The user is the mapped claim, else the email; the groups are those of
 * userinfo and ID token together.
 */
export function accountOf({ idToken, userInfo }: Claims, names: ClaimNames): AccountResult {
  const text = (claim: string): string | undefined =>
    [userInfo[claim], idToken[claim]].find(
      (value): value is string => typeof value === 'string' && value !== '',
    )
  const mapped = names.username === undefined ? undefined : text(names.username)
  const user = mapped ?? text('email')
  if (user === undefined) return { ok: false, reason: `no claim ${names.username ?? 'email'}` }
  // A colon would end the name in HTTP Basic, where the keys of this user are shown.
  if (user.length > maxName || /[:\p{Cc}]/u.test(user)) return { ok: false, reason: 'not a usable user name' }
  const claim = names.groups === undefined || names.groups === '' ? 'groups' : names.groups
  const groups = new Set([...namesIn(userInfo[claim]), ...namesIn(idToken[claim])])
  return { ok: true, user, groups: [...groups].slice(0, maxGroups) }
}

/** Some providers send a single group as a string. */
function namesIn(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.filter((one): one is string => typeof one === 'string' && one !== '' && one.length <= maxName)
}

/** What one sign-in must bring back. */
interface Proofs {
  readonly state: string
  readonly nonce: string
  /** Of PKCE. */
  readonly verifier: string
}

type SignInStart =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly reason: string }
type SignInOutcome =
  | { readonly ok: true; readonly user: string; readonly groups: readonly string[] }
  | { readonly ok: false; readonly kind: 'refused' | 'unreachable'; readonly reason: string }

/** `checking`: not known yet. */
type Reachable = 'ready' | 'checking' | 'down'

/** An OpenID provider that people sign in with. Nothing is asked of it before somebody wants to. */
export interface Provider {
  readonly key: ProviderKey
  readonly title: string
  /** Whether it answers; waits at most `timeoutMs` to find out. */
  reachable(timeoutMs: number): Promise<Reachable>
  /** Where to send the browser. */
  begin(redirectUri: string, proofs: Proofs): Promise<SignInStart>
  /** `answer`: the address the browser came back to. Everything in it is checked here. */
  finish(answer: URL, proofs: Proofs): Promise<SignInOutcome>
  /** Where the browser can end its session with the provider, if it has such a page. */
  endSessionUrl(): string | undefined
}

export interface ProviderOptions {
  /** ms. */
  readonly now?: () => number
  /** Called when the provider stops and starts to answer. */
  readonly onChange?: (news: { reachable: boolean; reason?: string }) => void
}

/** For one request to the provider, s. */
const timeoutSeconds = 10
/** Between attempts to reach one that does not answer, ms: doubled each time. */
const firstPause = 1000
const longestPause = 30_000
/** What it said about itself is asked again after this, ms. */
const staleAfterMs = 60 * 60_000

/** Not loaded where there is no provider: it brings Node's fetch along. */
const library = () => import('openid-client')

/** Before providers are used: once an update has put another version in place, there is nothing left to load. */
export async function prepareFor(providers: readonly ProviderSettings[]): Promise<void> {
  if (providers.length > 0) await library()
}

/**
 * Signs in by the authorization code flow with PKCE.
 * https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
 */
export function createProvider(settings: ProviderSettings, options: ProviderOptions = {}): Provider {
  const { now = Date.now, onChange = () => {} } = options
  let known: { configuration: Configuration; at: number } | undefined
  let failed: { reason: string; times: number; until: number } | undefined
  let asking: Promise<Configuration | undefined> | undefined

  const ask = async (): Promise<Configuration | undefined> => {
    try {
      const configuration = await discover(settings)
      if (failed) onChange({ reachable: true })
      failed = undefined
      known = { configuration, at: now() }
    } catch (error) {
      const reason = reasonOf(error)
      if (!failed) onChange({ reachable: false, reason })
      const times = (failed?.times ?? 0) + 1
      failed = { reason, times, until: now() + Math.min(longestPause, firstPause * 2 ** (times - 1)) }
    }
    return known?.configuration
  }

  /** What it last said about itself, asked again when that is old; undefined while it cannot be reached. */
  const configuration = async (): Promise<Configuration | undefined> => {
    if (known && now() - known.at < staleAfterMs) return known.configuration
    if (failed && now() < failed.until) return known?.configuration
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return await asking
  }

  return {
    key: settings.key,
    title: settings.title,

    reachable: async timeoutMs => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<'late'>(resolve => {
        timer = setTimeout(() => resolve('late'), timeoutMs)
      })
      const found = await Promise.race([configuration(), late])
      clearTimeout(timer)
      return found === 'late' ? 'checking' : found ? 'ready' : 'down'
    },

    begin: async (redirectUri, { state, nonce, verifier }) => {
      const found = await configuration()
      if (!found) return { ok: false, reason: failed?.reason ?? 'not reached' }
      const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await library()
      const url = buildAuthorizationUrl(found, {
        redirect_uri: redirectUri,
        scope: settings.scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      return { ok: true, url: url.href }
    },

    finish: async (answer, { state, nonce, verifier }) => {
      const found = await configuration()
      if (!found) return { ok: false, kind: 'unreachable', reason: failed?.reason ?? 'not reached' }
      const { authorizationCodeGrant, fetchUserInfo } = await library()
      try {
        const tokens = await authorizationCodeGrant(found, answer, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        const idToken = tokens.claims()
        if (!idToken) return { ok: false, kind: 'refused', reason: 'no ID token' }
        const asks = found.serverMetadata().userinfo_endpoint !== undefined
        const userInfo = asks ? await fetchUserInfo(found, tokens.access_token, idToken.sub) : {}
        const names = { username: settings.usernameClaim, groups: settings.groupsClaim }
        const account = accountOf({ idToken, userInfo }, names)
        return account.ok ? account : { ...account, kind: 'refused' }
      } catch (error) {
        return { ok: false, kind: isUnreachable(error) ? 'unreachable' : 'refused', reason: reasonOf(error) }
      }
    },

    endSessionUrl: () => {
      const page = known?.configuration.serverMetadata().end_session_endpoint
      if (page === undefined || !/^https?:\/\//.test(page) || !URL.canParse(page)) return undefined
      const url = new URL(page)
      // Instead of the ID token, which would have to be kept for that.
      url.searchParams.set('client_id', settings.clientId)
      return url.href
    },
  }
}

async function discover(settings: ProviderSettings): Promise<Configuration> {
  const { issuer, clientId, clientSecret, authUrl, tokenUrl } = settings
  const { allowInsecureRequests, ClientSecretPost, Configuration, ...rest } = await library()
  const { discovery, enableNonRepudiationChecks, None } = rest
  // The default of the specification first, as zot does.
  const authentication: ReturnType<typeof None> = (server, client, body, headers) => {
    if (clientSecret === undefined) return None()(server, client, body, headers)
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    if (!methods.includes('client_secret_basic'))
      return ClientSecretPost(clientSecret)(server, client, body, headers)
    const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`
    headers.set('Authorization', `Basic ${Buffer.from(pair).toString('base64')}`)
  }
  const isInsecure = [issuer.href, authUrl, tokenUrl].some(url => url?.startsWith('http:'))
  // Signatures of ID tokens are always checked, whichever way they came.
  const execute = [enableNonRepudiationChecks, ...(isInsecure ? [allowInsecureRequests] : [])]
  const found = await discovery(issuer, clientId, undefined, authentication, {
    timeout: timeoutSeconds,
    execute,
  })
  if (authUrl === undefined && tokenUrl === undefined) return found
  const { supportsPKCE: _, ...own } = found.serverMetadata()
  const metadata = {
    ...own,
    ...(authUrl === undefined ? {} : { authorization_endpoint: authUrl }),
    ...(tokenUrl === undefined ? {} : { token_endpoint: tokenUrl }),
  }
  const changed = new Configuration(metadata, clientId, undefined, authentication)
  changed.timeout = timeoutSeconds
  for (const extension of execute) extension(changed)
  return changed
}

/**
 * Escapes no more than needed, as Go does: some providers take what they get as it is, and the library's own
 * way would also escape a hyphen. https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
const formEncoded = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')

/**
 * The words of the library name the check that failed, and hold nothing secret. Its data might: of that only
 * the name of a field, and the code of an error in the form of RFC 6749.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  const { message, cause } = error
  const texts = [message]
  if ('error' in error) texts.push(nameIn(error.error))
  if (cause instanceof Error) texts.push(cause.message)
  const data = cause instanceof Error ? cause.cause : cause
  if (isObject(data)) texts.push(nameIn(data['claim'] ?? data['attribute']))
  const known = texts.filter((word, at) => word !== '' && texts.indexOf(word) === at)
  return known.length > 0 ? known.join(': ') : (codeOf(cause) ?? 'failed')
}

const nameIn = (value: unknown): string =>
  typeof value === 'string' && /^\w{1,64}$/.test(value) ? value : ''

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Network errors of fetch are TypeErrors; a provider that answers with a fault of its own is as good as away. */
function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'TimeoutError' || codeOf(error) === 'OAUTH_TIMEOUT') return true
  return error instanceof TypeError && error.message === 'fetch failed'
}
