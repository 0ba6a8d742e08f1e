import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { isObject, parseJson } from '../../lib/json.ts'

const algorithm = 'aes-256-gcm'
const ivLength = 12
const tagLength = 16

/** Lets others keep what only this process may read and write: a browser a cookie, a client a token. */
export interface Cipher {
  /** `life` in ms. */
  encrypt(values: Readonly<Record<string, string>>, life: number): string
  /** Undefined for anything that was not sealed here, was changed, or is too old. */
  decrypt(text: string): Readonly<Record<string, string>> | undefined
}

/** The key lives as long as the process: what is sealed is void after a restart. `now`: ms since the epoch. */
export function createCipher(now: () => number = Date.now, key: Buffer = randomBytes(32)): Cipher {
  return {
    encrypt: (values, life) => {
      const iv = randomBytes(ivLength)
      const cipher = createCipheriv(algorithm, key, iv)
      const text = JSON.stringify({ values, until: now() + life })
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
    },
    decrypt: text => {
      const bytes = Buffer.from(text, 'base64url')
      // Node passes over what is no base64, and one sealed text is to have one form.
      if (bytes.length <= ivLength + tagLength || bytes.toString('base64url') !== text) return undefined
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivLength), {
        authTagLength: tagLength,
      })
      decipher.setAuthTag(bytes.subarray(ivLength, ivLength + tagLength))
      let plain: string
      try {
        plain =
          decipher.update(bytes.subarray(ivLength + tagLength), undefined, 'utf8') + decipher.final('utf8')
      } catch {
        return undefined
      }
      const read = parseJson(plain)
      if (!isObject(read) || !isObject(read['values']) || typeof read['until'] !== 'number') return undefined
      if (read['until'] <= now()) return undefined
      const values: Record<string, string> = {}
      for (const [name, value] of Object.entries(read['values'])) {
        if (typeof value === 'string') values[name] = value
      }
      return values
    },
  }
}
