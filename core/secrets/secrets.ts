import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode } from '../../lib/error-code.ts'
import { type Keychain, loadKeychain } from './keychain.ts'

/** Where a secret went. `why` says, to stand in brackets, what kept it from the keychain. */
export type PasswordLocation = { where: 'keychain' } | { where: 'file'; file: string; why: string }

/** Secrets by account, in the keychain under the service "Zotbar". Where there is none: a file each, 0600. */
export interface Secrets {
  get(account: string): Promise<string | undefined>
  /** Throws as the file system does when neither keychain nor file can take it. */
  set(account: string, secret: string): Promise<PasswordLocation>
  delete(account: string): Promise<void>
}

const service = 'Zotbar'
/** A keychain whose prompt nobody sees would never answer. */
const keychainLimitMs = 5_000

interface Options {
  home: string
  load?: () => Keychain
  limitMs?: number
}

export function openSecrets({ home, load = loadKeychain, limitMs = keychainLimitMs }: Options): Secrets {
  const folder = join(home, 'secrets')
  const fileOf = (account: string): string =>
    join(folder, createHash('sha256').update(account).digest('hex').slice(0, 32))
  let keychain: Keychain | undefined

  async function ask<T>(question: (keychain: Keychain) => Promise<T>): Promise<T> {
    keychain ??= load()
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error('it does not answer')), limitMs)
    try {
      return await Promise.race([question(keychain), late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async get(account) {
      // A file is there only where the keychain could not be used when the secret was last set.
      const written = await readSecret(fileOf(account))
      if (written !== undefined) return written
      const stored = await ask(all => all.getPassword(service, account)).catch(() => null)
      return stored ?? undefined
    },
    async set(account, secret) {
      const file = fileOf(account)
      let reason: string
      try {
        await ask(all => all.setPassword(service, account, secret))
        // Some keychains take a secret and lose it with the session: it counts only once it was read back.
        if ((await ask(all => all.getPassword(service, account))) === secret) {
          await rm(file, { force: true })
          return { where: 'keychain' }
        }
        reason = 'what was written to it could not be read back'
      } catch (error) {
        reason = errorText(error)
      }
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await chmod(folder, 0o700)
      await writeAtomic(file, secret)
      return { where: 'file', file, why: reason }
    },
    async delete(account) {
      await rm(fileOf(account), { force: true })
      await ask(all => all.deletePassword(service, account)).catch(() => false)
    },
  }
}

/** Undefined: no such file. A link is not followed: it may lead to a file of somebody else. */
async function readSecret(file: string): Promise<string | undefined> {
  try {
    if (!(await lstat(file)).isFile()) return undefined
    return await readFile(file, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** The first line: keytar tells where it looked on the next ones. */
function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  if (text.includes('native addon')) return 'libsecret is not installed'
  return (text.split('\n')[0] ?? '').slice(0, 200).replace(/\.$/, '')
}
