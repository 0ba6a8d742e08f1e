import { sessionCookie } from '../auth/authenticator.ts'

const userCookie = 'user'
/** Of the beginning and the end of a sign-in. */
const statePath = '/zot/auth'

/** The cookie of one sign-in under way: zot's name, and the beginning of its state, as each tab has its own. */
export const stateCookieOf = (state: string): string =>
  `statecookie-${state.replaceAll(/[^\w-]/g, '').slice(0, 16)}`

/** Those among the cookies that a browser sent. */
export function stateCookies(header: string | undefined): { name: string; value: string }[] {
  return [...(header ?? '').matchAll(/(?<=^|;)\s*(statecookie-[\w-]{0,16})=([^;]*)/g)].map(
    ([, name = '', value = '']) => ({ name, value: value.trim() }),
  )
}

/** Set-Cookie lines with zot's names, paths and visibility. `secure`: browsers send them over TLS only. */
export interface Cookies {
  /** The session, and the name of its user for scripts to show. `life` in ms. */
  signedIn(id: string, user: string, life: number): string[]
  signedOut(): string[]
  /** What a sign-in under way needs when the browser comes back; see `stateCookieOf`. `life` in ms. */
  state(name: string, sealed: string, life: number): string
  noState(name: string): string
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
    state: (name, sealed, life) => line(name, sealed, statePath, life, true),
    noState: name => line(name, '', statePath, 0, true),
  }
}

/** As it is, but for what a cookie cannot hold. */
const plain = (user: string): string => encodeURIComponent(user).replaceAll('%40', '@').replaceAll('%2B', '+')
