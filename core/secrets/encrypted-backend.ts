import { createHash } from 'node:crypto'
import { constants, statSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import {
  decrypt,
  deriveKey,
  type EncryptedFile,
  encrypt,
  type Kdf,
  type KeySource,
  newKdf,
  parseEncryptedFile,
} from './encryption.ts'
import { fileBackend } from './file-backend.ts'
import type { SecretBackend } from './secret-backend.ts'

/** Enough from a random source; from any other no length is. */
const minKeyFileBytes = 8
const maxKeyFileBytes = 64 * 1024

/** The content of the file that unlocks the encrypted store. Refused where others could put another one in its place. */
async function readKeyFile(file: string): Promise<Result<Buffer>> {
  const refuse = (reason: string) => fail({ code: 'key-file-unusable', file, reason })
  try {
    // Does not wait for the writer of a pipe.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = await handle.stat()
      if (!stats.isFile()) return refuse('it is not a file')
      if ((stats.mode & 0o022) !== 0)
        return refuse(`other users may write to it (mode ${octal(stats.mode)}); do this: chmod 600 FILE`)
      if (stats.size === 0) return refuse('it is empty')
      if (stats.size < minKeyFileBytes)
        return refuse(`it has ${stats.size} bytes, and needs ${minKeyFileBytes} at least`)
      if (stats.size > maxKeyFileBytes) return refuse('it is larger than 64 kB')
      return ok(await handle.readFile())
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    return refuse(reasonOf(error))
  }
}

/**
 * Whether other users may read the key file too, as with a secret from a container or a service manager. Such a file
 * is used, and the description of the backend says so.
 */
function isOpenToOthers(file: string): boolean {
  try {
    return (statSync(file).mode & 0o044) !== 0
  } catch {
    return false
  }
}

const octal = (mode: number): string => `0${(mode & 0o777).toString(8).padStart(3, '0')}`

interface Options {
  folder: string
  /** The file whose content unlocks it, or ''. */
  keyFile(): string
  expected(): boolean
  /** One that an earlier core was unlocked with. */
  passphrase?: string | undefined
}

export interface EncryptedBackend extends SecretBackend {
  /** Holds the passphrase in memory until the core ends. Refused where it does not open the existing file. */
  unlock(passphrase: string): Promise<Result<null>>
  hasPassphrase(): boolean
  /** For the next core of this home alone. */
  passphrase(): string | undefined
}

const minPassphraseChars = 12

/** `keys.enc`: AES-256-GCM, its key from a key file or a passphrase by scrypt. */
export function encryptedBackend({ folder, keyFile, expected, ...options }: Options): EncryptedBackend {
  const file = join(folder, 'keys.enc')
  let passphrase = options.passphrase
  /** The last derived key: deriving takes a tenth of a second on purpose. */
  let derived: { of: string; key: Buffer } | undefined

  const damaged = (reason: string) => fail({ code: 'secret-store-damaged', file, reason })

  async function contentOf(by: KeySource): Promise<Result<Buffer>> {
    if (by === 'passphrase')
      return passphrase === undefined
        ? fail({ code: 'secret-store-locked', file })
        : ok(Buffer.from(passphrase, 'utf8'))
    const name = keyFile()
    if (name !== '') return readKeyFile(name)
    return fail({
      code: 'key-file-unusable',
      file: 'secrets.keyFile',
      reason: 'it names no file, and the keys were encrypted with one',
    })
  }

  async function keyFrom(content: Buffer, kdf: Kdf): Promise<Buffer> {
    const of = createHash('sha256').update(JSON.stringify(kdf)).update(content).digest('hex')
    if (derived?.of !== of) derived = { of, key: await deriveKey(content, kdf) }
    return derived.key
  }

  async function decryptFile(encrypted: EncryptedFile, content: Buffer): Promise<Result<string>> {
    const { by } = encrypted.header
    const { N, r, p, salt } = encrypted.header.kdf
    const result = decrypt(encrypted, await keyFrom(content, { N, r, p, salt }))
    if (result.kind === 'open') return ok(result.plain)
    if (result.kind === 'wrong-key') return fail({ code: 'secret-store-wrong-key', file, by })
    return damaged('it was changed or cut off')
  }

  /** Undefined: there is no file yet. */
  async function readEncrypted(): Promise<Result<EncryptedFile | undefined>> {
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return ok(undefined)
      return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
    }
    const encrypted = parseEncryptedFile(text)
    return encrypted ? ok(encrypted) : damaged('it is not a file of this kind, or cut off')
  }

  const sourceOfNew = (): KeySource => (keyFile() === '' ? 'passphrase' : 'key-file')

  async function probe(): Promise<Result<null>> {
    const encrypted = await readEncrypted()
    if (!encrypted.ok) return encrypted
    const content = await contentOf(encrypted.value?.header.by ?? sourceOfNew())
    return content.ok ? ok(null) : content
  }

  const backend = fileBackend({
    kind: 'encrypted-file',
    file,
    expected,
    describe: () =>
      `${file}, encrypted with ${keyFile() === '' ? 'a passphrase' : `the content of ${keyFile()}`}${isOpenToOthers(keyFile()) ? ', which other users may read' : ''}`,
    coding: {
      probe,
      async decode(text) {
        const encrypted = parseEncryptedFile(text)
        if (!encrypted) return damaged('it is not a file of this kind, or cut off')
        const content = await contentOf(encrypted.header.by)
        return content.ok ? decryptFile(encrypted, content.value) : content
      },
      async encode(plain) {
        const encrypted = await readEncrypted()
        if (!encrypted.ok) return encrypted
        const by = encrypted.value?.header.by ?? sourceOfNew()
        const content = await contentOf(by)
        if (!content.ok) return content
        const { N, r, p, salt } = encrypted.value?.header.kdf ?? newKdf()
        const kdf = { N, r, p, salt }
        return ok(`${JSON.stringify(encrypt(plain, await keyFrom(content.value, kdf), kdf, by), null, 2)}\n`)
      },
    },
  })

  return {
    ...backend,
    hasPassphrase: () => passphrase !== undefined,
    passphrase: () => passphrase,
    async unlock(keySource) {
      if (keySource.length < minPassphraseChars)
        return fail({
          code: 'bad-input',
          field: 'passphrase',
          wrong: `${keySource.length} characters`,
          allowed: `${minPassphraseChars} characters or more`,
        })
      const encrypted = await readEncrypted()
      if (!encrypted.ok) return encrypted
      if (encrypted.value?.header.by === 'passphrase') {
        const opened = await decryptFile(encrypted.value, Buffer.from(keySource, 'utf8'))
        if (!opened.ok) return opened
      }
      passphrase = keySource
      return ok(null)
    },
  }
}
