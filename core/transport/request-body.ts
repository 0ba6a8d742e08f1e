import type { IncomingMessage } from 'node:http'

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
  if (Number(request.headers['content-length'] ?? 0) > limit) return { kind: 'too-large' }
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of request) {
      const bytes: Buffer = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece))
      size += bytes.length
      if (size > limit) return { kind: 'too-large' }
      pieces.push(bytes)
    }
  } catch {
    return { kind: 'gone' }
  }
  const read = parse(Buffer.concat(pieces))
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
