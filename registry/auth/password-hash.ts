import { createHash, timingSafeEqual } from 'node:crypto'
import { compareSync } from 'bcryptjs'

/** A parsed `$5$` or `$6$` entry. */
interface ShaCrypt {
  readonly algorithm: 'sha256' | 'sha512'
  readonly rounds: number
  readonly salt: string
  /** In crypt's own base 64. */
  readonly encoded: string
}

const form = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$:\s]{0,64})\$([./0-9A-Za-z]+)$/
const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function parseShaCrypt(text: string): ShaCrypt | undefined {
  const found = form.exec(text)
  const encoded = found?.[4] ?? ''
  const wide = found?.[1] === '6'
  if (!found || encoded.length !== (wide ? 86 : 43)) return undefined
  return {
    algorithm: wide ? 'sha512' : 'sha256',
    rounds: Math.max(1000, Number(found[2] ?? 5000)),
    salt: (found[3] ?? '').slice(0, 16),
    encoded,
  }
}

/**
 * SHA-crypt as crypt(3) does it; the steps are numbered as in the specification.
 * https://www.akkadia.org/drepper/SHA-crypt.txt
 */
function shaCrypt(password: string, { algorithm, rounds, salt }: Omit<ShaCrypt, 'encoded'>): string {
  const hash = (...parts: readonly Uint8Array[]): Buffer => {
    const hashing = createHash(algorithm)
    for (const part of parts) hashing.update(part)
    return hashing.digest()
  }
  const key = Buffer.from(password)
  const saltBytes = Buffer.from(salt)
  // 4 to 8
  const b = hash(key, saltBytes, key)
  // 1 to 3, 9 to 12
  const parts: Uint8Array[] = [key, saltBytes, repeated(b, key.length)]
  for (let length = key.length; length > 0; length >>>= 1) parts.push(length & 1 ? b : key)
  let digest = hash(...parts)
  // 13 to 16
  const p = repeated(hash(...Array<Buffer>(key.length).fill(key)), key.length)
  // 17 to 20
  const s = repeated(hash(...Array<Buffer>(16 + (digest[0] ?? 0)).fill(saltBytes)), saltBytes.length)
  // 21
  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1
    const turn: Uint8Array[] = [odd ? p : digest]
    if (round % 3 !== 0) turn.push(s)
    if (round % 7 !== 0) turn.push(p)
    turn.push(odd ? digest : p)
    digest = hash(...turn)
  }
  // 22
  return algorithm === 'sha512' ? encode(digest, 21, 63) : encode(digest, 10, 30)
}

function repeated(block: Buffer, length: number): Buffer {
  return Buffer.alloc(length, block.length === 0 ? 0 : block)
}

/** Three bytes at a time, from places that rotate; then what remains. */
function encode(digest: Buffer, third: number, whole: number): string {
  const wide = digest.length === 64
  let text = ''
  let [a, b, c] = [0, third, 2 * third]
  while (text.length < (whole / 3) * 4) {
    text += group(digest, [a, b, c], 4)
    ;[a, b, c] = wide ? [b + 1, c + 1, a + 1] : [c + 1, a + 1, b + 1]
  }
  return text + (wide ? group(digest, [-1, -1, 63], 2) : group(digest, [-1, 31, 30], 3))
}

/** The first place is the highest byte; -1 is none. */
function group(digest: Buffer, places: readonly number[], characters: number): string {
  let value = places.reduce((sum, place) => (sum << 8) | (place < 0 ? 0 : (digest[place] ?? 0)), 0)
  let text = ''
  for (let left = characters; left > 0; left--) {
    text += alphabet[value & 63] ?? ''
    value >>>= 6
  }
  return text
}

/** Beyond these one check would take seconds. */
const maxCost = 14
const maxRounds = 1_000_000

const bcryptForm = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** A rough price, to distinguish equally slow hashes from others: same text, same time. */
type Effort = string
export type HashCheck = { ok: true; effort: Effort } | { ok: false; problem: string }

/** Whether a hash of an htpasswd file is one that passwords can be checked against. */
export function checkHash(hash: string): HashCheck {
  if (/^\$2[aby]\$/.test(hash)) {
    const cost = Number(bcryptForm.exec(hash)?.[1] ?? Number.NaN)
    if (!(cost >= 4 && cost <= 31)) return { ok: false, problem: 'a malformed bcrypt hash' }
    if (cost > maxCost)
      return { ok: false, problem: `bcrypt cost ${cost} is over ${maxCost}: each login would take seconds` }
    return { ok: true, effort: `bcrypt ${cost}` }
  }
  if (/^\$[56]\$/.test(hash)) {
    const parsed = parseShaCrypt(hash)
    if (!parsed) return { ok: false, problem: 'a malformed SHA-crypt hash' }
    const { algorithm, rounds } = parsed
    if (rounds > maxRounds)
      return {
        ok: false,
        problem: `${rounds} rounds of SHA-crypt are over ${maxRounds}: each login would take seconds`,
      }
    return { ok: true, effort: `${algorithm} ${rounds}` }
  }
  return { ok: false, problem: `${nameOf(hash)} is not supported: use bcrypt (htpasswd -B), $5$ or $6$` }
}

function nameOf(hash: string): string {
  if (/^\$apr1\$/.test(hash)) return 'an MD5 hash (apr1)'
  if (/^\{SHA\}/i.test(hash)) return 'an unsalted SHA-1 hash'
  if (/^\$[a-z0-9]+\$/i.test(hash)) return `the scheme ${/^\$[a-z0-9]+\$/i.exec(hash)?.[0]}`
  return 'an unknown scheme (crypt or plain text)'
}

/** Takes long: 50 ms and more. Hashes that `checkHash` refuses match nothing. */
export function verifyPassword(password: string, hash: string): boolean {
  if (!checkHash(hash).ok) return false
  const sha = parseShaCrypt(hash)
  if (!sha) return compareSync(password, hash)
  const made = Buffer.from(shaCrypt(password, sha))
  const kept = Buffer.from(sha.encoded)
  return made.length === kept.length && timingSafeEqual(made, kept)
}
