import type { IncomingMessage } from 'node:http'
import type { Failure } from '../contract/failure.ts'
import { fail, type Result } from '../contract/result.ts'
import { errorCode, reasonOf } from '../lib/error-code.ts'
import { isObject, parseJson } from '../lib/json.ts'
import { request } from '../lib/node-http.ts'

export interface ControlAddress {
  socketPath: string
  /** Named in failures, so that a person knows which app was meant. */
  home: string
  /** The app is taken for hanging after this long without a byte from it. */
  limitMs: number
}

/** One command over the control socket. Every way of not getting an answer comes back as a failure. */
export function controlCall(address: ControlAddress, name: string, input: unknown): Promise<Result<unknown>> {
  const { socketPath, limitMs } = address
  const body = JSON.stringify(input)
  return new Promise(resolve => {
    const call = request(
      {
        socketPath,
        method: 'POST',
        path: `/api/${name}`,
        agent: false,
        // Counts silence, not the whole call: a restart may wait for pushes and says meanwhile that it is at work.
        timeout: limitMs,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      response => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', error => resolve(fail(whyNot(address, error))))
        response.on('end', () => resolve(readResult(Buffer.concat(pieces).toString('utf8'), name)))
      },
    )
    call.on('timeout', () => {
      resolve(fail({ code: 'app-not-answering', home: address.home, limitMs }))
      call.destroy()
    })
    call.on('error', error => resolve(fail(whyNot(address, error))))
    call.end(body)
  })
}

/** Opens the event stream; resolves with its response, or with why there is none. */
export function controlEvents(
  address: ControlAddress,
  withLog: boolean,
): Promise<{ ok: true; value: IncomingMessage } | { ok: false; error: Failure }> {
  return new Promise(resolve => {
    const call = request(
      {
        socketPath: address.socketPath,
        path: `/api/events${withLog ? '?with=log' : ''}`,
        agent: false,
        timeout: address.limitMs,
      },
      response => {
        if (response.statusCode === 200) return resolve({ ok: true, value: response })
        response.resume()
        resolve(fail({ code: 'unexpected', where: `events: HTTP ${response.statusCode}` }))
      },
    )
    call.on('timeout', () => {
      resolve(fail({ code: 'app-not-answering', home: address.home, limitMs: address.limitMs }))
      call.destroy()
    })
    call.on('error', error => resolve(fail(whyNot(address, error))))
    call.end()
  })
}

function whyNot(address: ControlAddress, error: Error): Failure {
  const code = errorCode(error) ?? error.message
  // ECONNRESET and EPIPE: the app ended while it was being asked.
  if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTDIR'].includes(code))
    return { code: 'app-not-running', home: address.home }
  return { code: 'home-unusable', path: address.socketPath, reason: reasonOf(error) }
}

function readResult(text: string, name: string): Result<unknown> {
  const read = parseJson(text)
  if (read === undefined) return fail({ code: 'unexpected', where: `${name}: an answer that is not JSON` })
  return isResult(read) ? read : fail({ code: 'unexpected', where: `${name}: an answer of another shape` })
}

/** The peer is our own app behind a 0600 socket: the shape is checked, the failure's fields are taken as sent. */
function isResult(read: unknown): read is Result<unknown> {
  if (!isObject(read)) return false
  if (read['ok'] === true) return 'value' in read
  return read['ok'] === false && isObject(read['error']) && typeof read['error']['code'] === 'string'
}
