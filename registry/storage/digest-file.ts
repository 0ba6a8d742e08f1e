import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { hashFileInto } from '../../lib/hash-file.ts'
import type { Algorithm, Digest } from '../oci/reference.ts'
import { errnoOf, isMissing } from './errno.ts'
import type { BlobHealth, CheckOptions } from './maintenance.ts'

/** The hash of a file's content, not yet finished. Throws as reading does. */
export async function hashFile(path: string, algorithm: Algorithm): Promise<Hash> {
  const hash = createHash(algorithm)
  await hashFileInto(hash, path)
  return hash
}

/** Whether a file is what its digest says; one that cannot be read is not. */
export async function isWhole(path: string, digest: Digest): Promise<boolean> {
  const hash = await hashFile(path, digest.algorithm).catch(() => undefined)
  return hash?.digest('hex') === digest.hex
}

/** Hashed at a time, bytes: about half a millisecond of the event loop. */
const chunkBytes = 256 * 1024

/** Reads a file and compares it with its digest, making way after every portion. */
export async function checkBlob(path: string, digest: Digest, options: CheckOptions): Promise<BlobHealth> {
  const { pause, signal, known } = options
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    const found = await handle.stat({ bigint: true })
    if (!found.isFile()) return { kind: 'missing' }
    const inode = `${found.dev}:${found.ino}`
    const verdict = (sound: boolean): BlobHealth => (sound ? { kind: 'sound' } : { kind: 'corrupt', inode })
    const before = known.get(inode)
    if (before !== undefined) return verdict(before)
    const hash = createHash(digest.algorithm)
    const buffer = Buffer.allocUnsafe(chunkBytes)
    for (;;) {
      if (signal.aborted) return { kind: 'aborted' }
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes, null)
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
      await pause()
    }
    const sound = hash.digest('hex') === digest.hex
    if (found.nlink > 1n) known.set(inode, sound)
    return verdict(sound)
  } catch (error) {
    if (isMissing(error)) return { kind: 'missing' }
    return { kind: 'unreadable', reason: errnoOf(error) ?? String(error) }
  } finally {
    await handle?.close().catch(() => {})
  }
}
