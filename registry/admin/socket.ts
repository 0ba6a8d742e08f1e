import type { Server } from 'node:http'
import { dirname } from 'node:path'
import { badSocketPath, listenPrivately, type PrivateSocket } from '../../lib/private-socket.ts'

export type SocketStart = { ok: true; socket: PrivateSocket } | { ok: false; message: string }

/**
 * Listens at `path`: a unix socket (0600) in a folder that must be this user's alone (0700). A socket that lies there
 * is one of a process that died: the data folder's lock lets only one serve. Anything else is left alone.
 */
export async function listenAtSocket(server: Server, path: string): Promise<SocketStart> {
  try {
    switch (badSocketPath(path)) {
      case 'no-folder':
        throw new Error(`${dirname(path)} is not there`)
      case 'open-folder':
        throw new Error(`${dirname(path)} is open to other users`)
      case 'not-a-socket':
        throw new Error(`something that is not a socket is at ${path}`)
      case undefined:
        return { ok: true, socket: await listenPrivately(server, path, '.a') }
    }
  } catch (error) {
    server.close()
    return { ok: false, message: error instanceof Error ? error.message : String(error) }
  }
}
