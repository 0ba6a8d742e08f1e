import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { proxiesOf, webFailure, withoutSecrets } from './web-failure.ts'

export interface WebAnswer {
  status: number
  headers: Record<string, string>
  /** The address that answered, after redirects. */
  url: string
  /** As it was sent, not decompressed. Reading it may throw: `failureOf` says what that means. */
  body: Readable
}

/** Requests to the outside world: through the environment's proxy, with time-outs. */
export interface Web {
  /**
   * GET, following safe redirects. Any answer but a redirect or a rate limit is a success; the caller looks at `status` and reads `body` or destroys it.
   * Errors: web-unreachable, web-limited, web-redirect-refused, bad-url, cancelled.
   */
  get(url: string, options?: GetOptions): Promise<Result<WebAnswer>>
  /** POST, along no redirect: any answer is a success, and its body is not read. Errors: web-unreachable, bad-url, cancelled. */
  post(url: string, options: PostOptions): Promise<Result<Pick<WebAnswer, 'status'>>>
  /** What a body that threw while it was read means. */
  failureOf(error: unknown, url: string, signal?: AbortSignal): Failure
  /** Cuts what is under way. */
  close(): Promise<void>
}

interface GetOptions {
  headers?: Record<string, string>
  signal?: AbortSignal
}

interface PostOptions extends GetOptions {
  body: string
}

export interface WebWith {
  /** Where HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY are read, in either case. */
  environment: Readonly<Record<string, string | undefined>>
  /** In ms: until connected, until the answer begins, without a byte of it. */
  limits?: { connectMs: number; headersMs: number; idleMs: number }
  /** Trusted besides the certificates of Node, as PEM. */
  ca?: string
  now?(): number
}

const usual = { connectMs: 10_000, headersMs: 30_000, idleMs: 30_000 }
const maxRedirects = 5
/** Bytes of an answer that may wait to be read before its connection is held back; they are lost when it is cut. */
const ahead = 256 * 1024

/** undici is loaded with the first request: it would cost every start its memory. */
export function createWeb({ environment, limits = usual, ca, now = Date.now }: WebWith): Web {
  const proxies = proxiesOf(environment)
  let opened: Promise<{ undici: typeof import('undici'); dispatcher: Dispatcher }> | undefined

  async function open() {
    const undici = await import('undici')
    const dispatcher = new undici.EnvHttpProxyAgent({
      httpProxy: proxies.http,
      httpsProxy: proxies.https,
      noProxy: proxies.no,
      // Through a proxy by CONNECT, http too: a refusal of the proxy can be distinguished from one of the address.
      proxyTunnel: true,
      // HTTP/1.1 only: over HTTP/2 all downloads would share one connection, and end with it.
      allowH2: false,
      connect: { timeout: limits.connectMs, allowH2: false, ...(ca === undefined ? {} : { ca }) },
      requestTls: { allowH2: false, ...(ca === undefined ? {} : { ca }) },
    })
    return { undici, dispatcher }
  }

  async function getOnce(url: string, { headers, signal }: GetOptions): Promise<WebAnswer> {
    opened ??= open()
    const { undici, dispatcher } = await opened
    const answer = await undici.request(url, {
      dispatcher,
      headers: { 'user-agent': 'Zotbar', 'accept-encoding': 'identity', ...headers },
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.idleMs,
      highWaterMark: ahead,
      ...(signal === undefined ? {} : { signal }),
    })
    // Whoever reads it gets the error as well; one that is dropped half read must not end the process.
    answer.body.on('error', () => {})
    const flat = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    )
    return { status: answer.statusCode, headers: Object.fromEntries(flat), url, body: answer.body }
  }

  /** Why nothing is asked at all. */
  function refusalOf(url: string): Failure | undefined {
    const bad = badUrl(url)
    if (bad !== undefined) return { code: 'bad-url', url: withoutSecrets(url), reason: bad }
    const { unusable: reason } = proxies
    if (reason === undefined) return undefined
    return { code: 'web-unreachable', url: withoutSecrets(url), cause: 'proxy', reason }
  }

  const failureOf: Web['failureOf'] = (error, url, signal) =>
    signal?.aborted ? { code: 'cancelled' } : webFailure(error, url, proxies)

  return {
    failureOf,
    async get(from, options = {}) {
      const refusal = refusalOf(from)
      if (refusal !== undefined) return fail(refusal)
      let url = from
      for (let followed = 0; ; followed += 1) {
        let answer: WebAnswer
        try {
          answer = await getOnce(url, options)
        } catch (error) {
          return fail(failureOf(error, url, options.signal))
        }
        const { location } = answer.headers
        if (!redirects.has(answer.status) || location === undefined) {
          const until = limitedUntil(answer, now())
          if (until === undefined) return ok(answer)
          answer.body.destroy()
          return fail({ code: 'web-limited', url: withoutSecrets(url), until })
        }
        answer.body.destroy()
        const next = URL.canParse(location, url) ? new URL(location, url).href : location
        const unsafe = badUrl(next) !== undefined || isSteppingDown(from, next)
        if (unsafe || followed === maxRedirects) {
          const reason = unsafe ? 'unsafe' : 'too-many'
          return fail({
            code: 'web-redirect-refused',
            url: withoutSecrets(url),
            to: withoutSecrets(next),
            why: reason,
          })
        }
        url = next
      }
    },
    async post(url, { body, headers, signal }) {
      const refusal = refusalOf(url)
      if (refusal !== undefined) return fail(refusal)
      try {
        opened ??= open()
        const { undici, dispatcher } = await opened
        const answer = await undici.request(url, {
          dispatcher,
          method: 'POST',
          body,
          headers: { 'user-agent': 'Zotbar', ...headers },
          headersTimeout: limits.headersMs,
          ...(signal === undefined ? {} : { signal }),
        })
        answer.body.on('error', () => {})
        answer.body.destroy()
        return ok({ status: answer.statusCode })
      } catch (error) {
        return fail(failureOf(error, url, signal))
      }
    },
    async close() {
      const { dispatcher } = (await opened?.catch(() => undefined)) ?? {}
      opened = undefined
      await dispatcher?.destroy()
    },
  }
}

