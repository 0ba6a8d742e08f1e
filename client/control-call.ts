import type { Failure } from '../contract/failure.ts'
import { type ClientHello, helloHeader, helloText, openToAll, readHello } from '../contract/hello.ts'
import { fail, type Result } from '../contract/result.ts'
import { reasonOf } from '../lib/error-code.ts'
import { isObject, parseJson } from '../lib/json.ts'
import { isNobodyThere, postToSocket } from '../lib/socket-request.ts'
import { silentCore } from './silent-core.ts'

export interface ControlAddress {
  socketPath: string
  /** Named in failures, so that a person knows which core was meant. */
  home: string
  /** The core is taken for hanging after this long without a byte from it. */
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
  // A restart may wait for pushes: the core says meanwhile that it is at work, so only silence counts.
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
      return fail(silentCore(home, limitMs))
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

/** Why no answer came. */
export function whyNot(address: ControlAddress, error: Error): Failure {
  if (isNobodyThere(error)) return { code: 'app-not-running', home: address.home }
  return { code: 'home-unusable', path: address.socketPath, reason: reasonOf(error) }
}

function readResult(text: string, name: string): Result<unknown> {
  const read = parseJson(text)
  if (read === undefined) return fail({ code: 'unexpected', where: `${name}: an answer that is not JSON` })
  return isResult(read) ? read : fail({ code: 'unexpected', where: `${name}: an answer of another shape` })
}

/** The peer is our own core behind a 0600 socket: the shape is checked, the failure's fields are taken as sent. */
function isResult(read: unknown): read is Result<unknown> {
  if (!isObject(read)) return false
  if (read['ok'] === true) return 'value' in read
  return read['ok'] === false && isObject(read['error']) && typeof read['error']['code'] === 'string'
}
