import { readFile } from 'node:fs/promises'
import type { Caller } from '../../contract/caller.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import { fail, type Result } from '../../contract/result.ts'
import type { SignInArrival, SignInCookie, SignInRequest } from '../../contract/sign-in.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import type { Runs } from '../runbook/runs.ts'
import type { GivenKey, RotationDeps } from './deps.ts'
import { checkKey, parseKey } from './key-access.ts'
import type { CreateKeyRequest, KeyClient } from './key-client.ts'
import { type CreateBySignIn, signInOffer } from './sign-in.ts'

interface Options {
  runs: Runs
  client: KeyClient
  createBySignIn: CreateBySignIn
  /** The users with a managed key. */
  users(): string[]
  /** The user's key in use, where the store has it. */
  keyInUse(user: string): Promise<string | undefined>
  /** Where people sign in by browser; undefined where they cannot. */
  signInPlace(): (Omit<SignInRequest, 'user' | 'checkArrival'> & { hasPage: boolean }) | undefined
  signInWindow: SignInWindows
  /** Calls back when a run may have gone on; returns the end of that. */
  followRuns(listener: () => void): () => void
}

/** The windows of connected apps that somebody signs in at the registry with. */
export interface SignInWindows {
  isOffered(): boolean
  /**
   * Opens one, at the app of `connection` where that is named; resolves when the sign-in has ended. `signal` is aborted
   * when nobody waits for it any more; its reason says who answered otherwise, or is "".
   */
  open(
    request: SignInRequest,
    options: { connection: string | undefined; signal: AbortSignal },
  ): Promise<Result<null>>
}

export interface GivenKeys {
  deps: Pick<RotationDeps, 'takeGivenKey' | 'signIn'>
  handlers: Pick<ZotbarHandlers['keys'], 'offerKey' | 'signIn'>
}

/** Keys that a person gives to answer the question of a run: pasted, or created by signing in. */
export function createGivenKeys({
  runs,
  client,
  createBySignIn,
  users,
  keyInUse,
  signInPlace,
  signInWindow,
  followRuns,
}: Options): GivenKeys {
  /** Two arrivals at once, at whatever windows, could create two keys. */
  const arrivals = serialQueue()
  /** Waits for the step that asked for it. */
  let givenKey: ({ user: string } & GivenKey) | undefined
  /** The key that a sign-in creates, for the question that is open. */
  let requested: { request: CreateKeyRequest; agent: string | undefined } | undefined

  async function answerWith(
    question: string,
    key: { user: string } & GivenKey,
    caller: Caller,
  ): Promise<Result<null>> {
    givenKey = key
    const answered = await runs.handlers.runbooks.answer({ question, agreed: true }, caller)
    if (!answered.ok) givenKey = undefined
    return answered
  }

  return {
    deps: {
      takeGivenKey(user) {
        const key = givenKey?.user === user ? givenKey : undefined
        givenKey = undefined
        return key
      },
      signIn(request, agent) {
        requested = { request, agent }
        return signInOffer(request.user, signInPlace(), signInWindow.isOffered())
      },
    },
    handlers: {
      async offerKey({ question, key }, caller) {
        const pending = runs.current()?.question
        const user = pending?.id === question ? pending.wants?.keyOf : undefined
        if (user === undefined) return fail({ code: 'nothing-under-way' })
        const secret = parseKey(key)
        if (!secret.ok) return secret
        if (secret.value === (await keyInUse(user))) return fail({ code: 'key-in-use', user })
        const bearer = { user, key: secret.value }
        const accepted = await checkKey(client.withAgent(requested?.agent), bearer, users())
        if (!accepted.ok) return accepted
        return answerWith(question, { user, secret: secret.value, how: 'elsewhere, and pasted' }, caller)
      },
      async signIn({ question }, caller, connection) {
        const pending = runs.current()?.question
        const asked = pending?.id === question ? requested : undefined
        const signInPage = signInPlace()
        if (!asked || pending?.wants?.keyOf !== asked.request.user) return fail({ code: 'nothing-under-way' })
        const { request, agent } = asked
        if (!signInPage) return fail({ code: 'sign-in-not-here', user: request.user })
        const isStillPending = () => runs.current()?.question?.id === question && requested === asked
        const { url, origin, issuers } = signInPage
        const certificate = await pemOf(signInPage.certificate)
        const ask = {
          user: request.user,
          url,
          origin,
          issuers,
          ...(certificate === undefined ? {} : { certificate }),
          checkArrival: (cookies: readonly SignInCookie[]): Promise<SignInArrival> =>
            arrivals.run(async () => {
              if (!isStillPending()) return { kind: 'ended', result: fail({ code: 'nothing-under-way' }) }
              const accept = (key: GivenKey) => answerWith(question, { user: request.user, ...key }, caller)
              return createBySignIn(cookies, request, accept, agent)
            }),
        }
        const over = new AbortController()
        const unfollow = followRuns(() => {
          if (!isStillPending()) over.abort(runs.answeredBy(question) ?? '')
        })
        return signInWindow.open(ask, { connection, signal: over.signal }).finally(unfollow)
      },
    },
  }
}

/** The certificate goes to another process, perhaps on another computer: as text, not as the name of a file. */
const pemOf = async (file: string | undefined): Promise<string | undefined> =>
  file === undefined ? undefined : readFile(file, 'utf8').catch(() => undefined)
