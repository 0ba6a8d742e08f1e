import { chmodSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Server } from 'node:http'
import { dirname, join } from 'node:path'

/** Why no socket can be put at a path: no folder, one open to other users, or something else that lies there. */
export type BadSocketPath = 'no-folder' | 'open-folder' | 'not-a-socket'

export interface PrivateSocket {
  /** Takes the socket away, unless another process has put its own there. */
  remove(): void
}

/** What is wrong with a path for a socket; undefined where one may be put, or replaced. */
export function badSocketPath(path: string): BadSocketPath | undefined {
  const folder = statSync(dirname(path), { throwIfNoEntry: false })
  if (!folder?.isDirectory()) return 'no-folder'
  if ((folder.mode & 0o077) !== 0 || folder.uid !== process.getuid?.()) return 'open-folder'
  const there = lstatSync(path, { throwIfNoEntry: false })
  return there && !there.isSocket() ? 'not-a-socket' : undefined
}

/**
 * Listens at `path`, for which `badSocketPath` found nothing: a unix socket of mode 0600, whatever the umask. It is
 * bound under another name in that folder (`prefix` and the pid), its mode set, and then renamed into place: nobody
 * meets one that is half ready, and what lies in its place is never followed. Throws what the system says.
 */
export async function listenPrivately(server: Server, path: string, prefix: string): Promise<PrivateSocket> {
  // Short, because the whole path has to fit in 100 bytes or so.
  const draft = join(dirname(path), `${prefix}${process.pid}`)
  rmSync(draft, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject)
    server.listen(draft, resolve)
  })
  chmodSync(draft, 0o600)
  const { ino } = lstatSync(draft)
  renameSync(draft, path)
  return {
    remove() {
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true })
    },
  }
}
