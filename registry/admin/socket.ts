import { chmodSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Server } from 'node:http'
import { dirname, join } from 'node:path'

/**
 * Listens at `path`: a unix socket (0600) in a folder that must be this user's alone (0700). It is bound under
 * another name, its mode set, and then renamed into place, so nobody meets one that is half ready. A socket that lies
 * there is one of a process that died: the data folder's lock lets only one serve. Anything else is left alone.
 * Answers what went wrong, or undefined.
 */
export async function listenAtSocket(server: Server, path: string): Promise<string | undefined> {
  try {
    return await listenPrivately(server, path)
  } catch (error) {
    server.close()
    return error instanceof Error ? error.message : String(error)
  }
}

async function listenPrivately(server: Server, path: string): Promise<string | undefined> {
  const folder = statSync(dirname(path), { throwIfNoEntry: false })
  if (!folder?.isDirectory()) return `${dirname(path)} is not there`
  if ((folder.mode & 0o077) !== 0 || folder.uid !== process.getuid?.())
    return `${dirname(path)} is open to other users`
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there && !there.isSocket()) return `something that is not a socket is at ${path}`
  // Short, because the whole path has to fit in 100 bytes or so.
  const draft = join(dirname(path), `.a${process.pid}`)
  rmSync(draft, { force: true })
  const failed = await new Promise<string | undefined>(resolve => {
    server.on('error', error => resolve(error.message))
    server.listen(draft, () => resolve(undefined))
  })
  if (failed !== undefined) return failed
  chmodSync(draft, 0o600)
  renameSync(draft, path)
  return undefined
}

/** Takes the socket away, unless another process has put its own there. */
export function removeSocket(path: string, inode: number | undefined): void {
  if (inode !== undefined && inodeOf(path) === inode) rmSync(path, { force: true })
}

export const inodeOf = (path: string): number | undefined => lstatSync(path, { throwIfNoEntry: false })?.ino
