import type { WebCause, WebFailure } from '../../contract/failure.ts'
import { errorCode } from '../../lib/error-code.ts'

/** The proxies of an environment; empty text means none. */
export interface Proxies {
  http: string
  https: string
  no: string
  /** Why one that is named cannot be used, as half a sentence. */
  unusable?: string
}

/** As curl reads them: lower case before upper case, ALL_PROXY for what has none of its own. */
export function proxiesOf(environment: Readonly<Record<string, string | undefined>>): Proxies {
  const of = (name: string): string => environment[name] || environment[name.toUpperCase()] || ''
  const all = of('all_proxy')
  const named = { http: of('http_proxy') || all, https: of('https_proxy') || all }
  const withScheme = (text: string) => (text === '' || text.includes('://') ? text : `http://${text}`)
  const [http, https] = [withScheme(named.http), withScheme(named.https)]
  const unusable = [http, https].find(text => text !== '' && !isUsable(text))
  return {
    http: unusable === undefined ? http : '',
    https: unusable === undefined ? https : '',
    no: of('no_proxy'),
    ...(unusable === undefined
      ? {}
      : { unusable: `the proxy ${withoutSecrets(unusable)} is none of http:// or https://` }),
  }
}

const isUsable = (text: string): boolean =>
  URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)

/** An address as it may be shown and kept: without user, password, query and fragment. */
export function withoutSecrets(text: string): string {
  if (!URL.canParse(text)) return text.slice(0, 200).replace(/[?#].*$|[^/@]*@/g, '')
  const url = new URL(text)
  Object.assign(url, { username: '', password: '', search: '', hash: '' })
  return url.href.slice(0, 500)
}

/** What an error of the network means. */
export function webFailure(error: unknown, url: string, proxies: Proxies): WebFailure {
  const { code, message, port, hostname } = detailsOf(error)
  const shown = withoutSecrets(url)
  const refusal = /Proxy response \((\d+)\)/.exec(message)
  if (refusal !== null)
    return unreachable(shown, 'proxy', `the proxy ${proxyFor(url, proxies)} answers ${refusal[1]}`)
  const [cause, reason] = causeOf(code, message)
  const through = proxyFor(url, proxies)
  if (through !== '' && isAt(through, port, hostname) && !isAt(url, port, undefined))
    return unreachable(shown, 'proxy', `the proxy ${through}: ${reason}`)
  return unreachable(shown, cause, reason)
}

const unreachable = (url: string, cause: WebCause, reason: string): WebFailure => ({
  code: 'web-unreachable',
  url,
  cause,
  reason,
})

const proxyFor = (url: string, proxies: Proxies): string => {
  const named = (url.startsWith('https:') && proxies.https) || proxies.http
  return named === '' ? '' : withoutSecrets(named)
}

function isAt(proxy: string, port: number | undefined, hostname: string | undefined): boolean {
  const at = new URL(proxy)
  return hostname === undefined
    ? port === Number(at.port || (at.protocol === 'https:' ? 443 : 80))
    : hostname === at.hostname
}

interface Details {
  code: string | undefined
  message: string
  /** Of the other end, where connecting failed. */
  port?: number
  hostname?: string
}

/** The first error with a code: undici wraps them, and several addresses of a name give several. */
function detailsOf(error: unknown): Details {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) }
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  const code = errorCode(error)
  if ((code === undefined || (code === 'UND_ERR_SOCKET' && errorCode(inner))) && inner instanceof Error)
    return detailsOf(inner)
  return {
    code,
    message: error.message,
    ...('port' in error && typeof error.port === 'number' ? { port: error.port } : {}),
    ...('hostname' in error && typeof error.hostname === 'string' ? { hostname: error.hostname } : {}),
  }
}

function causeOf(code: string | undefined, message: string): [WebCause, string] {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
      return ['name', 'the name has no address (DNS)']
    case 'ENETUNREACH':
    case 'ENETDOWN':
    case 'EHOSTUNREACH':
    case 'EADDRNOTAVAIL':
      return ['no-network', 'there is no way to it']
    case 'ECONNREFUSED':
      return ['refused', 'nothing listens there']
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return ['silent', 'it does not take the connection']
    case 'UND_ERR_HEADERS_TIMEOUT':
      return ['silent', 'it took the request and says nothing']
    case 'UND_ERR_BODY_TIMEOUT':
      return ['silent', 'it stopped in the middle of its answer']
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return ['cut', 'it cut the connection']
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return ['cut', 'its answer ended early']
    default:
      if (code !== undefined && /^(CERT|DEPTH|SELF|UNABLE|HOSTNAME|ERR_TLS|ERR_SSL|EPROTO)/.test(code))
        return ['certificate', `its certificate is not accepted (${code})`]
      if (code?.startsWith('HPE_')) return ['cut', 'its answer is not HTTP']
      return ['other', code ?? message.slice(0, 200)]
  }
}
