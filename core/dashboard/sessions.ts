import { createHash, timingSafeEqual } from 'node:crypto'

/** The time and the dice of tokens and sessions: injected, so that tests decide both. */
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
  mint(): string
  /** The session for a token; undefined when it was used, is too old or was never given out. */
  redeem(token: string): string | undefined
  /** Whether the session lives; if so it counts as used now. */
  check(session: string): boolean
  /** Keeps a session from ageing while an event stream of it is open; returns the end of that. */
  hold(session: string): () => void
}

interface Kept {
  digest: Buffer
  at: number
  held: number
}

export function sessions(sources: SessionSources, limits: SessionLimits = sessionLimits): Sessions {
  let tokens: Kept[] = []
  let live: Kept[] = []
  const secret = (): string => sources.randomBytes(32).toString('base64url')
  const keep = (list: Kept[], text: string, most: number): Kept[] =>
    [...list, { digest: digestOf(text), at: sources.now(), held: 0 }].slice(-most)
  const fresh = (list: Kept[], limitMs: number): Kept[] =>
    list.filter(kept => kept.held > 0 || sources.now() - kept.at < limitMs)
  const session = (text: string): Kept | undefined => {
    live = fresh(live, limits.idleMs)
    return find(live, text)
  }

  return {
    mint() {
      const token = secret()
      tokens = keep(fresh(tokens, limits.tokenMs), token, limits.tokens)
      return token
    },
    redeem(token) {
      tokens = fresh(tokens, limits.tokenMs)
      const found = find(tokens, token)
      if (!found) return undefined
      tokens = tokens.filter(kept => kept !== found)
      const text = secret()
      // The one used longest ago stands first and is the one to go.
      live = keep(
        fresh(live, limits.idleMs).sort((a, b) => a.at - b.at),
        text,
        limits.sessions,
      )
      return text
    },
    check(text) {
      const found = session(text)
      if (found) found.at = sources.now()
      return found !== undefined
    },
    hold(text) {
      const found = session(text)
      if (!found) return () => undefined
      found.held += 1
      let open = true
      return () => {
        if (!open) return
        open = false
        found.held -= 1
        found.at = sources.now()
      }
    },
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Looks at all of them whatever it finds, each compared in constant time. */
function find(list: Kept[], text: string): Kept | undefined {
  const digest = digestOf(text)
  let found: Kept | undefined
  for (const kept of list) if (timingSafeEqual(kept.digest, digest)) found = kept
  return found
}
