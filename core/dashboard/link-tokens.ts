import { digestOf, isSameDigest } from './session-family.ts'

const linkLimits = { tokenMs: 10 * 60_000, tokens: 64 } as const

/** The one-time tokens of links: 32 random bytes as base64url, of which only digests are held, in memory. */
export interface LinkTokens {
  /** A new token: good once, for ten minutes. The oldest go when there are too many. */
  create(): string
  /** Whether it is one that was given out and not used yet; from now on it is used. */
  use(token: string): boolean
  clear(): void
}

interface Sources {
  /** ms since the epoch. */
  now(): number
  randomBytes(count: number): Buffer
}

export function createLinkTokens({ now, randomBytes }: Sources): LinkTokens {
  let given: { digest: string; at: number }[] = []
  const fresh = () => given.filter(({ at }) => now() - at < linkLimits.tokenMs)
  return {
    create() {
      const token = randomBytes(32).toString('base64url')
      given = [...fresh(), { digest: digestOf(token), at: now() }].slice(-linkLimits.tokens)
      return token
    },
    use(token) {
      const digest = digestOf(token)
      const left = fresh()
      // Each is compared, whatever was found: how long that takes says nothing.
      const others = left.filter(entry => !isSameDigest(entry.digest, digest))
      given = others
      return others.length < left.length
    },
    clear() {
      given = []
    },
  }
}
