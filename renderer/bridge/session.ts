/** The dashboard's proof that its owner opened it: one for all tabs of the browser, sent as a header. */
export const sessionHeader = 'X-Zotbar-Session'
const storageKey = 'zotbar.session'
/** Why the last session of this browser ended, for its other tabs. */
const endedKey = 'zotbar.session.ended'
/** Held while a tab changes the token, so that two tabs never change it at the same time. */
const lockName = 'zotbar.session'
const changeEveryMs = 10 * 60_000
const answerLimitMs = 15_000

/** Why there is no session: never was, a link that does not work, or an end that the core told of. */
const reasons = ['no-session', 'refused', 'ended', 'replayed', 'left'] as const
export type SignedOutReason = (typeof reasons)[number]

/** `session`: there is one now. */
type SignIn = { kind: 'session' } | { kind: 'none'; reason: SignedOutReason } | { kind: 'no-answer' }

interface Stored {
  token: string
  /** Until when it may do everything, ms since the epoch of this browser. */
  fullUntil: number
  changedAt: number
}

/** The session of this browser. It lies in localStorage: what one tab changes, every other one reads before its next call. */
export interface Session {
  /** The token to send now. */
  token(): string | undefined
  fullUntil(): number
  /** Redeems the token of a link, or changes the one that is stored: at each load of a page. */
  enter(link: string | undefined): Promise<SignIn>
  /** Changes the token; without `always` only where no tab did for a while. */
  renew(options: { always: boolean }): Promise<SignIn>
  /** Forgets the token, and says why to the other tabs. */
  forget(reason: SignedOutReason): void
  /** Has the core end the session, and forgets it. */
  leave(): Promise<void>
  /** Why the session ended, as the tab that noticed it says. */
  endedBecause(): SignedOutReason
  /** Calls back when another tab changed, began or left the session. */
  watch(listener: () => void): void
}

/** The one-time token of the address, taken out of the address bar before anything else can read it. */
export function consumeToken(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token === null) return undefined
  history.replaceState(null, '', location.pathname + location.search)
  return token === '' ? undefined : token
}

export function openSession(): Session {
  /** Where the browser stores nothing for this page, the session lasts as long as the page. */
  let unstored: Stored | undefined

  const read = (): Stored | undefined => parseStored(readText(storageKey)) ?? unstored
  function write(next: Stored | undefined): void {
    const isStored = writeText(storageKey, next && JSON.stringify(next))
    unstored = isStored ? undefined : next
  }

  function forget(reason: SignedOutReason): void {
    if (read() === undefined) return
    writeText(endedKey, reason)
    write(undefined)
  }

  /** Sends a request about the session, and stores what it grants. */
  async function ask(path: string, body: unknown, stored: Stored | undefined): Promise<SignIn> {
    let response: Response
    try {
      response = await fetch(path, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(stored === undefined ? {} : { [sessionHeader]: stored.token }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(answerLimitMs),
      })
    } catch {
      return { kind: 'no-answer' }
    }
    const answer: unknown = await response.json().catch(() => undefined)
    const now = Date.now()
    const granted = grantedIn(answer)
    if (granted) {
      write({ token: granted.session, fullUntil: now + granted.fullForMs, changedAt: now })
      return { kind: 'session' }
    }
    // Another tab has a newer one, and has stored it or is about to.
    if (response.ok) return { kind: 'session' }
    if (response.status !== 401) return { kind: 'no-answer' }
    return { kind: 'none', reason: refusalIn(answer) }
  }

  const change = (stored: Stored): Promise<SignIn> => ask('/api/session/change', {}, stored)

  return {
    token: () => read()?.token,
    fullUntil: () => read()?.fullUntil ?? 0,
    enter: link =>
      alone(async () => {
        const stored = read()
        if (link !== undefined) {
          const entered = await ask('/api/session', { token: link }, stored)
          // A link that was used already ends nothing: this browser may be signed in all the same.
          if (entered.kind !== 'none' || stored === undefined) return entered
        }
        return stored === undefined ? { kind: 'none', reason: 'no-session' } : change(stored)
      }),
    renew: ({ always }) =>
      alone(async () => {
        const stored = read()
        if (stored === undefined) return { kind: 'none', reason: endedBecause() }
        const isDue = Math.abs(Date.now() - stored.changedAt) >= changeEveryMs
        return always || isDue ? change(stored) : { kind: 'session' }
      }),
    forget,
    async leave() {
      const stored = read()
      forget('left')
      if (stored !== undefined) await ask('/api/session/end', {}, stored)
    },
    endedBecause,
    watch(listener) {
      window.addEventListener('storage', event => {
        if (event.key === storageKey || event.key === null) listener()
      })
    },
  }
}

/** Runs the work while no other tab does such work. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  // Not there in a browser that does not trust the loopback address.
  return 'locks' in navigator ? navigator.locks.request(lockName, work) : work()
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** Why the session ended, as the tab that noticed it says. */
function endedBecause(): SignedOutReason {
  const reason = readText(endedKey)
  return reasons.find(known => known === reason) ?? 'ended'
}

function readText(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

/** False where the browser stores nothing for this page. */
function writeText(key: string, text: string | undefined): boolean {
  try {
    if (text === undefined) localStorage.removeItem(key)
    else localStorage.setItem(key, text)
    return true
  } catch {
    return false
  }
}

function parseStored(text: string | null): Stored | undefined {
  if (text === null) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return undefined
    const { token, fullUntil, changedAt } = value
    return typeof token === 'string' && typeof fullUntil === 'number' && typeof changedAt === 'number'
      ? { token, fullUntil, changedAt }
      : undefined
  } catch {
    return undefined
  }
}

/** What is granted in the answer `{ok: true, value: {session, fullForMs}}`. */
function grantedIn(body: unknown): { session: string; fullForMs: number } | undefined {
  const value = isObject(body) ? body['value'] : undefined
  if (!isObject(value)) return undefined
  const { session, fullForMs } = value
  return typeof session === 'string' && typeof fullForMs === 'number' ? { session, fullForMs } : undefined
}

/** Why the core refused, in its answer `{ok: false, error: {reason}}`. */
export function refusalIn(body: unknown): SignedOutReason {
  const error = isObject(body) ? body['error'] : undefined
  const reason = isObject(error) ? error['reason'] : undefined
  if (reason === 'token-used') return 'refused'
  return reason === 'session-replayed' ? 'replayed' : 'ended'
}
