import { type FileHandle, open } from 'node:fs/promises'
import { truncateLine } from './log-lines.ts'

const firstGuess = 64 * 1024

interface LastLines {
  /** What comes before this byte does not count. */
  from?: number
  maxBytes?: number
  lineChars?: number
}

/**
 * The last `count` lines of a file, oldest first; of what comes after byte `from`, at most its last `maxBytes`.
 * A file that is not there has no lines.
 */
export async function lastLinesOf(file: string, count: number, options: LastLines = {}): Promise<string[]> {
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
  { from = 0, maxBytes = 4 * 1024 * 1024, lineChars = 16_384 }: LastLines = {},
): Promise<string[]> {
  const { size } = await handle.stat()
  const floor = Math.max(from <= size ? from : 0, size - maxBytes)
  for (let guess = firstGuess; ; guess *= 4) {
    const start = Math.max(floor, size - guess)
    const lines = cut(await read(handle, start, size), start > 0 && start !== from)
    if (lines.length >= count || start === floor)
      return lines.slice(-count).map(line => truncateLine(line, lineChars))
  }
}

async function read(handle: FileHandle, start: number, end: number): Promise<string> {
  const buffer = Buffer.alloc(Math.max(0, end - start))
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, start)
  return buffer.toString('utf8', 0, bytesRead)
}

/** `torn`: the text may begin in the middle of a line, which is left out. */
function cut(text: string, torn: boolean): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return torn ? lines.slice(1) : lines
}
