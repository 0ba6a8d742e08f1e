import { type FileHandle, open, rename, rm, truncate } from 'node:fs/promises'

const chunk = 1024 * 1024

/** `registry.log` -> `registry.log.1`; .1 is the newest. */
export const rotatedName = (file: string, number: number): string => `${file}.${number}`

/**
 * Rotates by copy and truncate: the writer keeps its descriptor (it appends, so it goes on at 0), and it never has to
 * be told. Of a file that outgrew the limit in a flood only the last `maxBytes` are copied. Answers the size cut off.
 * What is written between the last read and the truncation is lost: a few lines, in a flood.
 */
export async function rotate(
  file: string,
  { maxBytes, retained }: { maxBytes: number; retained: number },
): Promise<number> {
  const copy = `${file}.copy`
  const source = await open(file, 'r')
  try {
    const end = await copyTail(source, copy, maxBytes)
    await rm(rotatedName(file, retained), { force: true })
    for (let number = retained - 1; number >= 1; number--)
      await rename(rotatedName(file, number), rotatedName(file, number + 1)).catch(() => {})
    if (retained > 0) await rename(copy, rotatedName(file, 1))
    else await rm(copy)
    await truncate(file, 0)
    return end
  } finally {
    await source.close()
  }
}

/** Copies the last `bytes`, and what arrives meanwhile up to as much again. Answers where it ended. */
async function copyTail(source: FileHandle, to: string, bytes: number): Promise<number> {
  const { size } = await source.stat()
  let position = Math.max(0, size - bytes)
  const limit = size + bytes
  const buffer = Buffer.allocUnsafe(chunk)
  const target = await open(to, 'w', 0o600)
  try {
    while (position < limit) {
      const { bytesRead } = await source.read(buffer, 0, Math.min(chunk, limit - position), position)
      if (bytesRead === 0) break
      await target.write(buffer, 0, bytesRead)
      position += bytesRead
    }
  } finally {
    await target.close()
  }
  return position
}
