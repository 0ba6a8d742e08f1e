/** The dashboard's proof that its owner opened it: stored in this tab only, sent as a header. */
export const sessionHeader = 'X-Zotbar-Session'
const storageKey = 'zotbar.session'

export type SignIn =
  | { kind: 'session'; session: string }
  | { kind: 'none' }
  | { kind: 'refused' }
  | { kind: 'no-answer' }

/** The one-time token of the address, taken out of the address bar before anything else can read it. */
export function consumeToken(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token === null) return undefined
  history.replaceState(null, '', location.pathname + location.search)
  return token === '' ? undefined : token
}

/** A session: the one of this tab, or the one that a token from the address is exchanged for. */
export async function signIn(token: string | undefined): Promise<SignIn> {
  if (token === undefined) {
    const session = sessionStorage.getItem(storageKey)
    return session === null ? { kind: 'none' } : { kind: 'session', session }
  }
  let response: Response
  try {
    response = await fetch('/api/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    })
  } catch {
    return { kind: 'no-answer' }
  }
  const session = sessionIn(await response.json().catch(() => undefined))
  if (!response.ok || session === undefined) return { kind: 'refused' }
  sessionStorage.setItem(storageKey, session)
  return { kind: 'session', session }
}

/** The session in the answer `{ok: true, value: {session}}`. */
function sessionIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('value' in body)) return undefined
  const { value } = body
  if (typeof value !== 'object' || value === null || !('session' in value)) return undefined
  return typeof value.session === 'string' ? value.session : undefined
}

export const forgetSession = (): void => sessionStorage.removeItem(storageKey)
