import { chown, lstat, readFile, realpath, stat } from 'node:fs/promises'
import { fail, ok, type Result } from '../../preload/contract/result.ts'
import { createAtomic, writeAtomic } from '../platform/atomic-file.ts'
import { errorCode } from '../platform/error-code.ts'
import type { ConfigEdit } from './config-edit.ts'

/** What happened to the file; `keptAs`: where the text from before is. */
export interface AppliedEdit {
  changed: boolean
  keptAs?: string
}

type Texts = Pick<ConfigEdit, 'file' | 'before' | 'after'>

/**
 * Brings the file from `before` to `after`, keeping the old text beside it as `FILE.before-VERSION`. To be called while
 * the registry is stopped: zot follows only writes in place, and this is a rename, so that the file is never half there.
 * Idempotent. Errors: config-edited-meanwhile when the file is neither of the two texts, file-unusable.
 */
export async function applyEdit(edit: Texts, version: string): Promise<Result<AppliedEdit>> {
  return guarded<AppliedEdit>(edit.file, async place => {
    const now = await readFile(place, 'utf8')
    if (now !== edit.before && now !== edit.after)
      return fail({ code: 'config-edited-meanwhile', file: edit.file })
    const keptAs = await keepBeside(edit.file, place, edit.before, version)
    if (now === edit.after) return ok({ changed: false, keptAs })
    await replace(place, edit.after)
    return ok({ changed: true, keptAs })
  })
}

/** Brings the file back from `after` to `before`. Idempotent; the same errors. The copy beside it stays. */
export async function takeBack(edit: Texts): Promise<Result<AppliedEdit>> {
  return guarded<AppliedEdit>(edit.file, async place => {
    const now = await readFile(place, 'utf8')
    if (now === edit.before) return ok({ changed: false })
    if (now !== edit.after) return fail({ code: 'config-edited-meanwhile', file: edit.file })
    await replace(place, edit.before)
    return ok({ changed: true })
  })
}

/** A link stays a link: the file that it leads to is the one that is changed. */
async function guarded<T>(file: string, work: (place: string) => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work(await realpath(file))
  } catch (error) {
    const reason = error instanceof NotOurs ? error.message : (errorCode(error) ?? String(error))
    return fail({ code: 'file-unusable', path: file, reason: `the file cannot be changed: ${reason}` })
  }
}

class NotOurs extends Error {}

/** With the mode, owner and group of the file that it replaces. */
async function replace(place: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(place)
  const own = process.getuid?.()
  if (own !== undefined && own !== 0 && uid !== own)
    throw new NotOurs('it belongs to another user, who would lose it; make the change by hand')
  await writeAtomic(place, text, mode & 0o7777)
  const { uid: newUid, gid: newGid } = await stat(place)
  // A group that this user is not in cannot be given; the mode still says who may read.
  if (newUid !== uid || newGid !== gid) await chown(place, uid, gid).catch(() => {})
}

const mostCopies = 100

/** `FILE.before-VERSION`; with a number behind it where another text has that name already. */
async function keepBeside(file: string, place: string, text: string, version: string): Promise<string> {
  const { mode } = await stat(place)
  for (let count = 1; count <= mostCopies; count++) {
    const name = `${file}.before-${version}${count === 1 ? '' : `-${count}`}`
    if (await createAtomic(name, text, mode & 0o7777)) return name
    if ((await lstat(name)).isFile() && (await readFile(name, 'utf8')) === text) return name
  }
  throw new NotOurs(`${file}.before-${version} is there ${mostCopies} times already`)
}
