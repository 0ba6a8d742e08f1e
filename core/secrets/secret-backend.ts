import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import type { StoreKind } from './key-store.ts'

/** One way to keep secrets by account. Each write is read back before it counts. */
export interface Place {
  readonly kind: StoreKind
  /** For people, where it is and how it is protected. */
  describe(): string
  /** Whether a secret can be kept here now; leaves nothing behind. */
  probe(): Promise<Result<null>>
  get(account: string): Promise<Result<string | undefined>>
  set(account: string, secret: string): Promise<Result<null>>
  delete(account: string): Promise<Result<null>>
}

const schema = v.object({ kind: v.picklist(['keychain', 'encrypted-file', 'plain-file']) })

/** Which place was decided on. Undefined: none yet. One that cannot be read is a failure: guessing could lose keys. */
export async function readPlace(file: string): Promise<Result<StoreKind | undefined>> {
  try {
    const read = v.safeParse(schema, JSON.parse(await readFile(file, 'utf8')))
    if (read.success) return ok(read.output.kind)
    return fail({ code: 'secret-store-damaged', file, reason: 'it names no place' })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return ok(undefined)
    if (error instanceof SyntaxError)
      return fail({ code: 'secret-store-damaged', file, reason: 'it is not JSON' })
    return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
  }
}

/** Writes it down, 0600. Errors: file-unusable. */
export async function writePlace(file: string, kind: StoreKind): Promise<Result<null>> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeAtomic(file, `${JSON.stringify({ kind })}\n`)
    return ok(null)
  } catch (error) {
    return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
  }
}

/** The place of the next key is decided anew. Errors: file-unusable. */
export async function forgetPlace(file: string): Promise<Result<null>> {
  try {
    await rm(file, { force: true })
    return ok(null)
  } catch (error) {
    return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
  }
}
