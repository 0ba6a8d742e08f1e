import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok } from '../../contract/result.ts'
import { isObject } from '../../lib/json.ts'
import { answer, readJson, refuseBody } from '../platform/json-http.ts'
import type { Sessions } from './sessions.ts'

const sessionHeader = 'x-zotbar-session'

/** The token that a request carries. */
export function sessionOf({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const header = headers[sessionHeader]
  return typeof header === 'string' ? header : undefined
}

type Refusal = Extract<Failure, { code: 'not-authorised' }>['reason']

/** The body was not read, so the connection cannot be used again. */
export function refuse(response: ServerResponse, status: 401 | 403, reason: Refusal): void {
  answer(response, status, fail({ code: 'not-authorised', reason }), { connection: 'close' })
}

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * The requests about the session itself, by path, all of them POST. `/api/session` takes `{token}` of a link and
 * `/api/session/change` the session in its header; both answer `{session, fullForMs}`, or `change` null where another
 * tab has the newer one. `/api/session/end` signs out.
 */
export function sessionRoutes(sessions: Sessions): ReadonlyMap<string, Route> {
  const begin: Route = async (request, response) => {
    const body = await readJson(request, 1_024)
    if (body.kind === 'too-large') return refuseBody(response, 413, notAllowed('a larger input'))
    if (body.kind === 'wrong-type')
      return refuseBody(response, 415, notAllowed(body.type || 'no content type'))
    if (body.kind === 'gone') return
    const token = body.kind === 'json' ? tokenIn(body.value) : undefined
    if (token === undefined) return answer(response, 200, fail(notAllowed('none')))
    const granted = await sessions.redeem(token, sessionOf(request))
    if (granted === undefined) return refuse(response, 401, 'token-used')
    return answer(response, 200, ok(granted))
  }

  const change: Route = async (request, response) => {
    const changed = await sessions.change(sessionOf(request) ?? '')
    if (changed === 'changed-already') return answer(response, 200, ok(null))
    if (typeof changed === 'string') return refuse(response, 401, changed)
    return answer(response, 200, ok(changed))
  }

  const end: Route = async (request, response) => {
    await sessions.end(sessionOf(request) ?? '')
    return answer(response, 200, ok(null))
  }

  return new Map([
    ['/api/session', begin],
    ['/api/session/change', change],
    ['/api/session/end', end],
  ])
}

const notAllowed = (problem: string): Failure => ({
  code: 'bad-input',
  field: 'token',
  wrong: problem,
  allowed: 'a token, as application/json of at most 1024 bytes',
})

function tokenIn(input: unknown): string | undefined {
  const token = isObject(input) ? input['token'] : undefined
  return typeof token === 'string' ? token : undefined
}
