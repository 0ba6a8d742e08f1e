import { errorCode } from '../../lib/error-code.ts'
import { parseJson } from '../../lib/json.ts'
import { request } from '../../lib/node-http.ts'

export type AdminAnswer =
  | { kind: 'answered'; status: number; body: unknown }
  /** Nobody listens there, as with an engine that has no administration. */
  | { kind: 'absent' }
  /** There is one, and it gave no answer: what was asked may be done or not. A sentence without its full stop. */
  | { kind: 'failed'; reason: string }

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
        const failed = (error: Error): void => resolve(whyNot(error, limitMs))
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
              if (size > maxBytes) call.destroy(new Error('it sends without end'))
              else pieces.push(piece)
            })
            response.on('error', failed)
            response.on('end', () =>
              resolve({
                kind: 'answered',
                status: response.statusCode ?? 0,
                body: parseJson(Buffer.concat(pieces)),
              }),
            )
          },
        )
        call.on('error', failed)
        call.end(text)
      })
    },
  }
}

function whyNot(error: Error, limitMs: number): AdminAnswer {
  const code = errorCode(error)
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return { kind: 'absent' }
  const isSilent = error.name === 'TimeoutError' || error.name === 'AbortError'
  return {
    kind: 'failed',
    reason: isSilent
      ? `Its administration said nothing for ${Math.round(limitMs / 1000)} s`
      : `The connection to its administration broke (${code ?? error.message})`,
  }
}
