import type { IncomingHttpHeaders } from 'node:http'
import { errorCode } from './error-code.ts'
import { request } from './node-http.ts'

export type SocketAnswer =
  | { kind: 'answered'; text: string; headers: IncomingHttpHeaders }
  /** Nothing came for `limitMs`. */
  | { kind: 'silent' }
  | { kind: 'failed'; error: Error }

/** Posts JSON to an HTTP server at a unix socket. `limitMs` counts silence, not the whole answer. Never rejects. */
export function postToSocket(options: {
  socketPath: string
  path: string
  input: unknown
  limitMs: number
  headers?: Record<string, string>
}): Promise<SocketAnswer> {
  const { socketPath, path, limitMs } = options
  const body = JSON.stringify(options.input)
  return new Promise(resolve => {
    const failed = (error: Error): void => resolve({ kind: 'failed', error })
    const call = request(
      {
        socketPath,
        method: 'POST',
        path,
        agent: false,
        timeout: limitMs,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...options.headers,
        },
      },
      response => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', failed)
        response.on('end', () =>
          resolve({
            kind: 'answered',
            text: Buffer.concat(pieces).toString('utf8'),
            headers: response.headers,
          }),
        )
      },
    )
    call.on('timeout', () => {
      resolve({ kind: 'silent' })
      call.destroy()
    })
    call.on('error', failed)
    call.end(body)
  })
}

/** Whether an error of a connection says that nobody listens, or that the process ended while it was asked. */
export const isNobodyThere = (error: Error): boolean =>
  ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTDIR'].includes(errorCode(error) ?? error.message)
