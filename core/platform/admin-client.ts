import { parseJson } from '../../lib/json.ts'
import { request } from '../../lib/node-http.ts'

/** `absent`: nobody listens there, as with an engine that has no administration. */
export type AdminAnswer = { kind: 'answered'; status: number; body: unknown } | { kind: 'absent' }

/** Asks the registry's administration socket; see registry/admin/admin-server.ts for what it answers. */
export interface AdminClient {
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<AdminAnswer>
}

const maxBytes = 64 * 1024 * 1024

export function adminClient(socketPath: string, limitMs = 10_000): AdminClient {
  return {
    ask(method, path, body) {
      const text = body === undefined ? undefined : JSON.stringify(body)
      return new Promise(resolve => {
        const absent = (): void => resolve({ kind: 'absent' })
        const call = request(
          {
            socketPath,
            method,
            path,
            agent: false,
            signal: AbortSignal.timeout(limitMs),
            headers:
              text === undefined
                ? {}
                : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
          },
          response => {
            const pieces: Buffer[] = []
            let size = 0
            response.on('data', (piece: Buffer) => {
              size += piece.length
              if (size > maxBytes) call.destroy()
              else pieces.push(piece)
            })
            response.on('error', absent)
            response.on('end', () =>
              resolve({
                kind: 'answered',
                status: response.statusCode ?? 0,
                body: parseJson(Buffer.concat(pieces)),
              }),
            )
          },
        )
        call.on('error', absent)
        call.end(text)
      })
    },
  }
}
