import { randomBytes } from 'node:crypto'
import { chmod, link, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from './error-code.ts'
import { trySyncFolder } from './sync-file.ts'

/** Replaces `file` whole and durably: stage, fsync, rename, fsync of the folder. Throws as the file system does. */
export async function writeAtomic(file: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const staged = await stage(file, data, mode)
  try {
    await rename(staged, file)
  } catch (error) {
    await unlink(staged).catch(() => {})
    throw error
  }
  await trySyncFolder(dirname(file))
}

/** Puts `file` in place whole and durably unless something is there already; answers whether it did. */
export async function createAtomic(file: string, data: string | Uint8Array, mode = 0o600): Promise<boolean> {
  const staged = await stage(file, data, mode)
  try {
    // link(2), unlike rename(2), never replaces what somebody else put there in the meantime.
    await link(staged, file)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await unlink(staged).catch(() => {})
  }
  await trySyncFolder(dirname(file))
  return true
}

async function stage(file: string, data: string | Uint8Array, mode: number): Promise<string> {
  const staged = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  const handle = await open(staged, 'wx', mode)
  try {
    await handle.writeFile(data)
    // The mode given to open is cut by the umask.
    await chmod(staged, mode)
    await handle.sync()
  } catch (error) {
    await unlink(staged).catch(() => {})
    throw error
  } finally {
    await handle.close()
  }
  return staged
}
