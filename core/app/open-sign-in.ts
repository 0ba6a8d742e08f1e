import { fail, ok } from '../../contract/result.ts'
import type { SignInWindows } from '../rotation/given-keys.ts'
import type { ShellConnections } from '../transport/shell-connections.ts'

/** Lets a user sign in at a connected app. */
export function openSignIn(shells: Pick<ShellConnections, 'ask'>): SignInWindows['open'] {
  return async (request, { connection, signal }) => {
    const { checkArrival, ...ask } = request
    const { user } = ask
    const answered = await shells.ask(
      { kind: 'sign-in', ...ask, issuers: [...ask.issuers] },
      { connection, signal, arrived: checkArrival },
    )
    if (!answered.ok)
      return answered.error.code === 'no-screen' ? fail({ code: 'sign-in-not-here', user }) : answered
    const answer = answered.value
    switch (answer.kind) {
      case 'ended':
        return fail({ code: 'sign-in-ended', user, why: answer.why, blocked: answer.blocked })
      case 'failed':
        return fail({ code: 'unexpected', where: answer.where })
      default:
        return ok(null)
    }
  }
}
