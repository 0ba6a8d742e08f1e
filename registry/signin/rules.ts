import type { Config } from '../config/config.ts'
import type { ConfigProblem } from '../config/problem.ts'
import type { Logger } from '../log/logger.ts'
import { type Cookies, createCookies } from './cookies.ts'
import { createProvider, type Provider } from './provider.ts'
import { type ProviderSettings, providerKeys, readProvider } from './provider-settings.ts'

export interface TargetRules {
  /** Origins that may be returned to, from callbackAllowOrigins; as the config has them. */
  readonly allowed: readonly string[]
  readonly externalUrl: string | undefined
}

/** Browsers drop tabs and newlines and read a backslash as a slash; none of them belongs into an address. */
const odd = /[\\\s\p{Cc}]/u
/** Characters. It is kept in a cookie, and browsers drop large ones. */
const maxTarget = 1000
/** Never matched by a path of ours; only there to resolve paths against. */
const nowhere = 'http://target.invalid'

/**
 * Where a browser goes after signing in: a path here, or an address at an origin that the config names.
 * Everything else becomes `/`, so that a link to the sign-in never leads to somebody else's page.
 */
export function safeTarget(target: string, { allowed, externalUrl }: TargetRules): string {
  if (target === '' || target.length > maxTarget || odd.test(target)) return '/'
  if (target.startsWith('/')) {
    const url = parse(target, nowhere)
    // `//host` is another host. So would `/./` before `/host` be once a proxy has tidied it up.
    if (url?.origin !== nowhere || url.pathname.startsWith('//') || hidesSlash(url.pathname)) return '/'
    return url.pathname + url.search + url.hash
  }
  if (!/^https?:\/\/[^/]/i.test(target)) return '/'
  const url = parse(target)
  // A name and password before the host only serve to deceive.
  if (url === undefined || url.username !== '' || url.password !== '') return '/'
  const origins = [...allowed, ...(externalUrl === undefined ? [] : [externalUrl])]
  return origins.some(origin => parse(origin)?.origin === url.origin) ? url.href : '/'
}

/** Escaped slashes right at the beginning, for servers in between that unescape. */
const hidesSlash = (path: string): boolean => /^\/(%2f|%5c|%09|%0a|%0d)/i.test(path)

function parse(text: string, base?: string): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined
}

/** What config.json says about signing in; replaced as a whole when it changes. */
export interface SignInRules {
  readonly providers: readonly Provider[]
  /** `isHttps`: whether the browser came by https, as far as is known. */
  readonly cookies: (isHttps: boolean) => Cookies
  /** Whether there are users with passwords here. */
  readonly passwords: boolean
  readonly hasKeys: boolean
  /** Without a slash at the end. */
  readonly externalUrl: string | undefined
  /** callbackAllowOrigins. */
  readonly allowed: readonly string[]
}

interface SignInProblem extends Pick<ConfigProblem, 'code' | 'message'> {
  readonly keyPath: string
}
type ProvidersResult =
  | { readonly ok: true; readonly providers: readonly ProviderSettings[] }
  | { readonly ok: false; readonly problems: readonly SignInProblem[] }

/** Reads http.auth.openid and the files it names. No network: a provider that is away stops nobody. */
export function readProviders({ http }: Pick<Config, 'http'>): ProvidersResult {
  const openid = http.auth?.openid
  if (!openid) return { ok: true, providers: [] }
  const problems: SignInProblem[] = []
  const providers: ProviderSettings[] = []
  const problem = (keyPath: string, message: string): void => {
    problems.push({ code: 'not-allowed', keyPath, message })
  }
  const at = 'http.auth.openid.providers'
  if (openid.providers.github) {
    problem(`${at}.github`, 'GitHub signs in by OAuth 2 without OpenID Connect: needs the zot engine')
  }
  for (const key of providerKeys) {
    const block = openid.providers[key]
    if (!block) continue
    if (block.keypath) problem(`${at}.${key}.keypath`, 'signed client assertions: needs the zot engine')
    const read = readProvider(key, block)
    if (read.ok) providers.push(read.settings)
    else problem(read.keyPath, read.message)
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, providers }
}

/** The rules of a config whose providers have been read. */
export function createSignInRules(
  { http }: Pick<Config, 'http'>,
  providers: readonly ProviderSettings[],
  { logger, now = Date.now }: { logger: Pick<Logger, 'log'>; now?: () => number },
): SignInRules {
  const externalUrl = http.externalUrl?.replace(/\/+$/, '') || undefined
  const auth = http.auth
  const isSecure = (isHttps: boolean): boolean =>
    http.tls !== undefined || (auth?.secureSession ?? (isHttps || /^https:/i.test(externalUrl ?? '')))
  return {
    providers: providers.map(settings =>
      createProvider(settings, {
        now,
        onChange: ({ reachable, reason }) => {
          const fields = { provider: settings.key, issuer: settings.issuer.href }
          if (reachable) logger.log('info', 'the identity provider answers again', fields)
          else
            logger.log('warn', 'the identity provider does not answer; nobody can sign in with it', {
              ...fields,
              error: reason,
            })
        },
      }),
    ),
    cookies: isHttps => createCookies(isSecure(isHttps)),
    passwords: auth?.htpasswd !== undefined,
    hasKeys: auth?.apikey === true,
    externalUrl,
    allowed: auth?.openid?.callbackAllowOrigins ?? [],
  }
}
