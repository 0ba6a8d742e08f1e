import type { Result } from './result.ts'

/** A cookie of the registry, in the browser window that somebody signs in with. */
export interface SignInCookie {
  name: string
  value: string
}

/** What a browser session turned out to be. */
export type SignInArrival =
  | { kind: 'not-yet' }
  /** Somebody else signed in: nothing was made. */
  | { kind: 'wrong-user'; user: string }
  | { kind: 'ended'; result: Result<null> }

/** What a window needs to let a user sign in. */
export interface SignInRequest {
  user: string
  /** The page that the sign-in begins with. */
  url: string
  /** The registry as browsers know it. */
  origin: string
  /** More origins that may be opened. */
  issuers: readonly string[]
  /** The certificate that the registry shows, as PEM text, where it is one of its own. */
  certificate?: string
  /** Called with the registry's cookies whenever the window shows the registry. A key never reaches the window. */
  checkArrival(cookies: readonly SignInCookie[]): Promise<SignInArrival>
}
