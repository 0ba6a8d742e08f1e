import { randomBytes } from 'node:crypto'
import { fail, ok, type Result } from '../../contract/result.ts'
import { type Keychain, keychainService as service } from '../../lib/keychain.ts'
import type { SecretBackend } from './secret-backend.ts'
import type { SystemKeychain } from './system-keychain.ts'

/** One item per account in the system's keychain, under the service "Zotbar". */
export function keychainBackend(system: SystemKeychain): SecretBackend {
  return {
    kind: 'keychain',
    describe: () => `the keychain, under the service ${service}`,
    probe: () => system.use(probe),
    get: account => system.use(keychain => read(keychain, account)),
    set: (account, secret) => system.use(keychain => writeSecret(keychain, account, secret)),
    delete: account => system.use(keychain => erase(keychain, account)),
  }
}

async function read(keychain: Keychain, account: string): Promise<Result<string | undefined>> {
  const stored = await keychain.getPassword(service, account)
  if (stored !== null) return ok(stored)
  // A locked one answers like an empty one. Only a write tells them apart.
  const open = await probe(keychain)
  return open.ok ? ok((await keychain.getPassword(service, account)) ?? undefined) : open
}

/** Some keychains take a secret and lose it with the session: it counts only once it was read back. */
export async function writeSecret(
  keychain: Keychain,
  account: string,
  secret: string,
): Promise<Result<null>> {
  await keychain.setPassword(service, account, secret)
  const stored = await keychain.getPassword(service, account)
  return stored === secret ? ok(null) : fail({ code: 'secret-not-kept', where: 'the keychain' })
}

async function erase(keychain: Keychain, account: string): Promise<Result<null>> {
  await keychain.deletePassword(service, account)
  const remaining = await keychain.getPassword(service, account)
  if (remaining !== null) return fail({ code: 'keychain-denied', reason: 'it does not delete' })
  // Nothing was deleted from a locked one either.
  return probe(keychain)
}

async function probe(keychain: Keychain): Promise<Result<null>> {
  const account = `probe/${randomBytes(6).toString('hex')}`
  const written = await writeSecret(keychain, account, 'probe')
  if (written.ok) await keychain.deletePassword(service, account)
  return written
}
