import { createHash } from 'node:crypto'
import { constants, statSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import {
  deriveKey,
  type Kdf,
  type KeySource,
  newKdf,
  parseSealed,
  type Sealed,
  seal,
  unseal,
} from './encryption.ts'
import { mapFile } from './file-backend.ts'
import type { Place } from './secret-backend.ts'

/** From a good source that is enough; from a bad one no length is. */
const fewestBytes = 8
const mostBytes = 64 * 1024

/** The content of the file that unlocks the encrypted store. Refused where others could put another one in its place. */
async function readKeyFile(file: string): Promise<Result<Buffer>> {
  const refuse = (reason: string) => fail({ code: 'key-file-unusable', file, reason })
  try {
    // Without waiting for whoever writes into a pipe.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const found = await handle.stat()
      if (!found.isFile()) return refuse('it is not a file')
      if ((found.mode & 0o022) !== 0)
        return refuse(`other users may write to it (mode ${octal(found.mode)}); do this: chmod 600 FILE`)
      if (found.size === 0) return refuse('it is empty')
      if (found.size < fewestBytes)
        return refuse(`it has ${found.size} bytes, and needs ${fewestBytes} at least`)
      if (found.size > mostBytes) return refuse('it is larger than 64 kB')
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
 * Whether other users may read it too, as with a secret that a container or a service manager hands over. It is used,
 * and told wherever the place of the keys is named.
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
}

export interface EncryptedPlace extends Place {
  /** Kept in memory until the app ends. Refused where it does not open the file that is there. */
  unlock(passphrase: string): Promise<Result<null>>
  hasPassphrase(): boolean
}

const fewestCharacters = 12

/** `keys.enc`: AES-256-GCM, its key from a key file or a passphrase by scrypt. */
export function encryptedPlace({ folder, keyFile, expected }: Options): EncryptedPlace {
  const file = join(folder, 'keys.enc')
  let passphrase: string | undefined
  /** The last derived key: deriving takes a tenth of a second on purpose. */
  let derived: { of: string; key: Buffer } | undefined

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

  async function decrypt(sealed: Sealed, content: Buffer): Promise<Result<string>> {
    const { by } = sealed.header
    const { N, r, p, salt } = sealed.header.kdf
    const unsealed = unseal(sealed, await keyFrom(content, { N, r, p, salt }))
    if (unsealed.kind === 'open') return ok(unsealed.plain)
    if (unsealed.kind === 'wrong-key') return fail({ code: 'secret-store-wrong-key', file, by })
    return damaged('it was changed or cut off')
  }

  const damaged = (reason: string) => fail({ code: 'secret-store-damaged', file, reason })

  /** Undefined: there is no file yet. */
  async function existing(): Promise<Result<Sealed | undefined>> {
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return ok(undefined)
      return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
    }
    const sealed = parseSealed(text)
    return sealed ? ok(sealed) : damaged('it is not a file of this kind, or cut off')
  }

  const sourceOfNew = (): KeySource => (keyFile() === '' ? 'passphrase' : 'key-file')

  async function probe(): Promise<Result<null>> {
    const sealed = await existing()
    if (!sealed.ok) return sealed
    const content = await contentOf(sealed.value?.header.by ?? sourceOfNew())
    return content.ok ? ok(null) : content
  }

  const place = mapFile({
    kind: 'encrypted-file',
    file,
    expected,
    describe: () =>
      `${file}, encrypted with ${keyFile() === '' ? 'a passphrase' : `the content of ${keyFile()}`}${isOpenToOthers(keyFile()) ? ', which other users may read' : ''}`,
    coding: {
      probe,
      async decode(text) {
        const sealed = parseSealed(text)
        if (!sealed) return damaged('it is not a file of this kind, or cut off')
        const content = await contentOf(sealed.header.by)
        return content.ok ? decrypt(sealed, content.value) : content
      },
      async encode(plain) {
        const sealed = await existing()
        if (!sealed.ok) return sealed
        const by = sealed.value?.header.by ?? sourceOfNew()
        const content = await contentOf(by)
        if (!content.ok) return content
        const { N, r, p, salt } = sealed.value?.header.kdf ?? newKdf()
        const kdf = { N, r, p, salt }
        return ok(`${JSON.stringify(seal(plain, await keyFrom(content.value, kdf), kdf, by), null, 2)}\n`)
      },
    },
  })

  return {
    ...place,
    hasPassphrase: () => passphrase !== undefined,
    async unlock(given) {
      if (given.length < fewestCharacters)
        return fail({
          code: 'bad-input',
          field: 'passphrase',
          wrong: `${given.length} characters`,
          allowed: `${fewestCharacters} characters or more`,
        })
      const sealed = await existing()
      if (!sealed.ok) return sealed
      if (sealed.value?.header.by === 'passphrase') {
        const opened = await decrypt(sealed.value, Buffer.from(given, 'utf8'))
        if (!opened.ok) return opened
      }
      passphrase = given
      return ok(null)
    },
  }
}
