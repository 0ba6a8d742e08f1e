import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Failure } from '../../contract/failure.ts'
import { fail, type Result } from '../../contract/result.ts'
import { readBody } from '../../lib/node-http.ts'

export type BodyRead =
  | { kind: 'json'; value: unknown }
  | { kind: 'not-json'; reason: string }
  | { kind: 'too-large' }
  | { kind: 'wrong-type'; type: string }
  | { kind: 'gone' }

export const bodyLimit = 64 * 1024

/** Reads a request's body as JSON, at most 64 KB of it and only as `application/json`; an empty one is `{}`. */
export async function readJson(request: IncomingMessage, limit = bodyLimit): Promise<BodyRead> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  // A page of another site can send a form or plain text without asking first, JSON it cannot.
  if (type !== 'application/json') return { kind: 'wrong-type', type: type.slice(0, 100) }
  if (request.headers['content-encoding'] !== undefined) return { kind: 'wrong-type', type: 'encoded' }
  const body = await readBody(request, limit)
  if (body.kind === 'too-large') return body
  if (body.kind === 'broken') return { kind: 'gone' }
  const read = parse(body.bytes)
  return read.ok ? { kind: 'json', value: read.value } : { kind: 'not-json', reason: read.reason }
}

function parse(bytes: Buffer): { ok: true; value: unknown } | { ok: false; reason: string } {
  if (bytes.length === 0) return { ok: true, value: {} }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { ok: true, value: JSON.parse(text) }
  } catch (error) {
    return {
      ok: false,
      reason: error instanceof SyntaxError ? 'text that is not JSON' : 'text that is not UTF-8',
    }
  }
}

/** Ends a response with a Result as JSON; never cached. */
export function answer(
  response: ServerResponse,
  status: number,
  result: Result<unknown>,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return
  const text = JSON.stringify(result)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(text)
}

/** Ends a response that refuses the body: the rest of it is not read, so the connection cannot be kept. */
export function refuseBody(response: ServerResponse, status: 413 | 415, error: Failure): void {
  answer(response, status, fail(error), { connection: 'close' })
}
