import type { IncomingMessage, ServerResponse } from 'node:http'

export interface Reply {
  status: number
  body: object
}

const mostBody = 256 * 1024

export const refuse = (status: number, error: string): Reply => ({ status, body: { error } })

export async function readBody(request: IncomingMessage): Promise<string | 'too-large'> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request) {
    const bytes: Buffer = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece))
    size += bytes.length
    if (size > mostBody) return 'too-large'
    pieces.push(bytes)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** `last`: the connection ends with this answer, as a body that nobody reads may still be coming. */
export function send(response: ServerResponse, { status, body }: Reply, last = status === 413): void {
  if (response.headersSent || response.destroyed) return
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(last ? { connection: 'close' } : {}),
  })
  response.end(text)
}
