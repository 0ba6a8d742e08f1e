import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { SecretBackend } from './secret-backend.ts'

/** The part of keytar that is used. */
export interface Keychain {
  getPassword(service: string, account: string): Promise<string | null>
  setPassword(service: string, account: string, password: string): Promise<void>
  deletePassword(service: string, account: string): Promise<boolean>
}

/**
 * The system's keychain, loaded when a secret is first needed. Throws where there is none to load: on Linux without
 * libsecret. https://github.com/github/node-keytar
 */
export function loadKeychain(): Keychain {
  const loaded: unknown = createRequire(import.meta.url)('keytar')
  if (!isKeychain(loaded)) throw new Error('keytar is of another shape')
  return loaded
}

const isKeychain = (loaded: unknown): loaded is Keychain =>
  typeof loaded === 'object' &&
  loaded !== null &&
  'getPassword' in loaded &&
  'setPassword' in loaded &&
  'deletePassword' in loaded

const service = 'Zotbar'
/** Somebody may have to unlock it first. */
const keychainLimitMs = 30_000

export interface KeychainOptions {
  load?: (() => Keychain) | undefined
  limitMs?: number | undefined
}

/** One item per account in the system's keychain, under the service "Zotbar". */
export function keychainBackend({
  load = loadKeychain,
  limitMs = keychainLimitMs,
}: KeychainOptions): SecretBackend {
  let keychain: Keychain | undefined
  /** A call that was given up. It holds a thread of the few that Node has, so no other one is begun beside it. */
  let silent: Promise<unknown> | undefined

  async function ask<T>(question: (keychain: Keychain) => Promise<T>): Promise<Result<T>> {
    if (silent) return fail({ code: 'keychain-silent', limitMs })
    const late = Promise.withResolvers<Result<T>>()
    const timer = setTimeout(() => late.resolve(fail({ code: 'keychain-silent', limitMs })), limitMs)
    let settled = false
    try {
      keychain ??= load()
      const pendingAnswer = question(keychain)
        .then<Result<T>, Result<T>>(ok, error => fail(keychainFailure(error)))
        .finally(() => {
          settled = true
          silent = undefined
        })
      const answer = await Promise.race([pendingAnswer, late.promise])
      if (!settled) silent = pendingAnswer
      return answer
    } catch (error) {
      return fail(keychainFailure(error))
    } finally {
      clearTimeout(timer)
    }
  }

  const read = async (account: string): Promise<Result<string | undefined>> => {
    const answer = await ask(all => all.getPassword(service, account))
    return answer.ok ? ok(answer.value ?? undefined) : answer
  }

  async function write(account: string, secret: string): Promise<Result<null>> {
    const set = await ask(all => all.setPassword(service, account, secret))
    if (!set.ok) return set
    // Some keychains take a secret and lose it with the session: it counts only once it was read back.
    const stored = await read(account)
    if (!stored.ok) return stored
    return stored.value === secret ? ok(null) : fail({ code: 'secret-not-kept', where: 'the keychain' })
  }

  async function erase(account: string): Promise<Result<null>> {
    const deleted = await ask(all => all.deletePassword(service, account))
    return deleted.ok ? ok(null) : deleted
  }

  async function probe(): Promise<Result<null>> {
    const account = `probe/${randomBytes(6).toString('hex')}`
    const written = await write(account, 'probe')
    const erased = written.ok ? await erase(account) : written
    return erased.ok ? ok(null) : erased
  }

  return {
    kind: 'keychain',
    describe: () => `the keychain, under the service ${service}`,
    probe,
    async get(account) {
      const stored = await read(account)
      if (!stored.ok || stored.value !== undefined) return stored
      // A locked one answers like an empty one. Only a write tells them apart.
      const open = await probe()
      return open.ok ? read(account) : open
    },
    set: write,
    async delete(account) {
      const erased = await erase(account)
      if (!erased.ok) return erased
      // Nothing was deleted from a locked one either.
      const remaining = await read(account)
      if (remaining.ok && remaining.value !== undefined)
        return fail({ code: 'keychain-denied', reason: 'it does not delete' })
      return remaining.ok ? probe() : remaining
    },
  }
}

/** What a keychain's error means. libsecret, gnome-keyring and the Security framework each have words of their own. */
function keychainFailure(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error)
  if (text.includes('native addon')) return unavailable('libsecret is not installed')
  const reason = (text.split('\n')[0] ?? '').slice(0, 200).replace(/\.$/, '')
  if (/interaction is not allowed|is locked|locked collection/i.test(text))
    return { code: 'keychain-locked', reason }
  if (/cancel|denied|dismiss|authorization|passphrase you entered/i.test(text))
    return { code: 'keychain-denied', reason }
  return unavailable(reason)
}

const unavailable = (reason: string): Failure => ({ code: 'keychain-unavailable', reason })
