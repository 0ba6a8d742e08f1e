import type { ProbeId, ProbeResult } from '../../contract/snapshot.ts'
import { errorCode } from '../../lib/error-code.ts'
import { registryRequest } from '../../lib/node-http.ts'

/** One repository and the digest of one manifest in it. */
export interface KnownManifest {
  name: string
  digest: string
}

export interface ProbeContext {
  /** Where the registry answers, without a trailing slash. */
  url: string
  /** Counted manifests, one of each repository; undefined before the first count. */
  repositories(): Iterable<KnownManifest> | undefined
  /** A digest that the repository has on disk now; undefined when it has none. */
  digestNow(name: string): Promise<string | undefined>
  /** Whether the repository holds copies from an upstream, which a probe must not wake. */
  isCached(repository: string): boolean
  /** Zotbar's own credential at the registry, for what is not public. */
  authorization?(): Promise<string | undefined>
  /** Why there was no credential, half a sentence; undefined where Zotbar has none. */
  whyNone?(): string | undefined
  /** Grows by one with each round; selects the repository to probe. */
  round: number
  /** Milliseconds of a clock that only goes forward. */
  monotonic(): number
}

export interface Probe {
  id: ProbeId
  /** Does not reject, whatever the registry does. */
  run(context: ProbeContext): Promise<ProbeResult>
}

/** "1 ms": rounded, and never nothing. */
export const formatMilliseconds = (ms: number): string => `${Math.max(1, Math.round(ms))}\u00a0ms`

/** What was not probed because the registry asks for a sign-in. */
export const signInMissing = ({ whyNone }: ProbeContext): string => whyNone?.() ?? 'needs a sign-in'

/** Status codes of a registry that works and asks for a sign-in. */
export const needsSignIn = (status: number): boolean => status === 401 || status === 403

export interface RequestOptions {
  method?: 'GET' | 'HEAD'
  accept?: string
  /** A longer body fails. */
  maxBytes?: number
  timeoutMs?: number
  /** Sent only where an anonymous request is refused. */
  authorization?: (() => Promise<string | undefined>) | undefined
}

export type ProbeResponse =
  | { kind: 'answered'; status: number; header(name: string): string | undefined; body: Buffer }
  /** Half a sentence, to stand after a colon. */
  | { kind: 'failed'; reason: string }

/** One request: anonymous first, and again with Zotbar's credential where that is refused. */
export async function request(
  base: string,
  path: string,
  options: RequestOptions = {},
): Promise<ProbeResponse> {
  const first = await requestOnce(base, path, options)
  if (first.kind === 'failed' || (first.status !== 401 && first.status !== 403)) return first
  const authorization = await options.authorization?.()
  return authorization === undefined ? first : requestOnce(base, path, options, authorization)
}

/** Uses a connection of its own, because an idle one would delay a registry that drains. */
function requestOnce(
  base: string,
  path: string,
  options: RequestOptions,
  authorization?: string,
): Promise<ProbeResponse> {
  const { method = 'GET', accept = '*/*', maxBytes = 1024 * 1024, timeoutMs: limitMs = 5000 } = options
  return new Promise(resolve => {
    const fail = (reason: string) => {
      resolve({ kind: 'failed', reason })
      outgoing.destroy()
    }
    const outgoing = registryRequest(`${base}${path}`, {
      method,
      agent: false,
      headers: {
        accept,
        'user-agent': 'zotbar-health',
        connection: 'close',
        ...(authorization === undefined ? {} : { authorization }),
      },
      signal: AbortSignal.timeout(limitMs),
    })
    outgoing.on('error', error => fail(failureReason(error, limitMs)))
    outgoing.on('response', response => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > maxBytes) return fail(`more than ${Math.round(maxBytes / 1024 / 1024)} MiB came back`)
        chunks.push(chunk)
      })
      response.on('error', error => fail(failureReason(error, limitMs)))
      response.on('end', () => {
        const header = (name: string) => {
          const value = response.headers[name]
          return typeof value === 'string' ? value : undefined
        }
        resolve({ kind: 'answered', status: response.statusCode ?? 0, header, body: Buffer.concat(chunks) })
      })
    })
    outgoing.end()
  })
}

export function failureReason(error: Error, limitMs: number): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return `no answer within ${Math.round(limitMs / 1000)} s`
  const code = errorCode(error)
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection is refused'
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was cut'
    case 'ETIMEDOUT':
      return `no answer within ${Math.round(limitMs / 1000)} s`
    case 'ERR_TLS_NOT_PINNED':
      return 'it shows another certificate than its own'
    default:
      return code?.startsWith('HPE_') ? 'the answer is not HTTP' : (code ?? error.message)
  }
}
