import type { Config } from '../config/config.ts'
import type { ConfigProblem } from '../config/problem.ts'
import type { Logger } from '../log/logger.ts'
import { type Cookies, createCookies } from './cookies.ts'
import { createProvider, type Provider } from './provider.ts'
import { type ProviderSettings, providerKeys, readProvider } from './provider-settings.ts'

/** What config.json says about signing in; replaced as a whole when it changes. */
export interface SignInRules {
  readonly providers: readonly Provider[]
  readonly cookies: Cookies
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
type Read =
  | { readonly ok: true; readonly providers: readonly ProviderSettings[] }
  | { readonly ok: false; readonly problems: readonly SignInProblem[] }

/** Reads http.auth.openid and the files it names. No network: a provider that is away stops nobody. */
export function readProviders({ http }: Pick<Config, 'http'>): Read {
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
  const secure = http.tls !== undefined || (auth?.secureSession ?? externalUrl?.startsWith('https:') ?? false)
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
    cookies: createCookies(secure),
    passwords: auth?.htpasswd !== undefined,
    hasKeys: auth?.apikey === true,
    externalUrl,
    allowed: auth?.openid?.callbackAllowOrigins ?? [],
  }
}
