import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import { parseJson } from '../../lib/json.ts'
import type { AdminAnswer, AdminClient } from '../platform/admin-client.ts'
import {
  type RegistryAnswer,
  type RegistryAsk,
  type RegistryHttp,
  refusal,
} from '../platform/registry-http.ts'

/** A key as the registry lists it. Times are RFC 3339; null: never. */
export interface ListedKey {
  uuid: string
  label: string
  createdAt: string
  expirationDate: string | null
  lastUsed: string | null
  scopes: string[]
}

export interface Mint {
  user: string
  label: string
  expirationDate: string
  scopes: string[]
}

/** A key that was just made, with its secret. */
export interface Minted {
  uuid: string
  createdAt: string
  expirationDate: string | null
  secret: string
}

/** Whoever shows this key is asked as. */
export interface Bearer {
  user: string
  key: string
}

/**
 * What the registry knows of keys: asked as the key itself over zot's own routes, or over the administration socket
 * of zotbar-registry, which sees the keys of everybody. A registry that is away for a moment is waited for.
 */
export interface KeyDesk {
  /** The keys of the one who asks; `refused`: the key does not let this user in. */
  own(bearer: Bearer): Promise<Result<ListedKey[] | 'refused'>>
  /** The same with what else the answer says: the registry's clock, ms since the epoch. */
  clockOf(): Promise<Result<number | undefined>>
  mint(bearer: Bearer, wish: Mint): Promise<Result<Minted | 'refused'>>
  /** Ends a key of the one who asks; one that is not there is fine. */
  revoke(bearer: Bearer, uuid: string): Promise<Result<null | 'refused'>>
  /** Undefined where the engine has no administration socket. */
  ofEverybody(): Promise<Result<(ListedKey & { user: string })[]> | undefined>
  mintFor(wish: Mint): Promise<Result<Minted>>
  revokeAny(uuid: string): Promise<Result<null>>
  /** Any other request, as somebody. */
  ask(path: string, bearer: Bearer, options?: RegistryAsk): Promise<Result<RegistryAnswer>>
}

interface Parts {
  registry: RegistryHttp
  admin: AdminClient
  /** Resolves once the registry serves, false when it does not within so many ms. */
  serving(limitMs: number): Promise<boolean>
  /** ms. */
  pause(ms: number): Promise<void>
  now(): number
}

const path = '/zot/auth/apikey'
/** How long a registry that is away is waited for, ms. */
const patienceMs = 60_000

/** Go's zero time stands for never. */
const timeOrNever = v.pipe(
  v.nullish(v.string(), '0001-01-01T00:00:00Z'),
  v.transform(text => (text.startsWith('0001-01-01') ? null : text)),
)
const scopes = v.pipe(
  v.nullish(v.array(v.string()), []),
  v.transform(all => all ?? []),
)
const listed = v.object({
  uuid: v.string(),
  label: v.optional(v.string(), ''),
  createdAt: v.string(),
  expirationDate: timeOrNever,
  lastUsed: timeOrNever,
  scopes,
})
const own = v.object({ apiKeys: v.nullable(v.array(listed)) })
const everybody = v.object({ keys: v.array(v.object({ ...listed.entries, user: v.string() })) })
const made = v.object({
  uuid: v.string(),
  createdAt: v.optional(v.string()),
  expirationDate: timeOrNever,
  apiKey: v.string(),
})
const refusedByAdmin = v.object({ error: v.string() })

