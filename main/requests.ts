import type { OnAsk } from '../client/shell-asks.ts'
import { type Result, unreachable } from '../contract/result.ts'
import type { OpenTarget, ShellAnswer } from '../contract/shell.ts'
import type { Questions } from './questions.ts'
import type { SignIn } from './sign-in.ts'

interface Deps {
  questions: Pick<Questions, 'confirm'>
  signIn: Pick<SignIn, 'open'>
  open(target: OpenTarget): Promise<Result<null>>
}

/** Does what the core asks of this app's screen. */
export function createAnswers({ questions, signIn, open }: Deps): OnAsk {
  return async ({ request, withdrawn, arrived }) => {
    switch (request.kind) {
      case 'open': {
        const opened = await open(request.what)
        return opened.ok ? { kind: 'done' } : { kind: 'failed', where: `opening ${request.what}` }
      }
      case 'question':
        return { kind: 'agreed', agreed: await questions.confirm(request, { signal: withdrawn }) }
      case 'sign-in': {
        const { kind: _, ...values } = request
        return signInAnswer(await signIn.open({ ...values, checkArrival: arrived }, withdrawn))
      }
      default:
        return unreachable(request)
    }
  }
}

/** A key that the core created, or could not create, is known there already. */
function signInAnswer(ended: Result<null>): ShellAnswer | undefined {
  if (ended.ok || ended.error.code !== 'sign-in-ended') return undefined
  return { kind: 'ended', why: ended.error.why, blocked: ended.error.blocked.slice(0, 100) }
}
