import { LRUCache } from 'lru-cache'
import { isObject, parseJson } from '../../lib/json.ts'
import { type Cipher, createCipher } from '../auth/cipher.ts'
import type { Identity } from '../auth/identity.ts'
import type { ActionSet } from '../auth/scope.ts'
import type { AskedScopes } from './token-scope.ts'

interface IssuedToken {
  readonly token: string
  /** Seconds. */
  readonly expiresIn: number
  /** ms since the epoch. */
  readonly issuedAt: number
}

/**
 * Tokens that stand for a user, a key or nobody for a few minutes. The client keeps them, sealed by this process; what
 * they stand for is looked up again at each use.
 */
export interface Tokens {
  /** Undefined: whoever asks is gone meanwhile, or came in a way that no token stands for. */
  issue(holder: Identity | undefined, granted: AskedScopes): IssuedToken | undefined
  /** Who shows this token; undefined: it is no token, or its time or its holder's is over. */
  find(token: string): Identity | 'nobody' | undefined
}

export interface TokensOptions {
  readonly apiKeys:
    | {
        living(uuid: string): Identity | undefined
        get(uuid: string): { readonly expiresAt: number } | undefined
      }
    | undefined
  /** Stands for the password that a user has now; undefined: there is no such user. */
  readonly stampOf: (user: string) => string | undefined
  readonly lifeMs: number
  readonly now?: () => number
  readonly cipher?: Cipher
}

export type TokenLife = { ok: true; lifeMs: number } | { ok: false; message: string }

const variable = 'ZOTBAR_TOKEN_SECONDS'
/** Under a minute clients take for a minute. https://distribution.github.io/distribution/spec/auth/token/ */
const minSeconds = 60
const maxSeconds = 300

/**
 * config.json belongs to zot, whose loader refuses keys it does not know, so the life of tokens comes from the
 * environment: ZOTBAR_TOKEN_SECONDS, 60 to 300 (300); what is beyond counts as the nearest of these.
 */
export function tokenLifeOf(environment: Readonly<Record<string, string | undefined>>): TokenLife {
  const text = environment[variable] ?? ''
  if (!/^\d{0,9}$/.test(text)) {
    return {
      ok: false,
      message: `${variable} is not a number of seconds from ${minSeconds} to ${maxSeconds}`,
    }
  }
  const seconds = text === '' ? maxSeconds : Math.min(maxSeconds, Math.max(minSeconds, Number(text)))
  return { ok: true, lifeMs: seconds * 1000 }
}

/** A token that was read once. */
interface Read {
  readonly until: number
  readonly keyId: string | undefined
  readonly user: string | undefined
  readonly stamp: string | undefined
  readonly repositories: ReadonlyMap<string, ActionSet>
  readonly catalog: boolean
  /** The same object while the holder is the same: what is remembered about it is found again. */
  identity: Identity | undefined
}

/** Characters of tokens that are remembered as read. */
const maxRemembered = 4_000_000

export function createTokens(options: TokensOptions): Tokens {
  const { apiKeys, stampOf, lifeMs, now = Date.now } = options
  const cipher = options.cipher ?? createCipher(now)
  const remembered = new LRUCache<string, Read>({
    maxSize: maxRemembered,
    sizeCalculation: (_read, token) => token.length,
  })
  // The same object for all tokens of a user: what is remembered about it is kept once.
  const locals = new LRUCache<string, Identity>({ max: 1000 })
  const local = (user: string): Identity => {
    const holder = locals.get(user) ?? { user, groups: [], origin: 'local', via: 'htpasswd' }
    locals.set(user, holder)
    return holder
  }

  const read = (token: string): Read | undefined => {
    const values = cipher.decrypt(token)
    if (!values) return undefined
    const { key, user, stamp, until, rights = '{}', catalog } = values
    return {
      until: Number(until),
      keyId: key,
      user,
      stamp,
      repositories: parseRights(rights),
      catalog: catalog !== undefined,
      identity: undefined,
    }
  }

  /** Its identity as its holder is now. */
  const identityOf = (found: Read, holder: Identity): Identity => {
    if (found.identity?.grant?.holder === holder) return found.identity
    const { repositories, catalog } = found
    found.identity = { ...holder, via: 'token', grant: { holder, repositories, catalog } }
    return found.identity
  }

  const holderOf = (found: Read): Identity | undefined => {
    if (found.keyId !== undefined) return apiKeys?.living(found.keyId)
    const { user } = found
    if (user === undefined || found.stamp === undefined || stampOf(user) !== found.stamp) return undefined
    return local(user)
  }

  return {
    issue(holder, { repositories, catalog }) {
      const issuedAt = now()
      const standsFor: Record<string, string> = {}
      let life = lifeMs
      if (holder?.via === 'apikey' && holder.keyId !== undefined) {
        const key = apiKeys?.get(holder.keyId)
        if (!key || key.expiresAt <= issuedAt) return undefined
        life = Math.min(life, key.expiresAt - issuedAt)
        standsFor['key'] = holder.keyId
      } else if (holder?.via === 'htpasswd') {
        const stamp = stampOf(holder.user)
        if (stamp === undefined) return undefined
        standsFor['user'] = holder.user
        standsFor['stamp'] = stamp
      } else if (holder) return undefined
      const values = {
        ...standsFor,
        until: String(issuedAt + life),
        // Nobody's rights are everybody's: there is nothing to hold.
        ...(holder && repositories.size > 0
          ? { rights: JSON.stringify(Object.fromEntries(repositories)) }
          : {}),
        ...(holder && catalog ? { catalog: '' } : {}),
      }
      const expiresIn = Math.max(1, Math.floor(life / 1000))
      return { token: cipher.encrypt(values, life), expiresIn, issuedAt }
    },
    find(token) {
      let found = remembered.get(token)
      if (!found) {
        found = read(token)
        if (!found) return undefined
        remembered.set(token, found)
      }
      if (found.until <= now()) return undefined
      if (found.keyId === undefined && found.user === undefined) return 'nobody'
      const holder = holderOf(found)
      return holder && identityOf(found, holder)
    },
  }
}

function parseRights(text: string): ReadonlyMap<string, ActionSet> {
  const value = parseJson(text)
  const rights = new Map<string, ActionSet>()
  for (const [name, set] of Object.entries(isObject(value) ? value : {})) {
    if (typeof set === 'number') rights.set(name, set)
  }
  return rights
}