export function createKeyDesk({ registry, admin, serving, pause, now }: Parts): KeyDesk {
  /** A key is refused at once; a registry that is away, or asks for patience, gets some. */
  async function ask(
    asked: string,
    { user, key }: Bearer,
    options: RegistryAsk = {},
  ): Promise<Result<RegistryAnswer>> {
    const until = now() + patienceMs
    for (let tries = 0; ; tries += 1) {
      const answer = await registry.ask(asked, { ...options, as: { user, password: key } })
      const away = !answer.ok && answer.error.code !== 'registry-denied'
      const busy = answer.ok && answer.value.status === 429
      if (!(away || busy) || now() >= until || (busy && tries >= 4)) return answer
      // A key may have been made: whoever sent it looks first.
      if (away && options.method === 'POST' && asked === path) return answer
      if (!answer.ok && answer.error.code === 'registry-not-serving') await serving(until - now())
      else await pause(busy ? 1_000 : 250)
    }
  }

  const read = <S extends v.GenericSchema>(
    schema: S,
    answer: RegistryAnswer,
    what: string,
  ): Result<v.InferOutput<S>> => {
    if (answer.status === 404) return fail({ code: 'keys-off' })
    const parsed = v.safeParse(schema, parseJson(answer.body))
    return answer.status < 300 && parsed.success ? ok(parsed.output) : fail(refusal(answer, what))
  }

  const readAdmin = <S extends v.GenericSchema>(schema: S, answer: AdminAnswer): Result<v.InferOutput<S>> => {
    if (answer.kind === 'absent') return fail({ code: 'registry-not-serving' })
    if (answer.status === 409) return fail({ code: 'keys-off' })
    const parsed = v.safeParse(schema, answer.body)
    if (answer.status < 300 && parsed.success) return ok(parsed.output)
    const why = v.safeParse(refusedByAdmin, answer.body)
    return fail({
      code: 'key-refused',
      reason: why.success ? why.output.error : `the registry answers ${answer.status}`,
    })
  }

  return {
    ask,
    async own(bearer) {
      const answer = await ask(path, bearer)
      if (!answer.ok) return answer
      if (answer.value.status === 401) return ok('refused')
      const keys = read(own, answer.value, 'list keys')
      return keys.ok ? ok(keys.value.apiKeys ?? []) : keys
    },
    async clockOf() {
      // One that was stopped on purpose is not waited for as long as one that comes up again.
      await serving(10_000)
      const answer = await registry.ask('/v2/')
      if (!answer.ok) return answer
      const at = Date.parse(answer.value.header('date') ?? '')
      return ok(Number.isNaN(at) ? undefined : at)
    },
    async mint(bearer, { label, expirationDate, scopes: wanted }) {
      await serving(patienceMs)
      const body = { label, expirationDate, scopes: wanted }
      const answer = await ask(path, bearer, { method: 'POST', body })
      if (!answer.ok) return answer
      if (answer.value.status === 401 || answer.value.status === 403) return ok('refused')
      if (answer.value.status === 400) return fail({ code: 'key-refused', reason: whyNot(answer.value) })
      const key = read(made, answer.value, 'make a key')
      return key.ok ? ok(mintedOf(key.value, now())) : key
    },
    async revoke(bearer, uuid) {
      const answer = await ask(`${path}?id=${encodeURIComponent(uuid)}`, bearer, { method: 'DELETE' })
      if (!answer.ok) return answer
      if (answer.value.status === 401) return ok('refused')
      return answer.value.status < 300 ? ok(null) : fail(refusal(answer.value, 'revoke the key'))
    },
    async ofEverybody() {
      const answer = await admin.ask('GET', '/keys')
      if (answer.kind === 'absent') return undefined
      const keys = readAdmin(everybody, answer)
      return keys.ok ? ok(keys.value.keys) : keys
    },
    async mintFor(wish) {
      const key = readAdmin(made, await admin.ask('POST', '/keys', wish))
      return key.ok ? ok(mintedOf(key.value, now())) : key
    },
    async revokeAny(uuid) {
      const answer = await admin.ask('DELETE', `/keys/${encodeURIComponent(uuid)}`)
      if (answer.kind === 'absent') return fail({ code: 'registry-not-serving' })
      return answer.status < 300 || answer.status === 404
        ? ok(null)
        : fail({ code: 'registry-refused', what: 'revoke the key', status: answer.status, reason: '' })
    },
  }
}

const mintedOf = (key: v.InferOutput<typeof made>, now: number): Minted => ({
  uuid: key.uuid,
  createdAt: key.createdAt ?? new Date(now).toISOString(),
  expirationDate: key.expirationDate,
  secret: key.apiKey,
})

const ourReason = v.object({
  errors: v.array(v.object({ detail: v.optional(v.object({ reason: v.optional(v.string()) })) })),
})

/** Why a registry makes no such key, without a full stop. */
function whyNot(answer: RegistryAnswer): string {
  const ours = v.safeParse(ourReason, parseJson(answer.body))
  const reason = ours.success ? ours.output.errors[0]?.detail?.reason : undefined
  return (reason ?? answer.body.toString('utf8').slice(0, 200)).replace(/\.$/, '') || 'it answers 400'
}
