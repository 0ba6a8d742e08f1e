import type { BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { digestOf } from './part-file.ts'

/** At the moment of the swap: whether the file still has these bytes. Errors: file-changed, file-unusable. */
export async function verifyUnchanged(file: string, sha256: string): Promise<Result<null>> {
  try {
    const digest = await digestOf(file)
    if (digest === undefined)
      return fail({ code: 'file-unusable', path: file, reason: 'it is not there any more' })
    return digest.sha256 === sha256
      ? ok(null)
      : fail({ code: 'file-changed', path: file, expected: sha256, found: digest.sha256 })
  } catch (error) {
    return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
  }
}
export type VerifyUnchanged = typeof verifyUnchanged

/** In ms: a file changed so soon before it is read may keep its time, as file systems count in ticks of up to 10 ms. */
const clockTickMs = 200

/**
 * Like `verify`, but does not read again a file that was found right and has not changed since: it has the same
 * inode, size and times. The time of a change (ctime) cannot be set by whoever changes it.
 */
export function verifyOnChange(verify: VerifyUnchanged, now: () => number = Date.now): VerifyUnchanged {
  let known: { file: string; sha256: string; identity: string } | undefined
  return async (file, sha256) => {
    const before = await identityOf(file)
    if (
      before !== undefined &&
      known?.file === file &&
      known.sha256 === sha256 &&
      known.identity === before.text
    )
      return { ok: true, value: null }
    const from = now()
    const verified = await verify(file, sha256)
    const after = await identityOf(file)
    const settled =
      before !== undefined && before.text === after?.text && before.changedMs < from - clockTickMs
    known = verified.ok && settled ? { file, sha256, identity: before.text } : undefined
    return verified
  }
}

async function identityOf(file: string): Promise<{ text: string; changedMs: number } | undefined> {
  const stats: BigIntStats | undefined = await stat(file, { bigint: true }).catch(() => undefined)
  if (stats === undefined) return undefined
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = stats
  return { text: [dev, ino, size, mtimeNs, ctimeNs].join(' '), changedMs: Number(ctimeMs) }
}
