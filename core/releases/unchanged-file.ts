import type { BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { digestOf } from './part-file.ts'

/** At the moment of the swap: whether the file still has these bytes. Errors: file-changed, file-unusable. */
export async function verifyUnchanged(file: string, sha256: string): Promise<Result<null>> {
  try {
    const found = await digestOf(file)
    if (found === undefined)
      return fail({ code: 'file-unusable', path: file, reason: 'it is not there any more' })
    return found.sha256 === sha256
      ? ok(null)
      : fail({ code: 'file-changed', path: file, expected: sha256, found: found.sha256 })
  } catch (error) {
    return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
  }
}
export type VerifyUnchanged = typeof verifyUnchanged

/** A change this soon before a look may have the look's own time, in ms: file systems count in ticks of up to 10 ms. */
const clockTickMs = 200

/**
 * `verify`, which need not read a file again that it has found to be right and that nobody has touched since: the same
 * inode, size and times. The time of a change (ctime) cannot be set by whoever changes it.
 */
export function verifyOnChange(verify: VerifyUnchanged, now: () => number = Date.now): VerifyUnchanged {
  let known: { file: string; sha256: string; seen: string } | undefined
  return async (file, sha256) => {
    const before = await identity(file)
    if (before !== undefined && known?.file === file && known.sha256 === sha256 && known.seen === before.is)
      return { ok: true, value: null }
    const from = now()
    const verified = await verify(file, sha256)
    const after = await identity(file)
    const settled = before !== undefined && before.is === after?.is && before.changedMs < from - clockTickMs
    known = verified.ok && settled ? { file, sha256, seen: before.is } : undefined
    return verified
  }
}

async function identity(file: string): Promise<{ is: string; changedMs: number } | undefined> {
  const found: BigIntStats | undefined = await stat(file, { bigint: true }).catch(() => undefined)
  if (found === undefined) return undefined
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = found
  return { is: [dev, ino, size, mtimeNs, ctimeNs].join(' '), changedMs: Number(ctimeMs) }
}
