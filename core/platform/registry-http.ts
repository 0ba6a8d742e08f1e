import type { IncomingMessage } from 'node:http'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode } from '../../lib/error-code.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import { Agent, registryRequest } from '../../lib/node-http.ts'

export interface RegistryAnswer {
  status: number
  header(name: string): string | undefined
  body: Buffer
  /** Who asked, as far as the registry knows. */
  user?: string
}

export interface RegistryRequest {
  method?: 'GET' | 'HEAD' | 'DELETE' | 'POST' | 'PUT'
  accept?: string
  /** Sent as JSON. */
  body?: unknown
  /** Sent as it is, instead of `body`. */
  text?: { type: string; content: string }
  /** Asked as this one instead of the app's own user, and never without. */
  as?: { user: string; password: string }
  /** Asked as the one who signed in by browser, with its cookies ("name=value; …"), instead of a credential. */
  session?: string
  /** More than this is not read. */
  maxBytes?: number
  /** Only with the app's credential, never without. */
  onlyKnown?: boolean
  /** The user agent, where the request is to be known by it in the registry's log. */
  agent?: string
  /** Without any credential. */
  anonymous?: boolean
}

/** The app's own requests to the registry that it runs. */
export interface RegistryHttp {
  ask(path: string, options?: RegistryRequest): Promise<Result<RegistryAnswer>>
  /** Lets go of the connections. */
  close(): void
}

export interface RegistryHttpOptions {
  /** Where it answers, without a trailing slash; undefined while it does not serve. */
  url(): string | undefined
  credential(): Promise<{ user: string; password: string } | undefined>
  limitMs?: number
}

const usual = 4 * 1024 * 1024

/**
 * Asks as the app's own user where it has one, and without a credential where that is refused and reading may be
 * open to everybody. Few connections, kept for moments only: a registry that drains is not held up.
 */
export function registryHttp({ url, credential, limitMs = 20_000 }: RegistryHttpOptions): RegistryHttp {
  const agent = new Agent({ keepAlive: true, maxSockets: 8, timeout: 2_000 })

  async function ask(path: string, options: RegistryRequest = {}): Promise<Result<RegistryAnswer>> {
    const base = url()
    if (base === undefined) return fail({ code: 'registry-not-serving' })
    if (options.as || options.session !== undefined || options.anonymous)
      return once(base, path, options, options.as)
    const known = await credential()
    if (!known && options.onlyKnown) return fail({ code: 'registry-denied', what: 'ask', status: 401 })
    const first = await once(base, path, options, known)
    const reads = options.method === undefined || options.method === 'GET' || options.method === 'HEAD'
    if (!known || !first.ok || first.value.status !== 401 || !reads || options.onlyKnown) return first
    return once(base, path, options, undefined)
  }

  function once(
    base: string,
    path: string,
    {
      method = 'GET',
      accept = '*/*',
      body,
      text: raw,
      session,
      maxBytes = usual,
      agent: userAgent = 'zotbar',
    }: RegistryRequest,
    as: { user: string; password: string } | undefined,
  ): Promise<Result<RegistryAnswer>> {
    const text = raw?.content ?? (body === undefined ? undefined : JSON.stringify(body))
    return new Promise(resolve => {
      const failed = (reason: string): void => {
        resolve(fail({ code: 'registry-unreachable', reason }))
        outgoing.destroy()
      }
      const outgoing = registryRequest(`${base}${path}`, {
        method,
        agent,
        signal: AbortSignal.timeout(limitMs),
        headers: {
          accept,
          'user-agent': userAgent,
          ...(as
            ? { authorization: `Basic ${Buffer.from(`${as.user}:${as.password}`).toString('base64')}` }
            : {}),
          // Without this header the cookie of a session counts for nothing.
          ...(session === undefined ? {} : { cookie: session, 'x-zot-api-client': 'zot-ui' }),
          ...(text === undefined
            ? {}
            : {
                'content-type': raw?.type ?? 'application/json',
                'content-length': Buffer.byteLength(text),
              }),
        },
      })
      outgoing.on('error', error => failed(whyNot(error, limitMs)))
      outgoing.on('response', (response: IncomingMessage) => {
        const chunks: Buffer[] = []
        let length = 0
        response.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > maxBytes) return failed('More came back than was asked for')
          chunks.push(chunk)
        })
        response.on('error', error => failed(whyNot(error, limitMs)))
        response.on('end', () =>
          resolve(
            ok({
              status: response.statusCode ?? 0,
              header(name) {
                const value = response.headers[name]
                return typeof value === 'string' ? value : undefined
              },
              body: Buffer.concat(chunks),
              ...(as ? { user: as.user } : {}),
            }),
          ),
        )
      })
      outgoing.end(text)
    })
  }

  return { ask, close: () => agent.destroy() }
}

function whyNot(error: Error, limitMs: number): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return `It said nothing for ${Math.round(limitMs / 1000)} s`
  return errorCode(error) === 'ECONNREFUSED'
    ? 'The connection is refused'
    : `The connection broke (${errorCode(error) ?? error.message})`
}

/** The same registry, asked under this user agent; undefined: as usual. */
export const registryWithAgent = (registry: RegistryHttp, agent: string | undefined): RegistryHttp =>
  agent === undefined
    ? registry
    : { ...registry, ask: (path, options) => registry.ask(path, { ...options, agent }) }

/** What a refusal means: `what` completes "does not let Zotbar ..." and "did not ...". */
export function refusal(answer: RegistryAnswer, action: string): Failure {
  const { status, user } = answer
  if (status === 401 || status === 403)
    return { code: 'registry-denied', what: action, status, ...(user === undefined ? {} : { user }) }
  return { code: 'registry-refused', what: action, status, reason: reasonIn(answer.body) }
}

/** The message of an OCI error body, without a closing full stop; empty where there is none. */
function reasonIn(body: Buffer): string {
  const read = parseJson(body)
  if (!isObject(read) || !Array.isArray(read['errors'])) return ''
  const first: unknown = read['errors'][0]
  const message = isObject(first) ? first['message'] : undefined
  return typeof message === 'string' ? message.slice(0, 300).replace(/\.$/, '') : ''
}