const redirects = new Set([301, 302, 303, 307, 308])

/** What began with https stays with https. */
export const isSteppingDown = (from: string, to: string): boolean =>
  from.startsWith('https:') && !to.startsWith('https:')

/** Why an address cannot be asked, as half a sentence. */
function badUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return 'it is no address'
  const { protocol, username, password } = new URL(text)
  if (protocol !== 'https:' && protocol !== 'http:') return 'only https and http are asked'
  return username === '' && password === ''
    ? undefined
    : 'it has a user or a password in it, which logs would show'
}

/** The whole body. Errors: web-too-large beyond `most` bytes, web-unreachable, cancelled. */
export async function readBytes(
  web: Web,
  { body, url }: WebAnswer,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Result<Buffer>> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body) {
      size += chunk.length
      if (size > maxBytes) {
        body.destroy()
        return fail({ code: 'web-too-large', url: withoutSecrets(url), limit: maxBytes })
      }
      chunks.push(chunk)
    }
  } catch (error) {
    return fail(web.failureOf(error, url, signal))
  }
  return ok(Buffer.concat(chunks))
}

/** The same as text. */
export async function readText(...of: Parameters<typeof readBytes>): Promise<Result<string>> {
  const read = await readBytes(...of)
  return read.ok ? ok(read.value.toString('utf8')) : read
}

/** A limit that is said to last longer is looked at again after this, in ms. */
const longest = 24 * 3600_000

/**
 * When a rate limit ends, in ms since the epoch; undefined for an answer that is none.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function limitedUntil(
  { status, headers }: { status: number; headers: Record<string, string> },
  now: number,
): number | undefined {
  if (status !== 403 && status !== 429) return undefined
  const after = headers['retry-after']
  const usedUp = headers['x-ratelimit-remaining'] === '0'
  if (after === undefined && !usedUp && status !== 429) return undefined
  const resetAt = after === undefined ? resetOf(headers) : afterOf(after, now)
  // Without a time that makes sense: a minute, as GitHub advises.
  const until = resetAt === undefined || resetAt <= now ? now + 60_000 : resetAt
  return Math.min(until, now + longest)
}

function resetOf(headers: Record<string, string>): number | undefined {
  const reset = headers['x-ratelimit-reset'] ?? ''
  return /^\d{1,12}$/.test(reset) ? Number(reset) * 1000 : undefined
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function afterOf(after: string, now: number): number | undefined {
  if (/^\d{1,9}$/.test(after)) return now + Number(after) * 1000
  const date = Date.parse(after)
  return Number.isNaN(date) ? undefined : date
}
