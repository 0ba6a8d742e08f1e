import type { Stats } from 'node:fs'
import { access, constants, lstat, stat } from 'node:fs/promises'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import type { SinkProof, SinkResult } from './sink.ts'
import { refused } from './sink-result.ts'

/** The file at a path, links not followed; undefined where there is none. Throws for any other error. */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Why a file that is there may hold no secret, in words: its mode is the user's, and is not changed for them. */
export function openModeRefusal(path: string, { mode }: Pick<Stats, 'mode'>): string | undefined {
  if ((mode & 0o007) === 0) return undefined
  return `every user has access to it (mode ${(mode & 0o777).toString(8)}); do this first: chmod o= ${path}`
}

/** Whether files can be put into `folder`. One that others may write to works, and is noted. */
export async function checkFolder(
  folder: string,
  unusable: (reason: string) => SinkResult,
): Promise<SinkResult> {
  try {
    const stats = await stat(folder)
    if (!stats.isDirectory()) return unusable('part of its path is not a folder')
    await access(folder, constants.W_OK | constants.X_OK)
    if ((stats.mode & 0o022) === 0) return { ok: true }
    return { ok: true, note: `Other users may write to ${folder}, and so put another file in its place.` }
  } catch (error) {
    const isAbsent = errorCode(error) === 'ENOENT'
    return unusable(isAbsent ? `its folder ${folder} does not exist` : reasonOf(error))
  }
}

/** The proof of a file that cannot be read. */
export const unreadableProof = (path: string, error: unknown): SinkProof => ({
  holds: 'unknown',
  error: refused('sink-unusable', `${path} cannot be read: ${reasonOf(error)}.`).error,
})
