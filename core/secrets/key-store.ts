import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { type BackendOptions, ChosenBackend } from './chosen-backend.ts'
import type { BackendKind } from './secret-backend.ts'

/** The key in use; the one that takes its place; the one that was replaced and is not revoked yet. */
const slots = ['current', 'next', 'retiring'] as const
export type KeySlot = (typeof slots)[number]

/** Whose key: `registry` as clients call it ("127.0.0.1:5050"), `user` ("zot-ci"). */
export interface KeyOwner {
  registry: string
  user: string
}

/** The backend that holds the keys, or would hold the first one; `none` says why there is none. */
type BackendChoice = { kind: BackendKind } | { kind: 'none'; error: Failure }

/**
 * The secrets of managed keys. The backend is chosen with the first of them and written down: a keychain that is
 * locked later is a failure, never a reason to write a file. Each write is read back. Nothing throws for what a
 * keychain or a disk may answer, and no Failure holds a secret.
 */
export interface KeyStore {
  backend(): Promise<BackendChoice>
  /**
   * A passphrase for the encrypted file, kept in memory until the core ends. Used where the file was made with one, or
   * where there is no key yet and neither a key file nor a keychain. `secret-store-wrong-key`: it was made with another.
   */
  unlock(passphrase: string): Promise<Result<null>>
  /** The passphrase in memory, for the next core of this home alone. */
  passphrase(): string | undefined
  /**
   * For people: "the keychain", "keys.enc, encrypted with ...", and plainly where nothing is encrypted. Before the first
   * key it is a guess that probes nothing; `backend` probes.
   */
  describe(): Promise<string>
  /** Whether the backend that was chosen is the keychain; false before the first key. */
  usesKeychain(): Promise<boolean>
  /** Undefined: there is none. */
  get(owner: KeyOwner, slot: KeySlot): Promise<Result<string | undefined>>
  /** Replaces what the slot held. */
  set(owner: KeyOwner, slot: KeySlot, secret: string): Promise<Result<null>>
  delete(owner: KeyOwner, slot: KeySlot): Promise<Result<null>>
  /**
   * Replaces what `to` holds. `to` is written before `from` is emptied, so a kill in between leaves both; the same
   * call again ends it. Where `from` is empty and `to` is not, it was moved already. Both empty: `key-not-kept`.
   */
  move(owner: KeyOwner, from: KeySlot, to: KeySlot): Promise<Result<null>>
  /**
   * The switch of a rotation: current becomes retiring, next becomes current, and `current` is never empty. After an
   * interruption it may be called again; without a `next` it is done. No `next` and no `current`: `key-not-kept`.
   */
  promote(owner: KeyOwner): Promise<Result<null>>
  /** The same for one secret that is no registry key, such as the token of Forgejo. */
  secret(name: string): NamedSecret
}

/** A single secret by name. */
interface NamedSecret {
  get(): Promise<Result<string | undefined>>
  set(secret: string): Promise<Result<null>>
  delete(): Promise<Result<null>>
}

/** Opens nothing yet: the keychain is asked when a key is first needed. */
export function openKeyStore(options: BackendOptions): KeyStore {
  const backend = new ChosenBackend(options)
  /** One call at a time, because some of them choose the backend or forget it. */
  const queue = serialQueue()

  const missing = ({ registry, user }: KeyOwner, slot: KeySlot) =>
    fail({ code: 'key-not-kept', registry, user, slot })

  async function copy(owner: KeyOwner, from: KeySlot, to: KeySlot): Promise<Result<'copied' | 'empty'>> {
    const source = await backend.get(accountOf(owner, from))
    if (!source.ok) return source
    if (source.value === undefined) return ok('empty')
    const stored = await backend.set(accountOf(owner, to), source.value)
    return stored.ok ? ok('copied') : stored
  }

  async function move(owner: KeyOwner, from: KeySlot, to: KeySlot): Promise<Result<null>> {
    const copied = await copy(owner, from, to)
    if (!copied.ok) return copied
    if (copied.value === 'copied') return backend.delete(accountOf(owner, from))
    const target = await backend.get(accountOf(owner, to))
    if (!target.ok) return target
    return target.value === undefined ? missing(owner, from) : ok(null)
  }

  async function promote(owner: KeyOwner): Promise<Result<null>> {
    const next = await backend.get(accountOf(owner, 'next'))
    if (!next.ok) return next
    const current = await backend.get(accountOf(owner, 'current'))
    if (!current.ok) return current
    if (next.value === undefined) return current.value === undefined ? missing(owner, 'next') : ok(null)
    // The same in both: a kill came after the switch, and `retiring` must not be overwritten with the new key.
    if (current.value !== undefined && current.value !== next.value) {
      const retired = await backend.set(accountOf(owner, 'retiring'), current.value)
      if (!retired.ok) return retired
    }
    return move(owner, 'next', 'current')
  }

  return {
    async backend(): Promise<BackendChoice> {
      const chosen = await queue.run(() => backend.use())
      return chosen.ok ? { kind: chosen.value.kind } : { kind: 'none', error: chosen.error }
    },
    // Asks no keychain, so it does not stand in line behind what waits for one.
    describe: () => backend.describe(),
    usesKeychain: async () => (await backend.recorded()) === 'keychain',
    unlock: passphrase => backend.unlock(passphrase),
    passphrase: () => backend.passphrase(),
    get(owner, slot) {
      const account = accountOf(owner, slot)
      return queue.share(account, () => backend.get(account))
    },
    set: (owner, slot, secret) => queue.run(() => backend.set(accountOf(owner, slot), secret)),
    delete: (owner, slot) => queue.run(() => backend.delete(accountOf(owner, slot))),
    move: (owner, from, to) => queue.run(() => move(owner, from, to)),
    promote: owner => queue.run(() => promote(owner)),
    secret: name => ({
      get: () => queue.share(name, () => backend.get(name)),
      set: secret => queue.run(() => backend.set(name, secret)),
      delete: () => queue.run(() => backend.delete(name)),
    }),
  }
}

/** Under which a backend has the secret. */
export const accountOf = ({ registry, user }: KeyOwner, slot: KeySlot): string =>
  `key/${escaped(registry)}/${escaped(user)}/${slot}`

/** Encodes what would make the accounts of two owners look alike. */
const escaped = (text: string): string => text.replace(/[%/\p{Cc}]/gu, sign => encodeURIComponent(sign))
