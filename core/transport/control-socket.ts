import { chmodSync, lstatSync, renameSync, rmSync, type Stats, statSync } from 'node:fs'
import type { Server } from 'node:http'
import { dirname, join } from 'node:path'
import { controlCall } from '../../client/control-call.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode } from '../../lib/error-code.ts'
import { isObject } from '../../lib/json.ts'
import { createServer } from '../../lib/node-http.ts'
import type { HttpApi } from './http-api.ts'

export interface ControlSocket {
  readonly path: string
  /** Stops listening, ends what is connected and removes the socket, if it still is ours. */
  close(): Promise<void>
}

/**
 * Answers the command line at `path`, whose folder must be ours alone (0700): HTTP over a unix socket of mode 0600,
 * whatever the umask. The socket is bound under another name in that folder, its mode set, and then renamed into
 * place: nobody meets one that is half ready, and what lies in its place is never followed.
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

  const folder = statSync(dirname(path), { throwIfNoEntry: false })
  if (!folder?.isDirectory()) return unusable('its folder is not there')
  if ((folder.mode & 0o077) !== 0 || folder.uid !== process.getuid?.())
    return unusable('its folder is open to other users')

  const there = statOf(path)
  if (there && !there.isSocket()) return unusable('something that is not a socket is in its place')
  if (there) {
    const asked = await controlCall({ socketPath: path, home, limitMs }, 'app.snapshot', {})
    if (asked.ok) return fail({ code: 'already-running', pid: pidOf(asked.value), home })
    if (asked.error.code !== 'app-not-running') return fail(asked.error)
  }

  const server = createServer((request, response) => {
    api.handle(request, response, 'cli').catch(() => response.destroy())
  })
  server.keepAliveTimeout = 1_000
  server.requestTimeout = 30_000
  const draft = join(dirname(path), `.s${process.pid}`)
  rmSync(draft, { force: true })
  const failed = await listen(server, draft)
  if (failed) return unusable(failed)
  chmodSync(draft, 0o600)
  const mine = lstatSync(draft).ino
  renameSync(draft, path)

  return ok({
    path,
    async close() {
      if (statOf(path)?.ino === mine) rmSync(path, { force: true })
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      api.close()
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 500).unref()
      await closed
    },
  })
}

function listen(server: Server, path: string): Promise<string | undefined> {
  return new Promise(resolve => {
    server.once('error', error =>
      resolve(errorCode(error) === 'EINVAL' ? 'its path is too long' : error.message),
    )
    server.listen(path, () => resolve(undefined))
  })
}

const statOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false })

function pidOf(snapshot: unknown): number {
  const app = isObject(snapshot) ? snapshot['app'] : undefined
  return isObject(app) && typeof app['pid'] === 'number' ? app['pid'] : 0
}
