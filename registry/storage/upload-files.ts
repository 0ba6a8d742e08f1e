import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { syncFile } from '../../lib/sync-file.ts'
import type { Digest } from '../oci/reference.ts'
import { isWhole } from './digest-file.ts'
import { touch } from './durable.ts'
import { fileMode } from './layout.ts'

/**
 * Makes a checked upload the blob at `to`. A blob that is there already stays, as it may be shared with other
 * repositories; a damaged one is replaced. The folder is the caller's to sync.
 */
export async function placeUpload(from: string, to: string, digest: Digest, size: number): Promise<void> {
  const existing = await stat(to).catch(() => undefined)
  if (existing?.isFile() && existing.size === size && (await isWhole(to, digest))) {
    // Its writer may not have synced it (zot does not, by default).
    await syncFile(to, { dataOnly: true })
    await touch(to, existing.mtimeMs)
    return await rm(from)
  }
  const handle = await open(from, 'r+')
  try {
    const now = Date.now() / 1000
    await handle.utimes(now, now)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  await rename(from, to)
}

/** Removes the first `bytes` of a file, by way of a second one. `staging` is on the same file system. */
export async function dropHead(path: string, bytes: number, staging: string): Promise<void> {
  try {
    await pipeline(
      createReadStream(path, { start: bytes, highWaterMark: 1024 * 1024 }),
      createWriteStream(staging, { flags: 'wx', mode: fileMode }),
    )
    await rename(staging, path)
  } catch (error) {
    await rm(staging, { force: true })
    throw error
  }
}
