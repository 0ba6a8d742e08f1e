import { open, rename, unlink } from 'node:fs/promises'
import type { Failure } from '../contract/failure.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import { reasonOf } from '../lib/error-code.ts'

/**
 * Makes the file `to` (0600) out of what `fill` writes into a file beside it: synced, then renamed. Nothing is left
 * when `fill` answers a failure.
 */
export async function stageFile(
  to: string,
  fill: (staged: string) => Promise<Failure | undefined>,
): Promise<Result<null>> {
  const staged = `${to}.part`
  try {
    await (await open(staged, 'w', 0o600)).close()
    const failure = await fill(staged)
    if (failure) {
      await unlink(staged).catch(() => {})
      return fail(failure)
    }
    const file = await open(staged, 'r+')
    try {
      await file.chmod(0o600)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(staged, to)
    return ok(null)
  } catch (error) {
    await unlink(staged).catch(() => {})
    return fail({ code: 'file-unusable', path: to, reason: reasonOf(error) })
  }
}

/** Why a file of `size` bytes is not taken, or undefined. */
export function tooLarge(size: number, maxBytes: number): string | undefined {
  return size > maxBytes ? `it has ${size} bytes, and at most ${maxBytes} are taken` : undefined
}
