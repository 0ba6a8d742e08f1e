import { clientName } from '../../contract/messages/address-message.ts'
import type { Config } from '../../registry/config/config.ts'
import { readListenAddress } from '../../registry/config/listen-address.ts'

/** Where people sign in at a registry by browser. */
export interface SignInPlace {
  /** Begins the sign-in, which ends at `/user/apikey`. */
  url: string
  /** The registry as browsers know it. */
  origin: string
  /** Whether a page is there that makes keys. zotbar-registry has one; zot, with its user interface. */
  hasPage: boolean
  /** Where the sign-in may lead: the origins of the issuers that config.json names. */
  issuers: string[]
}

/** The page for keys of both engines, and what a sign-in returns to. */
const keyPagePath = '/user/apikey'

/**
 * Where config.json lets people sign in by browser and have keys; undefined where it does not. One provider is gone to
 * at once; with several, or with passwords only, the page of the registry asks.
 * The provider sends people back to http.externalUrl where there is one, so the cookies have to be that host's.
 */
export function signInPlaceOf(
  { http, extensions }: Config,
  engine: 'zotbar-registry' | 'zot',
): SignInPlace | undefined {
  const { address, port, externalUrl, auth, tls } = http
  if (!auth?.apikey) return undefined
  const providers = Object.entries(auth.openid?.providers ?? {}).filter(
    ([, provider]) => provider !== undefined,
  )
  const hasPage = engine === 'zotbar-registry' || extensions?.ui?.enable === true
  const [only, ...more] = providers
  if ((!only || more.length > 0) && !(hasPage && (only || auth.htpasswd))) return undefined
  // No browser goes to an address that is only listened at.
  const host = readListenAddress(address)?.host ?? '127.0.0.1'
  const isNamed = externalUrl !== undefined && clientName(externalUrl) !== ''
  const base = isNamed ? externalUrl : `${tls ? 'https' : 'http'}://${host}:${port}`
  const origin = originOf(base)
  if (origin === undefined) return undefined
  const query = new URLSearchParams({ provider: only?.[0] ?? '', callback_ui: keyPagePath })
  const path = only && more.length === 0 ? `/zot/auth/login?${query}` : keyPagePath
  const issuers = providers.flatMap(([, provider]) =>
    provider?.issuer === undefined ? [] : (originOf(provider.issuer) ?? []),
  )
  return {
    url: `${base.replace(/\/+$/, '')}${path}`,
    origin,
    hasPage,
    issuers: [...new Set(issuers)],
  }
}

/** The same, where there are no pages in the program: a provider is still gone to, and nothing shows keys after it. */
export const withoutPages = <P extends SignInPlace>(place: P): P | undefined =>
  new URL(place.url).pathname.endsWith('/zot/auth/login') ? { ...place, hasPage: false } : undefined

/** Undefined for what no browser opens as a page: such an address has the origin "null". */
const originOf = (text: string): string | undefined =>
  /^https?:/i.test(text) && URL.canParse(text) ? new URL(text).origin : undefined
