import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { SignInOffer } from '../../contract/runbook.ts'
import type { Arrived, SignInCookie } from '../../contract/sign-in-window.ts'
import { parseJson } from '../../lib/json.ts'
import { type RegistryAnswer, type RegistryHttp, refusal } from '../platform/registry-http.ts'
import type { Offered } from './deps.ts'
import type { KeyDesk } from './key-client.ts'

/** The key that is wanted of whoever signs in. */
export interface SignInMint {
  user: string
  label: string
  expirationDate: string
  scopes: string[]
}

interface Parts {
  registry: RegistryHttp
  desk: KeyDesk
  /** Resolves once the registry serves, false when it does not within so many ms. */
  serving(limitMs: number): Promise<boolean>
}

const path = '/zot/auth/apikey'
const listed = v.object({
  apiKeys: v.nullable(v.array(v.object({ uuid: v.string(), label: v.optional(v.string(), '') }))),
})
const made = v.object({
  uuid: v.string(),
  createdAt: v.string(),
  expirationDate: v.string(),
  apiKey: v.string(),
})
const mostTries = 3

/**
 * Makes a key with the cookies of a browser session, if they are those of somebody who signed in and that is the user
 * who is wanted. What an earlier try left behind under the same label is ended first.
 */
export function createSessionMint({ registry, desk, serving }: Parts) {
  /** A registry that restarts in the middle is waited for; its sessions outlive that. */
  async function ask(session: string, method: 'GET' | 'POST' | 'DELETE', query = '', body?: unknown) {
    for (let tries = 0; ; tries += 1) {
      const answer = await registry.ask(`${path}${query}`, {
        method,
        session,
        ...(body === undefined ? {} : { body }),
      })
      if (answer.ok || method === 'POST' || tries >= mostTries || !(await serving(60_000))) return answer
    }
  }

  const endNamed = async (session: string, list: RegistryAnswer, label: string): Promise<Result<null>> => {
    const read = v.safeParse(listed, parseJson(list.body))
    for (const key of read.success ? (read.output.apiKeys ?? []) : []) {
      if (key.label !== label) continue
      const gone = await ask(session, 'DELETE', `?id=${encodeURIComponent(key.uuid)}`)
      if (!gone.ok) return gone
    }
    return ok(null)
  }

  async function mint(session: string, { user, ...wish }: SignInMint): Promise<Result<Offered> | 'not-yet'> {
    for (let tries = 0; ; tries += 1) {
      const list = await ask(session, 'GET')
      if (!list.ok) return list
      // zot answers 500 to somebody who is nobody.
      if (list.value.status !== 200) return 'not-yet'
      const ended = await endNamed(session, list.value, wish.label)
      if (!ended.ok) return ended
      const answer = await ask(session, 'POST', '', wish)
      if (!answer.ok) {
        // Whether it was made is not known; the next round ends it if it was.
        if (tries >= mostTries || !(await serving(60_000))) return answer
        continue
      }
      const read = v.safeParse(made, parseJson(answer.value.body))
      if (answer.value.status !== 201 || !read.success)
        return fail(refusal(answer.value, `make a key of ${user}`))
      const { uuid, createdAt, expirationDate, apiKey } = read.output
      return ok({ uuid, createdAt, expirationDate, secret: apiKey, how: `by signing in as ${user}` })
    }
  }

  type Take = (key: Offered) => Promise<Result<null>>

  return async (cookies: readonly SignInCookie[], wish: SignInMint, take: Take): Promise<Arrived> => {
    const names = namesIn(cookies)
    if (names === undefined) return { kind: 'not-yet' }
    const session = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const arrived = await look(session, names, wish, take)
    // The session has done what it was for; where the registry is away, it ends by itself.
    if (arrived.kind !== 'not-yet') await registry.ask('/zot/auth/logout', { method: 'POST', session })
    return arrived
  }

  async function look(session: string, names: string[], wish: SignInMint, take: Take): Promise<Arrived> {
    if (!names.includes(wish.user)) {
      // Only somebody who is let in is somebody.
      const list = await ask(session, 'GET')
      if (!list.ok) return { kind: 'ended', result: list }
      return list.value.status === 200 ? { kind: 'wrong-user', user: names[0] ?? '' } : { kind: 'not-yet' }
    }
    const key = await mint(session, wish)
    if (key === 'not-yet') return { kind: 'not-yet' }
    if (!key.ok) return { kind: 'ended', result: key }
    // The name in a cookie proves nothing: the key does.
    const own = await desk.own({ user: wish.user, key: key.value.secret })
    const result = !own.ok
      ? own
      : own.value === 'refused'
        ? fail({ code: 'key-not-accepted', user: wish.user })
        : await take(key.value)
    // Nobody would know of it.
    if (!result.ok) await ask(session, 'DELETE', `?id=${encodeURIComponent(key.value.uuid ?? '')}`)
    return { kind: 'ended', result }
  }
}

/** Who the registry says this is, where anybody signed in; escaped or not. */
function namesIn(cookies: readonly SignInCookie[]): string[] | undefined {
  if (!cookies.some(({ name, value }) => name === 'session' && value !== '')) return undefined
  const plain = cookies.find(({ name }) => name === 'user')?.value
  if (plain === undefined || plain === '') return undefined
  try {
    return [...new Set([decodeURIComponent(plain), plain])]
  } catch {
    return [plain]
  }
}

/** How the key of a question can be had by signing in; undefined where nobody can from here. */
export function offerOf(
  user: string,
  place: { url: string; hasPage: boolean } | undefined,
  hasWindow: boolean,
): SignInOffer | undefined {
  if (!place || !(place.hasPage || hasWindow)) return undefined
  return {
    user,
    ...(place.hasPage ? { url: place.url } : {}),
    ...(hasWindow ? { inWindow: true } : {}),
  }
}

export type SessionMint = ReturnType<typeof createSessionMint>
