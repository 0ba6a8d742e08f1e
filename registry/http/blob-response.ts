import { randomBytes } from 'node:crypto'
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

/** What an answer consists of: some text, then a part of the blob. */
interface Piece {
  readonly before: string
  readonly range: ByteRange
}

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
  await sendPieces(context, status, headers, blob, [{ before: '', range }], '')
}

/**
 * Several parts of a blob in one answer of their own type; `headers` without type and length.
 * https://www.rfc-editor.org/rfc/rfc9110#section-14.6
 */
export async function sendParts(
  context: RequestContext,
  headers: RawHeaders,
  blob: BlobReader,
  ranges: readonly ByteRange[],
): Promise<void> {
  // No blob contains what is drawn after it was made.
  const boundary = randomBytes(18).toString('hex')
  const pieces = ranges.map((range, at) => {
    const lines = [
      `${at === 0 ? '' : '\r\n'}--${boundary}`,
      'Content-Type: application/octet-stream',
      `Content-Range: bytes ${range.start}-${range.end}/${blob.size}`,
    ]
    return { before: `${lines.join('\r\n')}\r\n\r\n`, range }
  })
  const type = ['Content-Type', `multipart/byteranges; boundary=${boundary}`]
  await sendPieces(context, 206, [...type, ...headers], blob, pieces, `\r\n--${boundary}--\r\n`)
}

/** Adds the length to the headers. */
async function sendPieces(
  context: RequestContext,
  status: number,
  headers: RawHeaders,
  blob: BlobReader,
  pieces: readonly Piece[],
  after: string,
): Promise<void> {
  const { res } = context
  const bytes = pieces.reduce((sum, { range }) => sum + lengthOf(range), 0)
  const length = pieces.reduce((sum, { before }) => sum + before.length, bytes + after.length)
  context.status = status
  context.bodySize = length
  if (res.destroyed) return
  res.writeHead(status, ['Content-Length', String(length), ...headers])
  if (length === 0) return void res.end()
  const size = sizeOfChunks()
  const buffers = bytes > size ? [takeBuffer(size), takeBuffer(size)] : [Buffer.allocUnsafe(bytes)]
  downloads++
  let sending: Promise<boolean> | undefined
  let turn = 0
  try {
    for (const { before, range } of pieces) {
      if (before !== '') res.write(before, 'latin1')
      let position = range.start
      while (position <= range.end) {
        const buffer = buffers[turn++ % buffers.length]
        if (buffer === undefined) return
        // Of one buffer the bytes before may still be on their way.
        if (buffers.length === 1 && sending && !(await sending)) return
        const wanted = buffer.subarray(0, Math.min(buffer.length, range.end - position + 1))
        const count = await blob.read(wanted, position)
        if (count === 0) return void res.destroy()
        position += count
        if (sending && !(await sending)) return
        sending = write(res, count === wanted.length ? wanted : wanted.subarray(0, count))
      }
    }
    if (sending && (await sending)) res.end(after, 'latin1')
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

const lengthOf = ({ start, end }: ByteRange): number => end - start + 1

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
