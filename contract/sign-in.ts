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

/** What a window is to do for somebody who signs in. */
export interface SignInRequest {
  user: string
  /** Where it begins. */
  url: string
  /** The registry as browsers know it. */
  origin: string
  /** Origins besides that may be gone to. */
  issuers: readonly string[]
  /** The file with the certificate that the registry shows, where it is one of its own. */
  certificate?: string
  /** Called with the registry's cookies whenever the window is at the registry. A key never gets to the window. */
  checkArrival(cookies: readonly SignInCookie[]): Promise<SignInArrival>
}

/** Lets a person sign in; answers when that came to an end. Fails with sign-in-ended. */
export type SignInWindow = (request: SignInRequest) => Promise<Result<null>>
