import type { IncomingMessage } from 'node:http'

export type ForgejoResponse =
  | { kind: 'answer'; status: number; body: string; location?: string }
  /** `reason`: half a sentence. */
  | { kind: 'none'; reason: string }
  | { kind: 'too-slow' }
  | { kind: 'cancelled' }

export interface ForgejoRequest {
  method: 'GET' | 'PUT'
  url: string
  token: string
  body?: unknown
  signal: AbortSignal
  limitMs: number
}

const maxBytes = 256 * 1024

/** One request, its certificate checked, no redirect followed: what is sent is for this server alone. */
export function requestForgejo({
  method,
  url,
  token,
  body,
  signal,
  limitMs,
}: ForgejoRequest): Promise<ForgejoResponse> {
  const data = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  return new Promise(done => {
    const secure = url.startsWith('https:')
    const ends = AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
    const failed = (error: unknown): void => {
      if (signal.aborted) done({ kind: 'cancelled' })
      else if (ends.aborted) done({ kind: 'too-slow' })
      else done({ kind: 'none', reason: reasonOf(error) })
    }
    const options = {
      method,
      agent: false as const,
      signal: ends,
      headers: {
        accept: 'application/json',
        authorization: `token ${token}`,
        ...(data && { 'content-type': 'application/json', 'content-length': data.length }),
      },
    }
    const answered = (message: IncomingMessage): void => {
      const chunks: Buffer[] = []
      let size = 0
      message.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= maxBytes) chunks.push(chunk)
        else message.destroy(new Error('it sends without end'))
      })
      message.on('error', failed)
      message.on('end', () => {
        const { location } = message.headers
        const text = Buffer.concat(chunks).toString('utf8')
        const status = message.statusCode ?? 0
        done({ kind: 'answer', status, body: text, ...(location !== undefined && { location }) })
      })
    }
    try {
      const { request } = secure
        ? process.getBuiltinModule('node:https')
        : process.getBuiltinModule('node:http')
      const outgoing = request(url, options, answered)
      outgoing.on('error', failed)
      outgoing.end(data)
    } catch (error) {
      failed(error)
    }
  })
}

/** What a connection that failed means. https://nodejs.org/api/errors.html */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known'
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection broke'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no way to it'
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'its certificate is not trusted here; NODE_EXTRA_CA_CERTS names more authorities'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'its certificate is for another name'
    case 'EPROTO':
      return 'it does not speak TLS there'
    default:
      // A parser's message may quote what was received, and a header's what was sent.
      return code === '' ? 'it does not speak HTTP' : code
  }
}
