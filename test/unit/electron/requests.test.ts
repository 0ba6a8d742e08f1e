import { describe, expect, it } from 'vitest'
import { fail, ok, type Result } from '../../../contract/result.ts'
import type { ShellRequest } from '../../../contract/shell.ts'
import type { SignInRequest } from '../../../contract/sign-in.ts'
import { createAnswers } from '../../../main/requests.ts'

const signIn: ShellRequest = {
  kind: 'sign-in',
  user: 'zot-ci',
  url: 'http://127.0.0.1:5050/zot/auth/login',
  origin: 'http://127.0.0.1:5050',
  issuers: ['https://id.example'],
  certificate: 'PEM',
}

function start() {
  const seen = {
    opened: [] as string[],
    asked: [] as { title: string; signal: AbortSignal | undefined }[],
    arrived: [] as unknown[],
    requests: [] as SignInRequest[],
    signals: [] as (AbortSignal | undefined)[],
  }
  const signedIn = Promise.withResolvers<Result<null>>()
  let opens: Result<null> = ok(null)
  const answer = createAnswers({
    questions: {
      confirm: async ({ title }, asker) => {
        seen.asked.push({ title, signal: asker?.signal })
        return true
      },
    },
    signIn: {
      open(request, signal) {
        seen.requests.push(request)
        seen.signals.push(signal)
        return signedIn.promise
      },
    },
    open: async what => {
      seen.opened.push(what)
      return opens
    },
  })
  const abort = new AbortController()
  const ask = (request: ShellRequest) =>
    answer({
      id: 'r1',
      request,
      withdrawn: abort.signal,
      arrived: async cookies => {
        seen.arrived.push(cookies)
        return { kind: 'not-yet' }
      },
    })
  return {
    seen,
    ask,
    abort,
    signedIn,
    refuse: () => {
      opens = fail({ code: 'unexpected', where: 'opening' })
    },
  }
}

describe('what the core asks of this screen', () => {
  it('is opened by its name', async () => {
    const { ask, seen, refuse } = start()
    expect(await ask({ kind: 'open', what: 'keys' })).toEqual({ kind: 'done' })
    refuse()
    expect(await ask({ kind: 'open', what: 'docs' })).toEqual({ kind: 'failed', where: 'opening docs' })
    expect(seen.opened).toEqual(['keys', 'docs'])
  })

  it('is asked natively, and withdrawn with the request', async () => {
    const { ask, seen, abort } = start()
    expect(await ask({ kind: 'question', title: 'Go on?', body: '', confirm: 'Go on' })).toEqual({
      kind: 'agreed',
      agreed: true,
    })
    expect(seen.asked).toEqual([{ title: 'Go on?', signal: abort.signal }])
  })

  it('is a sign-in from values: cookies go to the core, which says whose they are', async () => {
    const { ask, seen, signedIn, abort } = start()
    const answered = ask(signIn)
    const { kind: _, ...values } = signIn
    expect(seen.requests[0]).toMatchObject(values)
    expect(seen.signals).toEqual([abort.signal])
    const cookies = [{ name: 'session', value: 's' }]
    expect(await seen.requests[0]?.checkArrival(cookies)).toEqual({ kind: 'not-yet' })
    expect(seen.arrived).toEqual([cookies])
    signedIn.resolve(ok(null))
    expect(await answered).toBeUndefined()
  })

  it('is answered with why a sign-in ended without a key', async () => {
    const { ask, signedIn } = start()
    const blocked = ['https://evil.example']
    signedIn.resolve(fail({ code: 'sign-in-ended', user: 'zot-ci', why: 'blocked', blocked }))
    expect(await ask(signIn)).toEqual({ kind: 'ended', why: 'blocked', blocked })
  })
})
