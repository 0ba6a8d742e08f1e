import { type FileHandle, mkdir, open, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../../lib/sync-file.ts'
import { errnoOf, isMissing } from './errno.ts'
import { fileMode, folderMode } from './layout.ts'

/** Whether there is such a file. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** Creates a folder and those above it, below `root`, which is never created: where it is gone, this throws. */
export async function makeFolderBelow(root: string, folder: string): Promise<void> {
  if (folder.length <= root.length) return
  for (const isLast of [false, false, false, true]) {
    try {
      return void (await mkdir(folder, { mode: folderMode }))
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'EEXIST') return
      // Made more than once: the folder above may go as an empty one just then.
      if (errno !== 'ENOENT' || isLast || dirname(folder).length <= root.length) throw error
      await makeFolderBelow(root, dirname(folder))
    }
  }
}

/** Creates a folder and those above it, and makes each of them durable, from `root` (which exists) down. */
export async function makeFolder(root: string, folder: string): Promise<void> {
  await makeFolderBelow(root, folder)
  for (let at = folder; at.length > root.length; at = dirname(at)) await syncFolder(dirname(at))
}

/** A file that was touched so lately is not touched again, ms. */
const freshMs = 1000

/** Sets the time of a file to now: garbage collection spares what was written lately. */
export async function touch(path: string, mtimeMs = 0): Promise<void> {
  const now = Date.now()
  if (Math.abs(now - mtimeMs) < freshMs) return
  // A file of another owner cannot be touched, and one that is gone needs no touch.
  await utimes(path, now / 1000, now / 1000).catch(() => {})
}

/**
 * Writes a file so that its name shows either the old content or the whole new one, whatever happens
 * in between, and the new one for good once this returns. `staging` must be on the same file system.
 */
export async function writeDurably(path: string, bytes: string | Uint8Array, staging: string): Promise<void> {
  try {
    const handle = await openStaging(staging)
    try {
      await handle.writeFile(bytes)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await rename(staging, path)
  } catch (error) {
    await rm(staging, { force: true }).catch(() => {})
    throw error
  }
  await syncFolder(dirname(path))
}

async function openStaging(staging: string): Promise<FileHandle> {
  try {
    return await open(staging, 'wx', fileMode)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    // Only this one: the folder above it is there, or nothing may be written.
    await makeFolderBelow(dirname(dirname(staging)), dirname(staging))
    return await open(staging, 'wx', fileMode)
  }
}
