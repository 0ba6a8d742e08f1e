import { createHash, type Hash } from 'node:crypto'
import { open } from 'node:fs/promises'

const [smallestBuffer, largestBuffer] = [64 * 1024, 1024 * 1024]

/**
 * Feeds a file into a hash; answers its size in bytes. Read into the same two buffers in turn: a stream would leave the
 * whole file as garbage, which an app that idles afterwards holds for long, and so would two large buffers for a small one. Throws as the file system does, and when
 * cancelled.
 */
export async function hashFileInto(hash: Hash, file: string, signal?: AbortSignal): Promise<number> {
  const handle = await open(file, 'r')
  try {
    const bytes = (await handle.stat()).size / 16
    const bufferBytes = Math.ceil(Math.min(Math.max(bytes, smallestBuffer), largestBuffer))
    let [filling, full] = [Buffer.allocUnsafeSlow(bufferBytes), Buffer.allocUnsafeSlow(bufferBytes)]
    let size = 0
    let { bytesRead } = await handle.read(filling)
    while (bytesRead > 0) {
      signal?.throwIfAborted()
      ;[filling, full] = [full, filling]
      const next = handle.read(filling)
      // Awaited right below; not if the hash throws.
      next.catch(() => {})
      hash.update(full.subarray(0, bytesRead))
      size += bytesRead
      ;({ bytesRead } = await next)
    }
    return size
  } finally {
    await handle.close()
  }
}

/** SHA-256 of a file, 64 hex digits. Throws as the file system does, and when cancelled. */
export async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await hashFileInto(hash, file, signal)
  return hash.digest('hex')
}
