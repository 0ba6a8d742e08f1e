import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  scrypt,
  timingSafeEqual,
} from 'node:crypto'
import * as v from 'valibot'

/** What unlocks it: the content of a key file, or a passphrase. */
export type KeySource = 'key-file' | 'passphrase'

const base64 = (bytes: number) =>
  v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9+/]+={0,2}$/),
    v.check(text => Buffer.from(text, 'base64').length === bytes),
  )

/** The limits keep a file that was tampered with from taking all memory or time. */
const headerSchema = v.strictObject({
  zotbarKeys: v.literal(1),
  by: v.picklist(['key-file', 'passphrase']),
  cipher: v.literal('aes-256-gcm'),
  kdf: v.strictObject({
    name: v.literal('scrypt'),
    N: v.pipe(v.picklist([15, 16, 17, 18, 19, 20].map(log => 2 ** log))),
    r: v.literal(8),
    p: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4)),
    salt: base64(16),
  }),
  /** Tells another key from damage, without telling anything of the key. */
  check: base64(32),
  nonce: base64(12),
})
const fileSchema = v.strictObject({
  header: headerSchema,
  tag: base64(16),
  data: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]*={0,2}$/)),
})

type Header = v.InferOutput<typeof headerSchema>
export type EncryptedFile = v.InferOutput<typeof fileSchema>
export type Kdf = Pick<Header['kdf'], 'N' | 'r' | 'p' | 'salt'>

/** About 0.1 s and 32 MB on the way in; whoever guesses pays it for each guess. RFC 7914. */
export const newKdf = (): Kdf => ({ N: 2 ** 15, r: 8, p: 1, salt: randomBytes(16).toString('base64') })

/** 32 bytes. Rejects only where memory is short. */
export function deriveKey(content: Uint8Array, { N, r, p, salt }: Kdf): Promise<Buffer> {
  const derived = Promise.withResolvers<Buffer>()
  const limits = { N, r, p, maxmem: 128 * N * r + 1024 * 1024 }
  scrypt(content, Buffer.from(salt, 'base64'), 32, limits, (error, key) =>
    error ? derived.reject(error) : derived.resolve(key),
  )
  return derived.promise
}

/** AES-256-GCM with a nonce of its own (NIST SP 800-38D); the header is authenticated with the data. */
export function encrypt(plain: string, key: Buffer, kdf: Kdf, by: KeySource): EncryptedFile {
  const header: Header = {
    zotbarKeys: 1,
    by,
    cipher: 'aes-256-gcm',
    kdf: { name: 'scrypt', N: kdf.N, r: kdf.r, p: kdf.p, salt: kdf.salt },
    check: keyCheckOf(key).toString('base64'),
    nonce: randomBytes(12).toString('base64'),
  }
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.from(header.nonce, 'base64'))
  cipher.setAAD(authenticatedHeader(header))
  const data = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return { header, tag: cipher.getAuthTag().toString('base64'), data: data.toString('base64') }
}

export type DecryptResult = { kind: 'open'; plain: string } | { kind: 'wrong-key' } | { kind: 'damaged' }

/** Tells another key from data that was changed. */
export function decrypt({ header, tag, data }: EncryptedFile, key: Buffer): DecryptResult {
  if (!timingSafeEqual(keyCheckOf(key), Buffer.from(header.check, 'base64'))) return { kind: 'wrong-key' }
  try {
    const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(header.nonce, 'base64'), {
      authTagLength: 16,
    })
    cipher.setAAD(authenticatedHeader(header))
    cipher.setAuthTag(Buffer.from(tag, 'base64'))
    const plain = Buffer.concat([cipher.update(Buffer.from(data, 'base64')), cipher.final()])
    return { kind: 'open', plain: plain.toString('utf8') }
  } catch {
    return { kind: 'damaged' }
  }
}

/** Undefined: not such a file, or cut off. */
export function parseEncryptedFile(text: string): EncryptedFile | undefined {
  try {
    const read = v.safeParse(fileSchema, JSON.parse(text))
    return read.success ? read.output : undefined
  } catch {
    return undefined
  }
}

/** The header as it is authenticated: its fields in one order, whatever order the file has. */
const authenticatedHeader = ({ zotbarKeys, by, cipher, kdf, check, nonce }: Header): Buffer =>
  Buffer.from(JSON.stringify([zotbarKeys, by, cipher, kdf.name, kdf.N, kdf.r, kdf.p, kdf.salt, check, nonce]))

const keyCheckOf = (key: Buffer): Buffer =>
  createHmac('sha256', key).update('zotbar keys: which key').digest()
