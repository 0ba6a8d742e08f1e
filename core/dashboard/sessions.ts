import { createHash, timingSafeEqual } from 'node:crypto'

/** The time and the randomness of tokens and sessions: injected, so that tests decide both. */
export interface SessionSources {
  /** ms since the epoch. */
  now(): number
  randomBytes(count: number): Buffer
}

export interface SessionLimits {
  tokenMs: number
  idleMs: number
  tokens: number
  sessions: number
}

const sessionLimits: SessionLimits = {
  tokenMs: 10 * 60_000,
  idleMs: 12 * 3_600_000,
  tokens: 64,
  sessions: 32,
}

/**
 * One-time tokens and the sessions they are exchanged for. Both are 32 random bytes as base64url, both are kept only
 * as SHA-256 and both end with the app. The oldest go when there are too many.
 */
export interface Sessions {
  /** A new token: good once, for ten minutes. */
  createToken(): string
  /** The session for a token; undefined when it was used, is too old or was never given out. */
  redeem(token: string): string | undefined
  /** Whether the session lives; if so it counts as used now. */
  check(session: string): boolean
  /** Keeps a session from ageing while an event stream of it is open; returns the end of that. */
  hold(session: string): () => void
}

interface Entry {
  digest: Buffer
  at: number
  held: number
}

export function sessions(sources: SessionSources, limits: SessionLimits = sessionLimits): Sessions {
  let tokens: Entry[] = []
  let live: Entry[] = []
  const secret = (): string => sources.randomBytes(32).toString('base64url')
  const withEntry = (list: Entry[], text: string, max: number): Entry[] =>
    [...list, { digest: digestOf(text), at: sources.now(), held: 0 }].slice(-max)
  const fresh = (list: Entry[], limitMs: number): Entry[] =>
    list.filter(entry => entry.held > 0 || sources.now() - entry.at < limitMs)
  const session = (text: string): Entry | undefined => {
    live = fresh(live, limits.idleMs)
    return find(live, text)
  }

  return {
    createToken() {
      const token = secret()
      tokens = withEntry(fresh(tokens, limits.tokenMs), token, limits.tokens)
      return token
    },
    redeem(token) {
      tokens = fresh(tokens, limits.tokenMs)
      const entry = find(tokens, token)
      if (!entry) return undefined
      tokens = tokens.filter(other => other !== entry)
      const text = secret()
      // The one used longest ago stands first and is the one to go.
      live = withEntry(
        fresh(live, limits.idleMs).sort((a, b) => a.at - b.at),
        text,
        limits.sessions,
      )
      return text
    },
    check(text) {
      const entry = session(text)
      if (entry) entry.at = sources.now()
      return entry !== undefined
    },
    hold(text) {
      const entry = session(text)
      if (!entry) return () => undefined
      entry.held += 1
      let open = true
      return () => {
        if (!open) return
        open = false
        entry.held -= 1
        entry.at = sources.now()
      }
    },
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Looks at all of them whatever it finds, each compared in constant time. */
function find(list: Entry[], text: string): Entry | undefined {
  const digest = digestOf(text)
  let match: Entry | undefined
  for (const entry of list) if (timingSafeEqual(entry.digest, digest)) match = entry
  return match
}
