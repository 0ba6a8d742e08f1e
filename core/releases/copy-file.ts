import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { trySyncFolder } from '../../lib/sync-file.ts'
import { fileFailure, findLackOfSpace } from './fetch-file.ts'
import { digestOf } from './part-file.ts'
import type { Obtained, ObtainOptions } from './release.ts'

/** Copies a program of the user's own: copy-on-write where the volume can, not executable, synced, then renamed. */
export async function copyProgram(
  path: string,
  { to, signal, progress }: ObtainOptions,
  maxBytes: number,
): Promise<Result<Obtained>> {
  const file = join(to, 'zot')
  const part = `${file}.part`
  let bytes = 0
  try {
    // Looked at first: opening a pipe or a device could wait for ever.
    const stats = await stat(path)
    if (!stats.isFile())
      return fail({ code: 'file-unusable', path, reason: stats.isDirectory() ? folder : 'it is not a file' })
    if (stats.size > maxBytes) return fail({ code: 'too-large', path, limit: maxBytes })
    bytes = stats.size
    await (await open(path, 'r')).close()
  } catch (error) {
    return fail({ code: 'file-unusable', path, reason: reasonOf(error) })
  }
  try {
    await mkdir(to, { recursive: true, mode: 0o700 })
    const from = await realpath(path)
    if (from === (await realpath(file).catch(() => undefined)))
      return fail({ code: 'file-unusable', path, reason: 'it is the copy of an earlier try' })
    const lack = await findLackOfSpace(to, bytes)
    if (lack !== undefined) return fail(lack)
    progress?.(0, bytes)
    await rm(part, { force: true })
    await copyFile(from, part, constants.COPYFILE_FICLONE)
    await chmod(part, 0o600)
    if (signal.aborted) {
      await rm(part, { force: true })
      return fail({ code: 'cancelled' })
    }
    const handle = await open(part, 'r+')
    await handle.sync().finally(() => handle.close())
    const read = await digestOf(part)
    if (read === undefined) return fail({ code: 'file-unusable', path: part, reason: 'it was taken away' })
    await rename(part, file)
    await trySyncFolder(dirname(file))
    progress?.(read.bytes, read.bytes)
    return ok({ origin: 'file', file, ...read, from })
  } catch (error) {
    await rm(part, { force: true }).catch(() => {})
    return fail(await fileFailure(error, to, bytes))
  }
}

const folder = 'it is a folder'
