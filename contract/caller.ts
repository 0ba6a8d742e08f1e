import type { Failure } from './failure.ts'

/**
 * Who calls. `cli`: a command line at the control socket. `app`: the menu-bar app itself. `page`: a page of that app.
 * `agreed`: that app, after a native question. `full` and `looking`: a session of the dashboard.
 */
export type Caller = 'cli' | 'app' | 'agreed' | 'page' | 'full' | 'looking'

/** Whom a journal or a history names: what is written on disk keeps these words. */
export type Actor = 'cli' | 'window' | 'dashboard'

const actors: Record<Caller, Actor> = {
  cli: 'cli',
  app: 'window',
  agreed: 'window',
  page: 'window',
  full: 'dashboard',
  looking: 'dashboard',
}

export const actorOf = (caller: Caller): Actor => actors[caller]

/** The sets of callers that the contract's table names. */
export const anyone: readonly Caller[] = ['cli', 'app', 'agreed', 'page', 'full', 'looking']
/** All but a session that may only look. */
export const trusted: readonly Caller[] = ['cli', 'app', 'agreed', 'page', 'full']
/** Somebody at this computer who typed it, or answered a native question about it. */
export const afterQuestion: readonly Caller[] = ['cli', 'agreed']
/** As before, and a full session of the dashboard, which asks by itself. */
export const afterAnyQuestion: readonly Caller[] = ['cli', 'agreed', 'full']
export const cliOnly: readonly Caller[] = ['cli']
export const appOnly: readonly Caller[] = ['app']
/** Programs at the control socket, never a page. */
export const programs: readonly Caller[] = ['cli', 'app']
/** The app and its pages: what only a screen has. */
export const atScreen: readonly Caller[] = ['app', 'agreed', 'page']

/** Why `caller` is none of `allowed`, and so what would help. */
export function refusalOf(caller: Caller, allowed: readonly Caller[]): Failure | undefined {
  if (allowed.includes(caller)) return undefined
  const reason =
    caller === 'looking' && allowed.includes('full')
      ? 'needs-full-session'
      : (caller === 'page' || caller === 'app') && allowed.includes('agreed')
        ? 'needs-agreement'
        : 'wrong-sender'
  return { code: 'not-authorised', reason }
}
