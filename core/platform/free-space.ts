import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '../../lib/error-code.ts'

export interface FreeSpace {
  /** Bytes that this user may still write: without what the system keeps for root. */
  freeBytes: number
  volumeBytes: number
}

/**
 * Space on the volume of `path`; where nothing is there yet, of the nearest folder above it.
 * Undefined when the volume does not tell. Throws what statfs throws, other than "not there".
 */
export async function freeSpace(path: string): Promise<FreeSpace | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return blocks === 0 ? undefined : { freeBytes: bavail * bsize, volumeBytes: blocks * bsize }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    return freeSpace(dirname(path))
  }
}
