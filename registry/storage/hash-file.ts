import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Algorithm, Digest } from '../oci/reference.ts'

/** The hash of a file's content, not yet finished. Throws as reading does. */
export async function hashFile(path: string, algorithm: Algorithm): Promise<Hash> {
  const hash = createHash(algorithm)
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), async source => {
    for await (const chunk of source) hash.update(chunk)
  })
  return hash
}

/** Whether a file is what its digest says; one that cannot be read is not. */
export async function isWhole(path: string, digest: Digest): Promise<boolean> {
  const hash = await hashFile(path, digest.algorithm).catch(() => undefined)
  return hash?.digest('hex') === digest.hex
}
