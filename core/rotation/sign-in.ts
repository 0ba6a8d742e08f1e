import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { SignInOffer } from '../../contract/runbook.ts'
import type { SignInArrival, SignInCookie } from '../../contract/sign-in.ts'
import { parseJson } from '../../lib/json.ts'
import {
  type RegistryAnswer,
  type RegistryHttp,
  refusal,
  registryWithAgent,
} from '../platform/registry-http.ts'
import type { GivenKey } from './deps.ts'
import type { CreateKeyRequest, KeyClient } from './key-client.ts'

interface Deps {
  registry: RegistryHttp
  client: KeyClient
  /** Resolves to true once the registry serves, to false after `limitMs`. */
  untilServing(limitMs: number): Promise<boolean>
}

const path = '/zot/auth/apikey'
const listed = v.object({
  apiKeys: v.nullable(v.array(v.object({ uuid: v.string(), label: v.optional(v.string(), '') }))),
})
const createdKey = v.object({
  uuid: v.string(),
  createdAt: v.string(),
  expirationDate: v.string(),
  apiKey: v.string(),
})
const maxAttempts = 3

/** Hands a new key to whoever asked for it. */
type AcceptKey = (key: GivenKey) => Promise<Result<null>>

/**
 * Creates a key with the cookies of a browser session, where they belong to the requested user and that user has
 * signed in. A key that an earlier attempt left under the same label is revoked first. `agent`: the user agent of it all.
 */
export function createSignInKeys({ registry, client, untilServing }: Deps) {
  return (
    cookies: readonly SignInCookie[],
    request: CreateKeyRequest,
    accept: AcceptKey,
    agent?: string,
  ): Promise<SignInArrival> => {
    const keys = signInKeys({
      registry: registryWithAgent(registry, agent),
      client: client.withAgent(agent),
      untilServing,
    })
    return keys.createFrom(cookies, request, accept)
  }
}

function signInKeys({ registry, client, untilServing }: Deps) {
  /** Waits for a registry that restarts meanwhile: its sessions outlive that. */
  async function ask(session: string, method: 'GET' | 'POST' | 'DELETE', query = '', body?: unknown) {
    for (let attempts = 0; ; attempts += 1) {
      const answer = await registry.ask(`${path}${query}`, {
        method,
        session,
        ...(body === undefined ? {} : { body }),
      })
      if (answer.ok || method === 'POST' || attempts >= maxAttempts || !(await untilServing(60_000)))
        return answer
    }
  }

  const revokeLabelled = async (
    session: string,
    list: RegistryAnswer,
    label: string,
  ): Promise<Result<null>> => {
    const read = v.safeParse(listed, parseJson(list.body))
    for (const key of read.success ? (read.output.apiKeys ?? []) : []) {
      if (key.label !== label) continue
      const deleted = await ask(session, 'DELETE', `?id=${encodeURIComponent(key.uuid)}`)
      if (!deleted.ok) return deleted
    }
    return ok(null)
  }

  async function create(
    session: string,
    { user, ...request }: CreateKeyRequest,
  ): Promise<Result<GivenKey> | 'not-yet'> {
    for (let attempts = 0; ; attempts += 1) {
      const list = await ask(session, 'GET')
      if (!list.ok) return list
      // zot answers 500 to a session without a user.
      if (list.value.status !== 200) return 'not-yet'
      const revoked = await revokeLabelled(session, list.value, request.label)
      if (!revoked.ok) return revoked
      const answer = await ask(session, 'POST', '', request)
      if (!answer.ok) {
        // Whether the key was created is not known; if it was, the next attempt revokes it.
        if (attempts >= maxAttempts || !(await untilServing(60_000))) return answer
        continue
      }
      const read = v.safeParse(createdKey, parseJson(answer.value.body))
      if (answer.value.status !== 201 || !read.success)
        return fail(refusal(answer.value, `make a key of ${user}`))
      const { uuid, createdAt, expirationDate, apiKey } = read.output
      return ok({ uuid, createdAt, expirationDate, secret: apiKey, how: `by signing in as ${user}` })
    }
  }

  async function createFrom(
    cookies: readonly SignInCookie[],
    request: CreateKeyRequest,
    accept: AcceptKey,
  ): Promise<SignInArrival> {
    const names = namesIn(cookies)
    if (names === undefined) return { kind: 'not-yet' }
    const session = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const arrived = await createIfUser(session, names, request, accept)
    // The session is not needed any more; where the registry is away, it expires by itself.
    if (arrived.kind !== 'not-yet') await registry.ask('/zot/auth/logout', { method: 'POST', session })
    return arrived
  }

  async function createIfUser(
    session: string,
    names: string[],
    request: CreateKeyRequest,
    accept: AcceptKey,
  ): Promise<SignInArrival> {
    if (!names.includes(request.user)) {
      // A name without a session that the registry accepts is not a user.
      const list = await ask(session, 'GET')
      if (!list.ok) return { kind: 'ended', result: list }
      return list.value.status === 200 ? { kind: 'wrong-user', user: names[0] ?? '' } : { kind: 'not-yet' }
    }
    const key = await create(session, request)
    if (key === 'not-yet') return { kind: 'not-yet' }
    if (!key.ok) return { kind: 'ended', result: key }
    // The user's name in a cookie proves nothing, the key does.
    const ownKeys = await client.listOwn({ user: request.user, key: key.value.secret })
    const result = !ownKeys.ok
      ? ownKeys
      : ownKeys.value === 'refused'
        ? fail({ code: 'key-not-accepted', user: request.user })
        : await accept(key.value)
    // Otherwise a key that nobody knows of would stay.
    if (!result.ok) await ask(session, 'DELETE', `?id=${encodeURIComponent(key.value.uuid ?? '')}`)
    return { kind: 'ended', result }
  }

  return { createFrom }
}

/** The name of the user who signed in, as the registry's cookie says it: escaped or not. */
function namesIn(cookies: readonly SignInCookie[]): string[] | undefined {
  if (!cookies.some(({ name, value }) => name === 'session' && value !== '')) return undefined
  const cookie = cookies.find(({ name }) => name === 'user')?.value
  if (cookie === undefined || cookie === '') return undefined
  try {
    return [...new Set([decodeURIComponent(cookie), cookie])]
  } catch {
    return [cookie]
  }
}

/**
 * How a user can sign in to answer a question; undefined where nobody can. An app with a window for it may connect while
 * the question is open.
 */
export function signInOffer(
  user: string,
  signInPage: { url: string; hasPage: boolean } | undefined,
  hasWindow: boolean,
): SignInOffer | undefined {
  if (!signInPage) return undefined
  return {
    user,
    ...(signInPage.hasPage ? { url: signInPage.url } : {}),
    ...(hasWindow ? { inWindow: true } : {}),
  }
}

export type CreateBySignIn = ReturnType<typeof createSignInKeys>
