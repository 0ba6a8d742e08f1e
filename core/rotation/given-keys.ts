import type { Caller } from '../../contract/command.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import { fail, type Result } from '../../contract/result.ts'
import type { SignInRequest, SignInWindow } from '../../contract/sign-in.ts'
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
  /** Absent in a shell without windows. */
  signInWindow?: SignInWindow | undefined
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
}: Options): GivenKeys {
  /** Waits for the step that asked for it. */
  let givenKey: ({ user: string } & GivenKey) | undefined
  /** The key that a sign-in creates, for the question that is open. */
  let requested: CreateKeyRequest | undefined

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
      signIn(request) {
        requested = request
        return signInOffer(request.user, signInPlace(), signInWindow !== undefined)
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
        const accepted = await checkKey(client, { user, key: secret.value }, users())
        if (!accepted.ok) return accepted
        return answerWith(question, { user, secret: secret.value, how: 'elsewhere, and pasted' }, caller)
      },
      async signIn({ question }, caller) {
        const pending = runs.current()?.question
        const request = pending?.id === question && pending.signIn?.inWindow ? requested : undefined
        const signInPage = signInPlace()
        if (!request || pending?.signIn?.user !== request.user) return fail({ code: 'nothing-under-way' })
        // Only the person at this screen can use a window on it.
        if (caller !== 'window' || !signInWindow || !signInPage)
          return fail({ code: 'sign-in-not-here', user: request.user })
        const isStillPending = () => runs.current()?.question?.id === question && requested === request
        return signInWindow({
          ...signInPage,
          user: request.user,
          async checkArrival(cookies) {
            if (!isStillPending()) return { kind: 'ended', result: fail({ code: 'nothing-under-way' }) }
            return createBySignIn(cookies, request, key =>
              answerWith(question, { user: request.user, ...key }, caller),
            )
          },
        })
      },
    },
  }
}
