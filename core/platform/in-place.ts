import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

interface InPlace {
  /**
   * What may stand behind the text for a moment, where it is shorter than the one before: a kill before the file is cut
   * to its new length then leaves a text that still means the same. '' for a text that may have nothing behind it.
   */
  filler: '\n' | ''
}

/**
 * Writes `text` into a file that is there and is the user's: its mode, owner, hard links and place stay. First whole
 * beside it, which shows that there is room, then into the file. `place` is a real path, no link. What a failed write
 * began is put back. Throws as the file system does.
 */
export async function writeInPlace(path: string, text: string, { filler }: InPlace): Promise<void> {
  const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW)
  const staged = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeFile(staged, text, { mode: 0o600, flag: 'wx', flush: true })
    const before = await file.readFile()
    const after = Buffer.from(text)
    try {
      await writeAll(file, filler === '' ? after : filled(after, before.length))
      await file.truncate(after.length)
      await file.sync()
    } catch (error) {
      await writeAll(file, before).catch(() => {})
      await file.truncate(before.length).catch(() => {})
      throw error
    }
  } finally {
    await unlink(staged).catch(() => {})
    await file.close()
  }
}

/** Whether `now` is what a `writeInPlace` (filler '\n') from one text to the other leaves when it is cut short. */
export function isCutShort(now: string, from: string, to: string): boolean {
  const [current, before] = [Buffer.from(now), Buffer.from(from)]
  const after = filled(Buffer.from(to), before.length)
  let same = 0
  while (same < current.length && current[same] === after[same]) same += 1
  return current.subarray(same).equals(before.subarray(same))
}

const filled = (text: Buffer, length: number): Buffer =>
  Buffer.concat([text, Buffer.alloc(Math.max(0, length - text.length), '\n')])

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let done = 0
  while (done < bytes.length) done += (await file.write(bytes, done, bytes.length - done, done)).bytesWritten
}
