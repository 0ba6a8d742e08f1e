import type { ServerResponse } from 'node:http'

export interface Reply {
  status: number
  body: object
}

export const bodyLimit = 256 * 1024

export const refuse = (status: number, error: string): Reply => ({ status, body: { error } })

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
