import { type FileHandle, open } from 'node:fs/promises'
import { StringDecoder } from 'node:string_decoder'

/** New lines of a log, oldest first. `dropped`: about how many lines before them were skipped. */
export interface LogBatch {
  lines: string[]
  dropped: number
}

export interface LogLimits {
  /** A log of this size is rotated; `retained` is how many rotated ones stay. */
  maxBytes: number
  retained: number
  /** Longest line, in characters. */
  lineChars: number
  /** At most so many lines and bytes are followed in `intervalMs`. */
  batchLines: number
  batchBytes: number
  intervalMs: number
}

export const standardLogLimits: LogLimits = {
  maxBytes: 10 * 1024 * 1024,
  retained: 4,
  lineChars: 16_384,
  batchLines: 2000,
  batchBytes: 2 * 1024 * 1024,
  intervalMs: 250,
}

/** Splits bytes into lines, across the borders of chunks and of UTF-8 sequences. Lines have no end-of-line. */
export interface LineSplitter {
  push(chunk: Uint8Array): string[]
  /** Drops an unfinished line, and if `skipping` everything up to the next end-of-line. */
  reset(skipping: boolean): void
}

/** `limit`: longest line in characters; a longer one is truncated and marked with an ellipsis. */
export function createLineSplitter(limit: number): LineSplitter {
  let decoder = new StringDecoder('utf8')
  let unfinished = ''
  let isSkipping = false

  function finish(piece: string): string[] {
    const line = truncateLine(unfinished + piece, limit)
    unfinished = ''
    if (!isSkipping) return [line]
    isSkipping = false
    return []
  }
  return {
    push(chunk) {
      const pieces = decoder.write(chunk).split('\n')
      const last = pieces.pop() ?? ''
      const lines = pieces.flatMap(finish)
      // One character beyond the limit stays, so that `truncateLine` sees that the line was longer.
      if (unfinished.length <= limit) unfinished = (unfinished + last).slice(0, limit + 1)
      return lines
    },
    reset(skipping) {
      decoder = new StringDecoder('utf8')
      unfinished = ''
      isSkipping = skipping
    },
  }
}

function truncateLine(line: string, limit: number): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.length <= limit ? text : `${text.slice(0, limit)}…`
}

/** How far a log was read. */
export interface LogCursor {
  position: number
  splitter: LineSplitter
}

/** Reads what was appended to logs, and publishes it in batches. */
export interface LogReader {
  /** Reads on from the cursor, or from the start of a file that was truncated. Answers whether anything was appended. */
  readAppended(handle: FileHandle, cursor: LogCursor): Promise<boolean>
  /** Publishes that so many bytes were never read. */
  publishSkipped(bytes: number): void
}

export function createLogReader(limits: LogLimits, onBatch: (batch: LogBatch) => void): LogReader {
  /** Average length of the lines read last: skipped bytes are counted as lines by it. */
  let lineBytes = 100

  function publish(lines: string[], bytes: number, skippedBytes: number) {
    if (lines.length > 0) lineBytes = bytes / lines.length
    const published = lines.slice(-limits.batchLines)
    const skipped = skippedBytes === 0 ? 0 : Math.max(1, Math.round(skippedBytes / lineBytes))
    const dropped = lines.length - published.length + skipped
    if (published.length > 0 || dropped > 0) onBatch({ lines: published, dropped })
  }
  return {
    async readAppended(handle, cursor) {
      const { splitter } = cursor
      const { size } = await handle.stat()
      if (size < cursor.position) {
        cursor.position = 0
        splitter.reset(false)
      }
      if (size === cursor.position) return false
      const skippedBytes = Math.max(0, size - cursor.position - limits.batchBytes)
      if (skippedBytes > 0) splitter.reset(true)
      cursor.position += skippedBytes
      const buffer = Buffer.allocUnsafe(size - cursor.position)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, cursor.position)
      cursor.position += bytesRead
      publish(splitter.push(buffer.subarray(0, bytesRead)), bytesRead, skippedBytes)
      return true
    },
    publishSkipped: bytes => publish([], 0, bytes),
  }
}

/** The first read of a file's end; each further one is four times as long. */
const firstReadBytes = 64 * 1024

interface LastLinesOptions {
  /** Lines before this byte do not count. */
  from?: number
  maxBytes?: number
  lineChars?: number
}

/** The last `count` lines of a file, oldest first, out of its last `maxBytes`. A missing file has no lines. */
export async function lastLinesOf(
  file: string,
  count: number,
  options: LastLinesOptions = {},
): Promise<string[]> {
  const handle = await open(file, 'r').catch(() => undefined)
  if (handle === undefined) return []
  try {
    return await lastLinesIn(handle, count, options)
  } finally {
    await handle.close()
  }
}

/** The same of an open file. */
export async function lastLinesIn(
  handle: FileHandle,
  count: number,
  { from = 0, maxBytes = 4 * 1024 * 1024, lineChars = 16_384 }: LastLinesOptions = {},
): Promise<string[]> {
  const { size } = await handle.stat()
  const floor = Math.max(from <= size ? from : 0, size - maxBytes)
  for (let bytes = firstReadBytes; ; bytes *= 4) {
    const start = Math.max(floor, size - bytes)
    const lines = splitLines(await readRange(handle, start, size), start > 0 && start !== from)
    if (lines.length >= count || start === floor)
      return lines.slice(-count).map(line => truncateLine(line, lineChars))
  }
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<string> {
  const buffer = Buffer.alloc(Math.max(0, end - start))
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, start)
  return buffer.toString('utf8', 0, bytesRead)
}

/** `isTorn`: the text may begin in the middle of a line, which is left out. */
function splitLines(text: string, isTorn: boolean): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return isTorn ? lines.slice(1) : lines
}
