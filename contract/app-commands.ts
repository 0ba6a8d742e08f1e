import * as v from 'valibot'
import { anyone, appOnly, cliOnly, programs, trusted } from './caller.ts'
import { command } from './command.ts'
import type { Failure } from './failure.ts'
import { openTargets, requestId, shellAnswer, signInCookie } from './shell.ts'
import type { SignInArrival } from './sign-in.ts'
import type { Snapshot } from './snapshot.ts'

export const nothing = v.strictObject({})
/** Its form is checked by whoever uses it, because the message for a bad input would quote it. */
export const secret = v.pipe(v.string(), v.maxLength(4096))
/** An absolute path of a program of Zotbar. */
const programPath = v.pipe(v.string(), v.maxLength(4096), v.regex(/^\/[^\0]*$/))

/** The commands about core and app themselves. */
export const appCommands = {
  app: {
    snapshot: command<Snapshot>()(nothing, anyone),
    /** A fresh one-time link to the dashboard. */
    dashboardLink: command<{ url: string }>()(nothing, cliOnly),
    open: command<null>()(v.strictObject({ what: v.picklist(openTargets) }), trusted),
    /** Ends the core, and the registry with it; `keepServing` overrides the setting of that name. */
    quit: command<null>()(v.strictObject({ keepServing: v.optional(v.boolean()) }), programs),
    /** The session of the user ends: no new work, five seconds for pushes, then the registry is ended. */
    sessionEnds: command<null>()(nothing, appOnly),
    /** The computer woke from sleep: every deadline is looked at now. Only an app hears of it at once. */
    woke: command<null>()(nothing, appOnly),
    /** Hands the home over to the core of another build: `node` runs `main`, both absolute paths. */
    handOver: command<{ pid: number; build: string }>()(
      v.strictObject({
        node: programPath,
        main: programPath,
        build: v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/)),
        version: v.pipe(v.string(), v.regex(/^[\w.+-]{1,64}$/)),
      }),
      programs,
    ),
    /** Ends every session of the dashboard; answers how many there were. */
    revokeSessions: command<{ sessions: number }>()(nothing, cliOnly),
  },
  /** What the core asked of the screen of a connected app, and what that app says of itself. */
  shell: {
    /** The answer to a request that the app was sent. The first one counts: `already-answered` from then on. */
    answer: command<null>()(v.strictObject({ id: requestId, answer: shellAnswer }), appOnly),
    /** The registry's cookies, whenever the window of a sign-in shows the registry. */
    arrived: command<SignInArrival>()(
      v.strictObject({ id: requestId, cookies: v.pipe(v.array(signInCookie), v.maxLength(50)) }),
      appOnly,
    ),
    /** Whether somebody looks at a window of this app: health is probed more often then. */
    looking: command<null>()(v.strictObject({ looking: v.boolean() }), appOnly),
  },
  /** Secrets that an older Zotbar left in the keychain, where only its own program may read them. */
  secrets: {
    /** The accounts that the core cannot read. */
    olderApp: command<{ accounts: string[] }>()(nothing, appOnly),
    /** What the app read of them; `null` where there was nothing. Each is taken or not for itself: nothing is lost. */
    takeOver: command<{ taken: string[]; failed: { account: string; error: Failure }[] }>()(
      v.strictObject({
        items: v.pipe(
          v.array(
            v.strictObject({
              account: v.pipe(v.string(), v.maxLength(2048)),
              secret: v.nullable(secret),
            }),
          ),
          v.maxLength(500),
        ),
      }),
      appOnly,
    ),
  },
} as const
