import { lstatSync } from 'node:fs'
import type { Failure } from '../../contract/failure.ts'
import { type Hello, helloHeader, helloText } from '../../contract/hello.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import { createServer } from '../../lib/node-http.ts'
import { type BadSocketPath, badSocketPath, listenPrivately } from '../../lib/private-socket.ts'
import { isNobodyThere, postToSocket } from '../../lib/socket-request.ts'
import { answer } from '../platform/json-http.ts'
import { admit } from './admit.ts'
import type { HttpApi } from './http-api.ts'

export interface ControlSocket {
  readonly path: string
  /** Stops listening, ends what is connected and removes the socket, if it still is ours. */
  close(): Promise<void>
}

/**
 * Answers command lines and apps at `path`, whose folder must be ours alone (0700): HTTP over a unix socket of mode 0600,
 * whatever the umask.
 *
 * What lies there already: a socket that nobody answers (its core died) is replaced; one that is answered is a second
 * core, `already-running` with its pid; anything else, a symbolic link above all, is left alone: `home-unusable`.
 * Two starts at once are kept apart by the app lock, taken before this.
 */
export async function openControlSocket(options: {
  path: string
  home: string
  api: HttpApi
  /** What this core says of itself with every response. */
  hello: Hello
  /** How long a core that holds the socket may take to send its pid. */
  limitMs?: number
}): Promise<Result<ControlSocket>> {
  const { path, home, api, hello, limitMs = 3_000 } = options
  const unusable = (reason: string): Result<never> => fail({ code: 'home-unusable', path, reason })

  const bad = badSocketPath(path)
  if (bad !== undefined) return unusable(reasons[bad])
  if (lstatSync(path, { throwIfNoEntry: false })) {
    const holder = await holderOf(path, home, limitMs)
    if (holder !== undefined) return fail(holder)
  }

  const ownHello = helloText(hello)
  const server = createServer((request, response) => {
    response.setHeader(helloHeader, ownHello)
    const admitted = admit(request, hello)
    if (admitted.kind === 'hello') return answer(response, 200, ok(hello))
    if (admitted.kind === 'refused')
      return answer(response, 200, fail(admitted.error), { connection: 'close' })
    api.handle(request, response, admitted.caller, admitted.peer).catch(() => response.destroy())
  })
  server.keepAliveTimeout = 1_000
  server.requestTimeout = 30_000
  const socket = await listenPrivately(server, path, '.s').catch((error: Error) => error)
  if (socket instanceof Error)
    return unusable(errorCode(socket) === 'EINVAL' ? 'its path is too long' : socket.message)

  return ok({
    path,
    async close() {
      socket.remove()
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      api.close()
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 500).unref()
      await closed
    },
  })
}

const reasons: Record<BadSocketPath, string> = {
  'no-folder': 'its folder is not there',
  'open-folder': 'its folder is open to other users',
  'not-a-socket': 'something that is not a socket is in its place',
}

/** Who answers at the socket, as a failure; undefined when nobody does. */
async function holderOf(socketPath: string, home: string, limitMs: number): Promise<Failure | undefined> {
  const read = await postToSocket({ socketPath, path: '/api/app.snapshot', input: {}, limitMs })
  switch (read.kind) {
    case 'answered':
      return holderIn(parseJson(read.text), home)
    case 'silent':
      return { code: 'app-not-answering', home, limitMs }
    case 'failed':
      return isNobodyThere(read.error)
        ? undefined
        : { code: 'home-unusable', path: socketPath, reason: reasonOf(read.error) }
  }
}

/** The peer is our own core behind a 0600 socket: a failure's fields are taken as sent. */
const isFailure = (value: unknown): value is Failure => isObject(value) && typeof value['code'] === 'string'

function holderIn(result: unknown, home: string): Failure {
  if (isObject(result) && isFailure(result['error'])) return result['error']
  if (!isObject(result) || result['ok'] !== true)
    return { code: 'unexpected', where: 'app.snapshot: an answer of another shape' }
  const app = isObject(result['value']) ? result['value']['app'] : undefined
  const pid = isObject(app) && typeof app['pid'] === 'number' ? app['pid'] : 0
  return { code: 'already-running', pid, home }
}
