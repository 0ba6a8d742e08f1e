import type { IncomingMessage } from 'node:http'
import { errorTable, type Failure } from '../oci/error-table.ts'
import { awaitsContinue } from './expectation.ts'
import type { RequestContext } from './request-context.ts'

/** Names and values in turn, as `writeHead` takes them fastest. */
export type RawHeaders = readonly string[]

const version = ['Docker-Distribution-API-Version', 'registry/2.0'] as const

/** How long the rest of a refused body is read and thrown away, ms: clients that send everything before they read. */
const discardForMs = 30_000
/** The same for a client that was never told to send it: it closes the connection, or has begun unasked. */
const lingerMs = 2000

/** The one place that writes answers with a body in memory, or none. */
export function send(
  context: RequestContext,
  status: number,
  headers: RawHeaders,
  body?: Buffer | string,
): undefined {
  const { req, res } = context
  context.status = status
  context.bodySize = body === undefined ? 0 : Buffer.byteLength(body)
  // A second answer would be a bug; a connection that is gone is not.
  if (res.headersSent || res.destroyed) return
  // Node takes a mutable array and does not change it.
  res.writeHead(status, headers as string[])
  if (bodyIsComing(req)) answerEarly(context, body)
  else res.end(body)
  return undefined
}

/** `headers` without length and version. 204 has no length. */
export function sendEmpty(context: RequestContext, status: number, headers: RawHeaders = []): undefined {
  return send(
    context,
    status,
    status === 204 ? [...headers, ...version] : [...headers, 'Content-Length', '0', ...version],
  )
}

export function sendJson(
  context: RequestContext,
  status: number,
  value: unknown,
  headers: RawHeaders = [],
): undefined {
  const body = Buffer.from(JSON.stringify(value))
  return sendBytes(context, status, 'application/json', body, headers)
}

export function sendBytes(
  context: RequestContext,
  status: number,
  type: string,
  body: Buffer,
  headers: RawHeaders = [],
): undefined {
  const length = String(body.length)
  return send(context, status, ['Content-Type', type, 'Content-Length', length, ...headers, ...version], body)
}

/**
 * Answers with a failure in the form of the specification, status and message from the table. The message has
 * what is wrong with the request, too: skopeo, podman and docker show no detail.
 */
export function sendFailure(context: RequestContext, failure: Failure, headers: RawHeaders = []): undefined {
  const row = errorTable[failure.name]
  context.failure = failure
  const reason = failure.detail?.['reason']
  const message = typeof reason === 'string' && row.status < 500 ? `${row.message}: ${reason}` : row.message
  const error = { code: row.code, message, detail: failure.detail ?? {} }
  const retry = row.status === 503 ? ['Retry-After', '5'] : []
  return sendJson(context, row.status, { errors: [error] }, [...headers, ...retry])
}

/** A request without a body is not `complete` either when its headers have just been read. */
const bodyIsComing = (req: IncomingMessage): boolean =>
  !req.complete &&
  (req.headers['transfer-encoding'] !== undefined || (req.headers['content-length'] ?? '0') !== '0')

/**
 * Answers a request whose body is still coming. Ending the answer would end the connection under a client
 * that sends everything before it reads, and with it the answer; so the rest is read and thrown away first.
 */
function answerEarly({ req, res }: RequestContext, body: Buffer | string | undefined): void {
  const waitMs = awaitsContinue(req) ? lingerMs : discardForMs
  if (body === undefined) res.flushHeaders()
  else res.write(body)
  const timer = setTimeout(() => req.destroy(), waitMs).unref()
  const finish = (): void => {
    clearTimeout(timer)
    req.off('end', finish).off('close', finish)
    res.end()
  }
  req
    .on('end', finish)
    .on('close', finish)
    .on('error', () => {})
  req.resume()
}
