import type { Caller } from '../../contract/command.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import { fail, type Result } from '../../contract/result.ts'
import type { SignInWindow, SignInWish } from '../../contract/sign-in-window.ts'
import type { Runs } from '../runbook/runs.ts'
import type { Offered, RotationParts } from './deps.ts'
import { acceptKey, readKey } from './key-access.ts'
import type { KeyDesk } from './key-client.ts'
import { offerOf, type SessionMint, type SignInMint } from './sign-in.ts'

interface Options {
  runs: Runs
  desk: KeyDesk
  mintInSession: SessionMint
  /** The users whose keys are under care. */
  users(): string[]
  /** The key of a user that is to be replaced, as far as the store gives it. */
  inUse(user: string): Promise<string | undefined>
  /** Where people sign in by browser; undefined where they cannot. */
  signInPlace(): (Omit<SignInWish, 'user' | 'arrived'> & { hasPage: boolean }) | undefined
  /** Absent in a shell without windows. */
  signInWindow?: SignInWindow | undefined
}

/** Keys that a person brings for the question of a run: pasted, or made by signing in. */
export function createOffers({
  runs,
  desk,
  mintInSession,
  users,
  inUse,
  signInPlace,
  signInWindow,
}: Options): {
  parts: Pick<RotationParts, 'takeOffered' | 'signIn'>
  handlers: Pick<ZotbarHandlers['keys'], 'offerKey' | 'signIn'>
} {
  /** Until the step that asked for it takes it. */
  let offered: ({ user: string } & Offered) | undefined
  /** What is to be made by whoever signs in, for the question that is asked. */
  let wanted: SignInMint | undefined

  async function offer(
    question: string,
    key: { user: string } & Offered,
    caller: Caller,
  ): Promise<Result<null>> {
    offered = key
    const answered = await runs.handlers.runbooks.answer({ question, agreed: true }, caller)
    if (!answered.ok) offered = undefined
    return answered
  }

  return {
    parts: {
      takeOffered(user) {
        const key = offered?.user === user ? offered : undefined
        offered = undefined
        return key
      },
      signIn(mint) {
        wanted = mint
        return offerOf(mint.user, signInPlace(), signInWindow !== undefined)
      },
    },
    handlers: {
      async offerKey({ question, key }, caller) {
        const asked = runs.current()?.question
        const user = asked?.id === question ? asked.wants?.keyOf : undefined
        if (user === undefined) return fail({ code: 'nothing-under-way' })
        const secret = readKey(key)
        if (!secret.ok) return secret
        if (secret.value === (await inUse(user))) return fail({ code: 'key-in-use', user })
        const accepted = await acceptKey(desk, { user, key: secret.value }, users())
        if (!accepted.ok) return accepted
        return offer(question, { user, secret: secret.value, how: 'elsewhere, and pasted' }, caller)
      },
      async signIn({ question }, caller) {
        const asked = runs.current()?.question
        const mint = asked?.id === question && asked.signIn?.inWindow ? wanted : undefined
        const place = signInPlace()
        if (!mint || asked?.signIn?.user !== mint.user) return fail({ code: 'nothing-under-way' })
        // A window on this screen is for whoever sits at it.
        if (caller !== 'window' || !signInWindow || !place)
          return fail({ code: 'sign-in-not-here', user: mint.user })
        const stillAsked = () => runs.current()?.question?.id === question && wanted === mint
        return signInWindow({
          ...place,
          user: mint.user,
          async arrived(cookies) {
            if (!stillAsked()) return { kind: 'ended', result: fail({ code: 'nothing-under-way' }) }
            return mintInSession(cookies, mint, key => offer(question, { user: mint.user, ...key }, caller))
          },
        })
      },
    },
  }
}
