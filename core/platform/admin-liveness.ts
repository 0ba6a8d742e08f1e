import * as v from 'valibot'
import { errorCode } from '../../lib/error-code.ts'
import { parseJson } from '../../lib/json.ts'
import { request } from '../../lib/node-http.ts'

/**
 * What the administration socket says of a process. `alive`: it answered, or closed the connection, which only a
 * process that runs its event loop does; `protocol` is 0 for a registry from before the protocol had a number.
 * `silent`: it took the question, or did not even do that, and said nothing in time. `refused`: nobody listens there,
 * as with zot, which has no such socket.
 */
export type Liveness = { kind: 'alive'; protocol: number } | { kind: 'silent' } | { kind: 'refused' }

const hello = v.object({ protocol: v.pipe(v.number(), v.integer(), v.minValue(0)) })
/** More than that is not the answer that was asked for. */
const maxBytes = 64 * 1024
const nobodyListensCodes = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENAMETOOLONG', 'EINVAL', 'EACCES'])

/** Asks once for a sign of life (`GET /`), and waits `limitMs` at most. Never rejects. */
export function askLiveness(socketPath: string, limitMs: number): Promise<Liveness> {
  return new Promise(resolve => {
    const signal = AbortSignal.timeout(limitMs)
    const alive = (protocol: number): void => resolve({ kind: 'alive', protocol })
    const call = request({ socketPath, path: '/', agent: false, signal }, response => {
      const pieces: Buffer[] = []
      let size = 0
      // The head of an answer is a sign of life, whatever becomes of its body.
      response.on('error', () => alive(0))
      response.on('data', (piece: Buffer) => {
        size += piece.length
        pieces.push(piece)
        if (size <= maxBytes) return
        alive(0)
        call.destroy()
      })
      response.on('end', () => {
        const answer = v.safeParse(hello, parseJson(Buffer.concat(pieces)))
        alive(response.statusCode === 200 && answer.success ? answer.output.protocol : 0)
      })
    })
    call.on('error', error => {
      const code = errorCode(error)
      // EAGAIN: the queue of connections that nobody accepts is full.
      if (signal.aborted || code === 'EAGAIN') return resolve({ kind: 'silent' })
      if (code !== undefined && nobodyListensCodes.has(code)) return resolve({ kind: 'refused' })
      alive(0)
    })
    call.end()
  })
}
