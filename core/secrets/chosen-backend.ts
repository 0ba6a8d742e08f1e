import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { type EncryptedBackend, encryptedBackend } from './encrypted-backend.ts'
import { fileBackend } from './file-backend.ts'
import { keychainBackend } from './keychain.ts'
import type { BackendKind, SecretBackend } from './secret-backend.ts'
import type { SystemKeychain } from './system-keychain.ts'

export interface BackendOptions {
  home: string
  keychain: SystemKeychain
  /** The setting `secrets.keyFile`: '' for none. */
  keyFile(): string
  /** The setting `secrets.plain`. */
  plain(): boolean
  /** The passphrase of the encrypted file, from the core before this one. */
  passphrase?: string | undefined
}

/**
 * Stores secrets in one backend: chosen with the first secret, written down, and kept to afterwards. Not safe for
 * calls side by side.
 */
export class ChosenBackend {
  readonly #options: BackendOptions
  readonly #recordFile: string
  readonly #encryptedFile: string
  readonly #plainFile: string
  readonly #backends: Record<BackendKind, SecretBackend>
  readonly #encrypted: EncryptedBackend
  #recorded: BackendKind | undefined
  /** Probed and usable, and not written down yet. */
  #probed: BackendKind | undefined

  constructor(options: BackendOptions) {
    const { home, keyFile, keychain } = options
    const folder = join(home, 'secrets')
    const unencryptedFile = join(folder, 'keys.plain.json')
    this.#options = options
    this.#recordFile = join(folder, 'place.json')
    this.#encryptedFile = join(folder, 'keys.enc')
    this.#plainFile = unencryptedFile
    this.#encrypted = encryptedBackend({
      folder,
      keyFile,
      expected: () => this.#recorded === 'encrypted-file',
      passphrase: options.passphrase,
    })
    this.#backends = {
      keychain: keychainBackend(keychain),
      'encrypted-file': this.#encrypted,
      'plain-file': fileBackend({
        kind: 'plain-file',
        file: unencryptedFile,
        expected: () => this.#recorded === 'plain-file',
        describe: () => `${unencryptedFile}, NOT encrypted: whoever can read this file has the keys`,
        coding: {
          encode: async text => ok(text),
          decode: async text => ok(text),
          probe: async () => ok(null),
        },
      }),
    }
  }

  unlock(passphrase: string): Promise<Result<null>> {
    return this.#encrypted.unlock(passphrase)
  }

  /** What it was unlocked with. */
  passphrase(): string | undefined {
    return this.#encrypted.passphrase()
  }

  /** The backend that holds the secrets, or would hold the first one. */
  async use(): Promise<Result<SecretBackend>> {
    const current = await this.#current()
    if (!current.ok) return current
    return current.value ? ok(current.value) : this.#choose()
  }

  async describe(): Promise<string> {
    const current = await this.#current()
    if (!current.ok) return failureMessage(current.error).title
    const first = (): SecretBackend =>
      this.#options.keyFile() === '' ? this.#backends[this.#probed ?? 'keychain'] : this.#encrypted
    return (current.value ?? first()).describe()
  }

  /** What was chosen; undefined before the first secret, and where that cannot be read. */
  async recorded(): Promise<BackendKind | undefined> {
    const current = await this.#current()
    return current.ok ? current.value?.kind : undefined
  }

  async get(account: string): Promise<Result<string | undefined>> {
    const backend = await this.#current()
    if (!backend.ok) return backend
    return backend.value ? backend.value.get(account) : ok(undefined)
  }

  async set(account: string, secret: string): Promise<Result<null>> {
    const backend = await this.use()
    if (!backend.ok) return backend
    const { kind } = backend.value
    // Unlike a file, a keychain cannot be recognised later by looking: it is recorded first.
    if (kind === 'keychain') {
      const recorded = await this.#record(kind)
      if (!recorded.ok) return recorded
    }
    const stored = await backend.value.set(account, secret)
    return stored.ok ? this.#record(kind) : stored
  }

  async delete(account: string): Promise<Result<null>> {
    const backend = await this.#current()
    if (!backend.ok) return backend
    if (!backend.value) return ok(null)
    const kind = this.#recorded
    const deleted = await backend.value.delete(account)
    if (!deleted.ok || backend.value.kind === 'keychain') return deleted
    // A file goes with its last key, and the backend of the next key is chosen anew.
    if (kind !== undefined && !existsSync(kind === 'plain-file' ? this.#plainFile : this.#encryptedFile)) {
      const removed = await removeBackendRecord(this.#recordFile)
      if (!removed.ok) return removed
      this.#recorded = undefined
    }
    return deleted
  }

  /** The backend that holds the secrets; undefined before the first one. */
  async #current(): Promise<Result<SecretBackend | undefined>> {
    if (this.#recorded === undefined) {
      const record = await readBackendRecord(this.#recordFile)
      if (!record.ok) return record
      this.#recorded = record.value
    }
    if (this.#recorded !== undefined) return ok(this.#backends[this.#recorded])
    // A kill may have come between the file and its record.
    if (existsSync(this.#encryptedFile)) return ok(this.#encrypted)
    if (existsSync(this.#plainFile)) return ok(this.#backends['plain-file'])
    return ok(undefined)
  }

  /** A key file comes first, because somebody named it; the plain file comes last. */
  async #choose(): Promise<Result<SecretBackend>> {
    const { keyFile, plain } = this.#options
    if (this.#probed !== undefined) return ok(this.#backends[this.#probed])
    if (keyFile() !== '') return this.#probe(this.#encrypted)
    const keychain = await this.#probe(this.#backends.keychain)
    if (keychain.ok) return keychain
    if (this.#encrypted.hasPassphrase()) return this.#probe(this.#encrypted)
    if (plain()) return this.#probe(this.#backends['plain-file'])
    const { error } = keychain
    return error.code === 'keychain-unavailable'
      ? fail({ code: 'no-secret-store', reason: error.reason })
      : keychain
  }

  async #probe(backend: SecretBackend): Promise<Result<SecretBackend>> {
    const usable = await backend.probe()
    if (!usable.ok) return usable
    // Only the keychain is slow to probe, and the settings of the others may change before the first key.
    if (backend.kind === 'keychain') this.#probed = backend.kind
    return ok(backend)
  }

  async #record(kind: BackendKind): Promise<Result<null>> {
    if (this.#recorded === kind) return ok(null)
    const written = await writeBackendRecord(this.#recordFile, kind)
    if (written.ok) this.#recorded = kind
    return written
  }
}

const recordSchema = v.object({ kind: v.picklist(['keychain', 'encrypted-file', 'plain-file']) })

/** The backend that was chosen; undefined before the first key. An unreadable record is a failure: a guess could lose keys. */
async function readBackendRecord(file: string): Promise<Result<BackendKind | undefined>> {
  try {
    const read = v.safeParse(recordSchema, JSON.parse(await readFile(file, 'utf8')))
    if (read.success) return ok(read.output.kind)
    return fail({ code: 'secret-store-damaged', file, reason: 'it names no backend' })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return ok(undefined)
    if (error instanceof SyntaxError)
      return fail({ code: 'secret-store-damaged', file, reason: 'it is not JSON' })
    return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
  }
}

async function writeBackendRecord(file: string, kind: BackendKind): Promise<Result<null>> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeAtomic(file, `${JSON.stringify({ kind })}\n`)
    return ok(null)
  } catch (error) {
    return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
  }
}

async function removeBackendRecord(file: string): Promise<Result<null>> {
  try {
    await rm(file, { force: true })
    return ok(null)
  } catch (error) {
    return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
  }
}
