import { timingSafeEqual } from 'node:crypto'
import { compareSync } from 'bcryptjs'
import { parseShaCrypt, shaCrypt } from './sha-crypt.ts'

/** Beyond these one check would take seconds. */
const maxCost = 14
const maxRounds = 1_000_000

const bcryptForm = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** A rough price, to tell equally slow hashes from others: same text, same time. */
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
