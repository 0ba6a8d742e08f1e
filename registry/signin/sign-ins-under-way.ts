import { cookieOf } from '../auth/authenticator.ts'
import type { Cipher } from '../auth/cipher.ts'
import { type Cookies, stateCookieOf, stateCookies } from './cookies.ts'

/** What the registry has to know again when a browser comes back from the provider. */
interface Begun {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly provider: string
  /** Where the provider was told to send the browser. */
  readonly redirectUri: string
  /** Where to go afterwards; checked. */
  readonly target?: string | undefined
}

/** For how long somebody may take at the provider, ms. */
const lifeMs = 10 * 60_000
/** Of one browser; beyond them the oldest is forgotten, or its cookies would outgrow the headers of a request. */
const maxUnderWay = 8

/**
 * The sign-ins under way in a browser, one for each tab. The browser keeps them, each sealed in a cookie of its own.
 */
export interface SignInsUnderWay {
  /** The cookies that add one. `header`: the Cookie header that the browser sent. */
  begin(cookies: Cookies, header: string | undefined, begun: Begun): string[]
  /** The one with this state, if it began in this browser and not too long ago. */
  find(header: string | undefined, state: string): Begun | undefined
  /** The cookie that takes away the one with this state, and no other. */
  end(cookies: Cookies, state: string): string[]
}

export function createSignInsUnderWay(cipher: Cipher, now: () => number = Date.now): SignInsUnderWay {
  const begunAt = (sealed: string): number => Number(cipher.decrypt(sealed)?.['at'] ?? 0)

  return {
    begin(cookies, header, begun) {
      const { target, ...proofs } = begun
      const values = { ...proofs, ...(target === undefined ? {} : { target }), at: String(now()) }
      const before = stateCookies(header).map(({ name, value }) => ({ name, at: begunAt(value) }))
      const oldestFirst = before.sort((a, b) => a.at - b.at)
      const excess = oldestFirst.slice(0, Math.max(0, oldestFirst.length - maxUnderWay + 1))
      const name = stateCookieOf(begun.state)
      return [
        ...new Set(excess.map(one => cookies.noState(one.name))),
        cookies.state(name, cipher.encrypt(values, lifeMs), lifeMs),
      ]
    },
    find(header, asked) {
      const sealed = cookieOf(header, stateCookieOf(asked))
      const { state, nonce, verifier, provider, redirectUri, target } =
        (sealed === undefined ? undefined : cipher.decrypt(sealed)) ?? {}
      if (!state || state !== asked || !nonce || !verifier || !provider || !redirectUri) return undefined
      return { state, nonce, verifier, provider, redirectUri, target }
    },
    end: (cookies, state) => [cookies.noState(stateCookieOf(state))],
  }
}
