import { LRUCache } from 'lru-cache'
import { bearerOf } from '../token/challenge.ts'
import { isKeyForm } from './api-key.ts'
import type { Htpasswd } from './htpasswd.ts'
import type { Identity } from './identity.ts'
import { createThrottle, type Throttle } from './throttle.ts'

interface Basic {
  readonly user: string
  readonly password: string
}

const form = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i

/**
 * Reads an Authorization header. `none`: nobody claims to be anybody (Docker sends an empty pair, too).
 * https://www.rfc-editor.org/rfc/rfc7617
 */
function parseBasic(header: string): Basic | 'none' | 'malformed' {
  if (header === '') return 'none'
  const encoded = form.exec(header)?.[1]
  if (encoded === undefined) return 'malformed'
  const text = Buffer.from(encoded, 'base64').toString()
  if (text === ':') return 'none'
  const colon = text.indexOf(':')
  // A zero byte ends a password for some of the programs that make htpasswd files.
  if (colon < 1 || text.includes('\0')) return 'malformed'
  return { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** The value of a cookie that came exactly once: of two, one was planted. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined
  const found = header
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${name}=`))
  return found.length === 1 ? found[0]?.slice(name.length + 1) : undefined
}

/** What a request brings along. */
export interface Credentials {
  /** Every Authorization header, as it came. */
  readonly authorization: readonly string[]
  readonly cookie?: string | undefined
  /** The header X-ZOT-API-CLIENT, which no page of another site can send. */
  readonly apiClient?: string | undefined
  /** Of the client, without port. */
  readonly address: string
}

type RefusalReason = 'several' | 'malformed' | 'wrong' | 'expired' | 'throttled' | 'busy' | 'token'

export type Answer =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'known'; readonly identity: Identity }
  /** `retryAfter` in seconds, with 429. The reason is for the log: clients hear the same of all 401s. */
  | {
      readonly kind: 'refused'
      readonly status: 401 | 429
      readonly reason: RefusalReason
      readonly retryAfter?: number
    }

export interface Authenticator {
  /** At once when nothing slow has to be checked. Wrong credentials are never nobody. */
  authenticate(credentials: Credentials): Answer | Promise<Answer>
}

export interface AuthenticatorOptions {
  readonly htpasswd?: Pick<Htpasswd, 'knows' | 'verify'> | undefined
  readonly apiKeys?: { find(user: string, secret: string): Identity | 'expired' | undefined } | undefined
  readonly tokens?: { find(token: string): Identity | 'nobody' | undefined } | undefined
  readonly sessions?: { find(id: string): Identity | undefined } | undefined
  /** ms to wait before a wrong credential is answered. */
  readonly failDelay?: number
  readonly throttle?: Throttle
  readonly now?: () => number
  readonly delay?: (ms: number) => Promise<void>
}

export const sessionCookie = 'session'
const uiClient = 'zot-ui'
/** Answers held back at a time; each holds a connection. */
const maxDelayed = 1000

const anonymous: Answer = { kind: 'anonymous' }
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/**
 * Finds out who asks: user and password or API key by HTTP Basic, or a token, else the session of a page that says it
 * is ours. Without any way to show who one is, everybody is nobody.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { htpasswd, apiKeys, tokens, sessions, failDelay = 0, now = Date.now, delay = sleep } = options
  const throttle = options.throttle ?? createThrottle({ now })
  // The same object for the same user: what is remembered about it is found again.
  const locals = new LRUCache<string, Answer>({ max: 1000 })
  let delayed = 0

  const local = (user: string): Answer => {
    let answer = locals.get(user)
    if (!answer) {
      answer = { kind: 'known', identity: { user, groups: [], origin: 'local', via: 'htpasswd' } }
      locals.set(user, answer)
    }
    return answer
  }

  const refuse = (reason: RefusalReason): Answer | Promise<Answer> => {
    const answer: Answer = { kind: 'refused', status: 401, reason }
    if (failDelay <= 0 || delayed >= maxDelayed) return answer
    delayed++
    return delay(failDelay).then(() => {
      delayed--
      return answer
    })
  }

  const checkPassword = async (
    passwords: Pick<Htpasswd, 'verify'>,
    user: string,
    password: string,
    address: string,
  ): Promise<Answer> => {
    const answer = await passwords.verify(user, password, address)
    if (answer === 'busy') return { kind: 'refused', status: 429, reason: 'busy', retryAfter: 2 }
    if (answer === 'match') {
      throttle.succeeded(address, user)
      return local(user)
    }
    throttle.failed(address, user)
    return await refuse('wrong')
  }

  const basic = (header: string, address: string): Answer | Promise<Answer> => {
    const read = parseBasic(header)
    if (read === 'none') return anonymous
    if (read === 'malformed') return refuse('malformed')
    const { user, password } = read
    // Looked at first as it costs nothing; a string that is both key and password means the same user.
    if (apiKeys && isKeyForm(password)) {
      const found = apiKeys.find(user, password)
      if (found === 'expired') return refuse('expired')
      if (found) return { kind: 'known', identity: found }
    }
    if (!htpasswd) return refuse('wrong')
    if (htpasswd.knows(user, password)) return local(user)
    const wait = throttle.wait(address, user)
    if (wait > 0) {
      return { kind: 'refused', status: 429, reason: 'throttled', retryAfter: Math.ceil(wait / 1000) }
    }
    return checkPassword(htpasswd, user, password, address)
  }

  // The answer of an identity, for as long as it is the same object.
  const answers = new WeakMap<Identity, Answer>()
  const bearer = (token: string): Answer => {
    const found = tokens?.find(token)
    // Not counted as a guess: a token is sealed, and ends in the hands of an honest client every few minutes.
    if (found === undefined) return { kind: 'refused', status: 401, reason: 'token' }
    if (found === 'nobody') return anonymous
    let answer = answers.get(found)
    if (!answer) {
      answer = { kind: 'known', identity: found }
      answers.set(found, answer)
    }
    return answer
  }

  return {
    authenticate: ({ authorization, cookie, apiClient, address }) => {
      if (!htpasswd && !apiKeys && !sessions) return anonymous
      if (authorization.length > 1) return refuse('several')
      const header = authorization[0] ?? ''
      const token = tokens && bearerOf(header)
      if (token !== undefined) return bearer(token)
      const answer = basic(header, address)
      if (answer !== anonymous || !sessions || apiClient !== uiClient) return answer
      const id = cookieOf(cookie, sessionCookie)
      const identity = id === undefined ? undefined : sessions.find(id)
      return identity ? { kind: 'known', identity } : anonymous
    },
  }
}
