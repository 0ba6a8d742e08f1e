import { lstat, readFile, realpath, stat } from 'node:fs/promises'
import { fail, ok, type Result } from '../../contract/result.ts'
import { createAtomic } from '../../lib/atomic-file.ts'
import { errorCode } from '../../lib/error-code.ts'
import { isCutShort, writeInPlace } from '../platform/in-place.ts'
import type { ConfigEdit } from './config-edit.ts'

/** What happened to the file; `keptAs`: where the text from before is. */
export interface AppliedEdit {
  changed: boolean
  keptAs?: string
}

type Texts = Pick<ConfigEdit, 'file' | 'before' | 'after'>

/**
 * Brings the file from `before` to `after`, keeping the old text beside it as `FILE.before-VERSION`. It is written in
 * place: mode, owner and links are the user's. To be called while the registry is stopped, which could read half of it.
 * Idempotent, also where a write was cut short. Errors: config-edited-meanwhile when the file is neither of the two
 * texts, file-unusable.
 */
export async function applyEdit(edit: Texts, version: string): Promise<Result<AppliedEdit>> {
  return withTarget<AppliedEdit>(edit.file, async target => {
    const now = await readFile(target, 'utf8')
    if (now !== edit.after && !isBeforeOrHalf(now, edit.before, edit.after))
      return fail({ code: 'config-edited-meanwhile', file: edit.file })
    const keptAs = await preserveBeside(edit.file, target, edit.before, version)
    if (now === edit.after) return ok({ changed: false, keptAs })
    await writeInPlace(target, edit.after, { filler: '\n' })
    return ok({ changed: true, keptAs })
  })
}

/** Brings the file back from `after` to `before`. Idempotent; the same errors. The copy beside it stays. */
export async function revertEdit(edit: Texts): Promise<Result<AppliedEdit>> {
  return withTarget<AppliedEdit>(edit.file, async target => {
    const now = await readFile(target, 'utf8')
    if (now === edit.before) return ok({ changed: false })
    if (!isBeforeOrHalf(now, edit.after, edit.before))
      return fail({ code: 'config-edited-meanwhile', file: edit.file })
    await writeInPlace(target, edit.before, { filler: '\n' })
    return ok({ changed: true })
  })
}

/** A link stays a link: the file that it leads to is the one that is changed. */
async function withTarget<T>(file: string, work: (target: string) => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work(await realpath(file))
  } catch (error) {
    const reason = error instanceof TooManyCopies ? error.message : (errorCode(error) ?? String(error))
    return fail({ code: 'file-unusable', path: file, reason: `the file cannot be changed: ${reason}` })
  }
}

class TooManyCopies extends Error {}

/** The one text, or what a write from it to the other, or back, left when it was cut short. */
const isBeforeOrHalf = (now: string, from: string, to: string): boolean =>
  now === from || isCutShort(now, from, to) || isCutShort(now, to, from)

const maxCopies = 100

/** `FILE.before-VERSION`; with a number behind it where another text has that name already. */
async function preserveBeside(file: string, target: string, text: string, version: string): Promise<string> {
  const { mode } = await stat(target)
  for (let count = 1; count <= maxCopies; count++) {
    const name = `${file}.before-${version}${count === 1 ? '' : `-${count}`}`
    if (await createAtomic(name, text, mode & 0o7777)) return name
    if ((await lstat(name)).isFile() && (await readFile(name, 'utf8')) === text) return name
  }
  throw new TooManyCopies(`${file}.before-${version} is there ${maxCopies} times already`)
}
