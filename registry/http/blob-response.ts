import type { ServerResponse } from 'node:http'
import type { ByteRange } from '../oci/range.ts'
import type { BlobReader } from '../storage/storage.ts'
import type { RequestContext } from './request-context.ts'
import type { RawHeaders } from './responder.ts'

/** Large enough that the cost per call no longer counts. */
const chunkSize = 1024 * 1024
/** The more downloads at once, the more memory counts: each has two buffers. */
const smallChunkSize = 128 * 1024
const fewDownloads = 8
const smallestChunkSize = 16 * 1024
const manyDownloads = 256
let downloads = 0
/** Buffers kept for the next download. */
const bufferPool: Buffer[] = []
const maxPooled = 8

/**
 * Streams a part of a blob, reading one chunk ahead while the one before is being sent. Ends when all is
 * handed to the system or the client is gone; a file that ends early breaks the connection.
 */
export async function sendBlob(
  context: RequestContext,
  status: number,
  headers: RawHeaders,
  blob: BlobReader,
  range: ByteRange,
): Promise<void> {
  const { res } = context
  const length = range.end - range.start + 1
  context.status = status
  context.bodySize = length
  if (res.destroyed) return
  res.writeHead(status, headers as string[])
  if (length <= 0) return void res.end()
  const size = sizeOfChunks()
  const buffers = length > size ? [takeBuffer(size), takeBuffer(size)] : [Buffer.allocUnsafe(length)]
  downloads++
  let sending: Promise<boolean> | undefined
  try {
    let position = range.start
    for (let turn = 0; position <= range.end; turn++) {
      const buffer = buffers[turn % buffers.length]
      if (buffer === undefined) return
      // After a short read the only buffer there is may still be on its way.
      if (buffers.length === 1 && sending && !(await sending)) return
      const wanted = buffer.subarray(0, Math.min(buffer.length, range.end - position + 1))
      const count = await blob.read(wanted, position)
      if (count === 0) return void res.destroy()
      position += count
      if (sending && !(await sending)) return
      sending = write(res, count === wanted.length ? wanted : wanted.subarray(0, count))
    }
    if (sending && (await sending)) res.end()
  } catch (error) {
    // Too late for a status: cutting the connection is how the client learns that bytes are missing.
    res.destroy()
    throw error
  } finally {
    downloads--
    // A buffer that may still be on its way must not be filled again.
    if (res.writableEnded) returnToPool(buffers)
  }
}

function sizeOfChunks(): number {
  if (downloads < fewDownloads) return chunkSize
  return downloads < manyDownloads ? smallChunkSize : smallestChunkSize
}

function returnToPool(buffers: readonly Buffer[]): void {
  for (const buffer of buffers)
    if (buffer.length === chunkSize && bufferPool.length < maxPooled) bufferPool.push(buffer)
}

const takeBuffer = (size: number): Buffer =>
  (size === chunkSize ? bufferPool.pop() : undefined) ?? Buffer.allocUnsafeSlow(size)

/** Whether the bytes are out. False: the client is gone. */
function write(res: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise(resolve => {
    const gone = (): void => resolve(false)
    res.once('close', gone)
    res.write(bytes, error => {
      res.off('close', gone)
      resolve(!error)
    })
  })
}
