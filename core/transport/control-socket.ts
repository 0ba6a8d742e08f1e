import { lstatSync } from 'node:fs'
import { controlCall } from '../../client/control-call.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode } from '../../lib/error-code.ts'
import { isObject } from '../../lib/json.ts'
import { createServer } from '../../lib/node-http.ts'
import { type BadSocketPath, badSocketPath, listenPrivately } from '../../lib/private-socket.ts'
import type { HttpApi } from './http-api.ts'

export interface ControlSocket {
  readonly path: string
  /** Stops listening, ends what is connected and removes the socket, if it still is ours. */
  close(): Promise<void>
}

/**
 * Answers the command line at `path`, whose folder must be ours alone (0700): HTTP over a unix socket of mode 0600,
 * whatever the umask.
 *
 * What lies there already: a socket that nobody answers (its app died) is replaced; one that is answered is a second
 * app, `already-running` with its pid; anything else, a symbolic link above all, is left alone: `home-unusable`.
 * Two starts at once are kept apart by the app lock, taken before this.
 */
export async function openControlSocket(options: {
  path: string
  home: string
  api: HttpApi
  /** How long an app that holds the socket may take to tell its pid. */
  limitMs?: number
}): Promise<Result<ControlSocket>> {
  const { path, home, api, limitMs = 3_000 } = options
  const unusable = (reason: string): Result<never> => fail({ code: 'home-unusable', path, reason })

  const bad = badSocketPath(path)
  if (bad !== undefined) return unusable(reasons[bad])
  if (lstatSync(path, { throwIfNoEntry: false })) {
    const asked = await controlCall({ socketPath: path, home, limitMs }, 'app.snapshot', {})
    if (asked.ok) return fail({ code: 'already-running', pid: pidOf(asked.value), home })
    if (asked.error.code !== 'app-not-running') return fail(asked.error)
  }

  const server = createServer((request, response) => {
    api.handle(request, response, 'cli').catch(() => response.destroy())
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

function pidOf(snapshot: unknown): number {
  const app = isObject(snapshot) ? snapshot['app'] : undefined
  return isObject(app) && typeof app['pid'] === 'number' ? app['pid'] : 0
}
