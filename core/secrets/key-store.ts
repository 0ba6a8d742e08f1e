import type { Failure } from '../../contract/failure.ts'
import type { Result } from '../../contract/result.ts'

/** The key in use; the one that takes its place; the one that was replaced and is not revoked yet. */
const slots = ['current', 'next', 'retiring'] as const
export type Slot = (typeof slots)[number]

/** Whose key: `registry` as clients call it ("127.0.0.1:5050"), `user` ("zot-ci"). */
export interface KeyOwner {
  registry: string
  user: string
}

export type StoreKind = 'keychain' | 'encrypted-file' | 'plain-file'

/** Where keys are, or would be, kept; `none` says why nowhere. */
export type Where = { kind: StoreKind } | { kind: 'none'; error: Failure }

/**
 * The secrets of managed keys. Where they are kept is decided with the first of them and written down: a keychain that
 * is locked later is a failure, never a reason to write a file. Each write is read back. Nothing throws for what a
 * keychain or a disk may answer, and no Failure holds a secret.
 */
export interface KeyStore {
  where(): Promise<Where>
  /**
   * A passphrase for the encrypted file, kept in memory until the app ends. Used where the file was made with one, or
   * where there is no key yet and neither a key file nor a keychain. `secret-store-wrong-key`: it was made with another.
   */
  unlock(passphrase: string): Promise<Result<null>>
  /**
   * For people: "the keychain", "keys.enc, encrypted with ...", and plainly where nothing is encrypted. Before the first
   * key it is a guess that tries nothing; `where` tries.
   */
  describe(): Promise<string>
  /** Undefined: there is none. */
  get(owner: KeyOwner, slot: Slot): Promise<Result<string | undefined>>
  /** Replaces what the slot held. */
  set(owner: KeyOwner, slot: Slot, secret: string): Promise<Result<null>>
  delete(owner: KeyOwner, slot: Slot): Promise<Result<null>>
  /**
   * Replaces what `to` holds. `to` is written before `from` is emptied, so a kill in between leaves both; the same
   * call again ends it. Where `from` is empty and `to` is not, it was moved already. Both empty: `key-not-kept`.
   */
  move(owner: KeyOwner, from: Slot, to: Slot): Promise<Result<null>>
  /**
   * The switch of a rotation: current becomes retiring, next becomes current, and `current` is never empty. May be cut
   * off anywhere and called again; without a `next` it was done already. No `next` and no `current`: `key-not-kept`.
   */
  promote(owner: KeyOwner): Promise<Result<null>>
  /** The same for one secret that is no registry key, such as the token of Forgejo. */
  note(name: string): Note
}

/** A single secret by name. */
interface Note {
  get(): Promise<Result<string | undefined>>
  set(secret: string): Promise<Result<null>>
  delete(): Promise<Result<null>>
}
