import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { keychainBackend } from './keychain.ts'
import type { SystemKeychain } from './system-keychain.ts'

/** Where a secret went. `why` says, to stand in brackets, what kept it from the keychain. */
export type PasswordLocation = { where: 'keychain' } | { where: 'file'; file: string; why: string }

/**
 * Secrets by account, in the keychain under the service "Zotbar". Where there is none, or it is locked and asks nobody: a
 * file each, 0600. An answer of the keychain is waited for as long as it takes.
 */
export interface Secrets {
  /** Undefined: there is none. Fails where the keychain does, for then it is not known. */
  get(account: string): Promise<Result<string | undefined>>
  /** `keychain-denied` where somebody said no: then no file is written either. */
  set(account: string, secret: string): Promise<Result<PasswordLocation>>
  delete(account: string): Promise<Result<null>>
  /** Whether a file has it, whatever the keychain has. */
  isInFile(account: string): boolean
}

export function openSecrets({ home, keychain }: { home: string; keychain: SystemKeychain }): Secrets {
  const folder = join(home, 'secrets')
  const backend = keychainBackend(keychain)
  /** What is asked for after a `set` is answered after it, however long the keychain takes. */
  const queue = serialQueue()
  const fileOf = (account: string): string =>
    join(folder, createHash('sha256').update(account).digest('hex').slice(0, 32))

  async function get(account: string): Promise<Result<string | undefined>> {
    // A file is there only where the keychain could not be used when the secret was last set.
    const written = await readSecret(fileOf(account))
    return !written.ok || written.value !== undefined ? written : backend.get(account)
  }

  async function set(account: string, secret: string): Promise<Result<PasswordLocation>> {
    const file = fileOf(account)
    const stored = await backend.set(account, secret)
    if (stored.ok) {
      const removed = await onFile(file, () => rm(file, { force: true }))
      return removed.ok ? ok({ where: 'keychain' }) : removed
    }
    if (stored.error.code === 'keychain-denied') return stored
    const written = await onFile(file, async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await chmod(folder, 0o700)
      await writeAtomic(file, secret)
    })
    return written.ok ? ok({ where: 'file', file, why: reasonIn(stored.error) }) : written
  }

  async function erase(account: string): Promise<Result<null>> {
    const file = fileOf(account)
    const removed = await onFile(file, () => rm(file, { force: true }))
    if (!removed.ok) return removed
    const deleted = await backend.delete(account)
    // Without a keychain there was nothing but the file.
    return deleted.ok || deleted.error.code === 'keychain-unavailable' ? ok(null) : deleted
  }

  return {
    get: account => queue.share(account, () => get(account)),
    set: (account, secret) => queue.run(() => set(account, secret)),
    delete: account => queue.run(() => erase(account)),
    isInFile: account => existsSync(fileOf(account)),
  }
}

/** Undefined: no such file. A link is not followed: it may lead to a file of somebody else. */
const readSecret = (file: string): Promise<Result<string | undefined>> =>
  onFile(file, async () => {
    try {
      return (await lstat(file)).isFile() ? await readFile(file, 'utf8') : undefined
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined
      throw error
    }
  })

async function onFile<T>(path: string, work: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await work())
  } catch (error) {
    return fail({ code: 'file-unusable', path, reason: reasonOf(error) })
  }
}

const reasonIn = (error: Failure): string =>
  'reason' in error && typeof error.reason === 'string'
    ? error.reason
    : 'what was written to it could not be read back'
