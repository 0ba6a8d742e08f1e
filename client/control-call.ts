import type { IncomingMessage } from 'node:http'
import type { Failure } from '../contract/failure.ts'
import { type ClientHello, helloHeader, helloText, openToAll, readHello } from '../contract/hello.ts'
import { fail, type Result } from '../contract/result.ts'
import { reasonOf } from '../lib/error-code.ts'
import { isObject, parseJson } from '../lib/json.ts'
import { request } from '../lib/node-http.ts'
import { isNobodyThere, postToSocket } from '../lib/socket-request.ts'

export interface ControlAddress {
  socketPath: string
  /** Named in failures, so that a person knows which app was meant. */
  home: string
  /** The app is taken for hanging after this long without a byte from it. */
  limitMs: number
  /** What this client says of itself with every request. */
  hello: ClientHello
}

/**
 * One command over the control socket. Every way of not getting an answer comes back as a failure; `core-older` where
 * what answers says no hello. `headers` are sent beside the client's hello.
 */
export async function controlCall(
  address: ControlAddress,
  name: string,
  input: unknown,
  headers: Record<string, string> = {},
): Promise<Result<unknown>> {
  const { socketPath, home, limitMs } = address
  // A restart may wait for pushes: the app says meanwhile that it is at work, so only silence counts.
  const answer = await postToSocket({
    socketPath,
    path: `/api/${name}`,
    input,
    limitMs,
    headers: { ...headers, [helloHeader]: helloText(address.hello) },
  })
  switch (answer.kind) {
    case 'answered':
      if ((name === 'hello' || !openToAll.has(name)) && !readHello(answer.headers[helloHeader]))
        return fail(await coreOlder(address))
      return readResult(answer.text, name)
    case 'silent':
      return fail({ code: 'app-not-answering', home, limitMs })
    case 'failed':
      return fail(whyNot(address, answer.error))
  }
}

/**
 * Asks who answers at the socket. An older core would carry out whatever it is asked, so this comes before the first
 * command that is not open to all. Fails as a command does, above all with `core-older`.
 */
export async function greet(address: ControlAddress): Promise<Result<unknown>> {
  return controlCall(address, 'hello', {})
}

async function coreOlder(address: ControlAddress): Promise<Failure> {
  const snapshot = await controlCall(address, 'app.snapshot', {})
  const app = snapshot.ok && isObject(snapshot.value) ? snapshot.value['app'] : undefined
  const pid = isObject(app) && typeof app['pid'] === 'number' ? { pid: app['pid'] } : {}
  return { code: 'core-older', ...pid, home: address.home }
}

/** Opens the event stream; resolves with its response, or with why there is none. */
export function controlEvents(
  address: ControlAddress,
  query: Record<string, string>,
): Promise<{ ok: true; value: IncomingMessage } | { ok: false; error: Failure }> {
  return new Promise(resolve => {
    const call = request(
      {
        socketPath: address.socketPath,
        path: `/api/events?${new URLSearchParams(query)}`,
        headers: { [helloHeader]: helloText(address.hello) },
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
  if (isNobodyThere(error)) return { code: 'app-not-running', home: address.home }
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

/**
 * Reads server-sent events from text that arrives in pieces of any size. Returns what takes the next piece.
 * Comments are skipped; several `data` lines are joined
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
 */
export function eventReader(onEvent: (event: string, data: string) => void): (piece: string) => void {
  let rest = ''
  let event = ''
  let data: string[] = []
  const line = (text: string): void => {
    if (text === '') {
      if (data.length > 0) onEvent(event === '' ? 'message' : event, data.join('\n'))
      event = ''
      data = []
      return
    }
    const colon = text.indexOf(':')
    const field = colon === -1 ? text : text.slice(0, colon)
    const value = colon === -1 ? '' : text.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return piece => {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) line(text.endsWith('\r') ? text.slice(0, -1) : text)
  }
}
