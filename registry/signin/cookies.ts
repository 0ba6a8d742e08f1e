import { sessionCookie } from '../auth/authenticator.ts'

export const stateCookie = 'statecookie'
const userCookie = 'user'
const statePath = '/zot/auth/callback'

/** Set-Cookie lines with zot's names, paths and visibility. `secure`: browsers send them over TLS only. */
export interface Cookies {
  /** The session, and the name of its user for scripts to show. `life` in ms. */
  signedIn(id: string, user: string, life: number): string[]
  signedOut(): string[]
  /** What a sign-in under way needs when the browser comes back. `life` in ms. */
  state(sealed: string, life: number): string
  noState(): string
}

export function createCookies(secure: boolean): Cookies {
  const end = `${secure ? '; Secure' : ''}; SameSite=Lax`
  const line = (name: string, value: string, path: string, life: number, hidden: boolean): string =>
    `${name}=${value}; Path=${path}; Max-Age=${Math.floor(life / 1000)}${hidden ? '; HttpOnly' : ''}${end}`
  return {
    signedIn: (id, user, life) => [
      line(sessionCookie, id, '/', life, true),
      line(userCookie, plain(user), '/', life, false),
    ],
    signedOut: () => [line(sessionCookie, '', '/', 0, true), line(userCookie, '', '/', 0, false)],
    state: (sealed, life) => line(stateCookie, sealed, statePath, life, true),
    noState: () => line(stateCookie, '', statePath, 0, true),
  }
}

/** As it is, but for what a cookie cannot hold. */
const plain = (user: string): string => encodeURIComponent(user).replaceAll('%40', '@').replaceAll('%2B', '+')
