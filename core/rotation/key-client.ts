import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import { parseJson } from '../../lib/json.ts'
import type { AdminAnswer, AdminClient } from '../platform/admin-client.ts'
import type { KeyAccount } from '../platform/new-key.ts'
import {
  type RegistryAnswer,
  type RegistryHttp,
  type RegistryRequest,
  refusal,
  registryWithAgent,
} from '../platform/registry-http.ts'

/** A key as the registry lists it. Times are RFC 3339; null: never. */
export interface ListedKey {
  uuid: string
  label: string
  createdAt: string
  expirationDate: string | null
  lastUsed: string | null
  scopes: string[]
  /** The key that it was created with, where the engine says so. */
  mintedBy?: string | undefined
}

export interface CreateKeyRequest {
  user: string
  label: string
  expirationDate: string
  scopes: string[]
}

/** A key that was just created, with its secret. */
export interface CreatedKey {
  uuid: string
  createdAt: string
  expirationDate: string | null
  secret: string
  /** Where the engine tells. */
  account?: KeyAccount
}

/** The user and the key that a request is sent with. */
export interface Bearer {
  user: string
  key: string
}

/**
 * Lists, creates and revokes keys in the registry: with a key over zot's routes, or over the administration socket of
 * zotbar-registry, which reaches the keys of every user. Waits for a registry that is away for a moment.
 */
export interface KeyClient {
  /** The keys of this user; `refused`: the registry does not accept the key. */
  listOwn(bearer: Bearer): Promise<Result<ListedKey[] | 'refused'>>
  /** The registry's clock, ms since the epoch. */
  registryTime(): Promise<Result<number | undefined>>
  create(bearer: Bearer, request: CreateKeyRequest): Promise<Result<CreatedKey | 'refused'>>
  /**
   * Revokes a key of this user; succeeds for one that does not exist. Answers the keys that came out of it and still
   * work.
   */
  revoke(bearer: Bearer, uuid: string): Promise<Result<string[] | 'refused'>>
  /** The keys of every user; undefined where the engine has no administration socket. */
  listAll(): Promise<Result<(ListedKey & { user: string })[]> | undefined>
  createFor(request: CreateKeyRequest): Promise<Result<CreatedKey>>
  revokeAny(uuid: string): Promise<Result<string[]>>
  /** Any other request with this key. */
  request(path: string, bearer: Bearer, options?: RegistryRequest): Promise<Result<RegistryAnswer>>
  /** The same, whose requests bear this user agent in the registry's log. */
  withAgent(agent: string | undefined): KeyClient
}

interface Deps {
  registry: RegistryHttp
  admin: AdminClient
  /** Resolves to true once the registry serves, to false after `limitMs`. */
  untilServing(limitMs: number): Promise<boolean>
  pause(ms: number): Promise<void>
  now(): number
}

const path = '/zot/auth/apikey'
/** How long a request waits for a registry that is away. */
const registryWaitMs = 60_000

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
  mintedBy: v.pipe(
    v.nullish(v.string()),
    v.transform(uuid => uuid ?? undefined),
  ),
})
const ownKeys = v.object({ apiKeys: v.nullable(v.array(listed)) })
const allKeys = v.object({ keys: v.array(v.object({ ...listed.entries, user: v.string() })) })
const createdKey = v.object({
  uuid: v.string(),
  createdAt: v.optional(v.string()),
  expirationDate: timeOrNever,
  apiKey: v.string(),
  // Told by the administration alone.
  origin: v.optional(v.picklist(['local', 'oidc'])),
  groups: v.optional(v.array(v.string()), []),
})
/** zot answers without a body: it does not know which key made another. */
const ownDescendants = v.object({ descendants: v.array(v.object({ uuid: v.string() })) })
const anyDescendants = v.object({ descendants: v.array(v.string()) })
const adminRefusal = v.object({ error: v.string() })

export function createKeyClient(deps: Deps): KeyClient {
  const { registry, admin, untilServing, pause, now } = deps

  /** A refusal of the key is final; a registry that is away or busy is asked again. */
  async function ask(
    requestPath: string,
    { user, key }: Bearer,
    options: RegistryRequest = {},
  ): Promise<Result<RegistryAnswer>> {
    const deadline = now() + registryWaitMs
    for (let attempts = 0; ; attempts += 1) {
      const answer = await registry.ask(requestPath, { ...options, as: { user, password: key } })
      const away = !answer.ok && answer.error.code !== 'registry-denied'
      const busy = answer.ok && answer.value.status === 429
      if (!(away || busy) || now() >= deadline || (busy && attempts >= 4)) return answer
      // A key may have been created: the caller checks that first.
      if (away && options.method === 'POST' && requestPath === path) return answer
      if (!answer.ok && answer.error.code === 'registry-not-serving') await untilServing(deadline - now())
      else await pause(busy ? 1_000 : 250)
    }
  }

  const read = <S extends v.GenericSchema>(
    schema: S,
    answer: RegistryAnswer,
    action: string,
  ): Result<v.InferOutput<S>> => {
    if (answer.status === 404) return fail({ code: 'keys-off' })
    const parsed = v.safeParse(schema, parseJson(answer.body))
    return answer.status < 300 && parsed.success ? ok(parsed.output) : fail(refusal(answer, action))
  }

  const readAdmin = <S extends v.GenericSchema>(schema: S, answer: AdminAnswer): Result<v.InferOutput<S>> => {
    if (answer.kind === 'absent') return fail({ code: 'registry-not-serving' })
    if (answer.kind === 'failed') return fail({ code: 'registry-unreachable', reason: answer.reason })
    if (answer.status === 409) return fail({ code: 'keys-off' })
    const parsed = v.safeParse(schema, answer.body)
    if (answer.status < 300 && parsed.success) return ok(parsed.output)
    const refused = v.safeParse(adminRefusal, answer.body)
    return fail({
      code: 'key-refused',
      reason: refused.success ? refused.output.error : `the registry answers ${answer.status}`,
    })
  }

  return {
    request: ask,
    withAgent: agent => createKeyClient({ ...deps, registry: registryWithAgent(registry, agent) }),
    async listOwn(bearer) {
      const answer = await ask(path, bearer)
      if (!answer.ok) return answer
      if (answer.value.status === 401) return ok('refused')
      const keys = read(ownKeys, answer.value, 'list keys')
      return keys.ok ? ok(keys.value.apiKeys ?? []) : keys
    },
    async registryTime() {
      // A short wait, because the registry may have been stopped on purpose.
      await untilServing(10_000)
      const answer = await registry.ask('/v2/')
      if (!answer.ok) return answer
      const at = Date.parse(answer.value.header('date') ?? '')
      return ok(Number.isNaN(at) ? undefined : at)
    },
    async create(bearer, { label, expirationDate, scopes }) {
      await untilServing(registryWaitMs)
      const body = { label, expirationDate, scopes }
      const answer = await ask(path, bearer, { method: 'POST', body })
      if (!answer.ok) return answer
      if (answer.value.status === 401 || answer.value.status === 403) return ok('refused')
      if (answer.value.status === 400)
        return fail({ code: 'key-refused', reason: refusalReason(answer.value) })
      const key = read(createdKey, answer.value, 'make a key')
      return key.ok ? ok(createdKeyOf(key.value, now())) : key
    },
    async revoke(bearer, uuid) {
      const answer = await ask(`${path}?id=${encodeURIComponent(uuid)}`, bearer, { method: 'DELETE' })
      if (!answer.ok) return answer
      if (answer.value.status === 401) return ok('refused')
      if (answer.value.status >= 300) return fail(refusal(answer.value, 'revoke the key'))
      const left = v.safeParse(ownDescendants, parseJson(answer.value.body))
      return ok(left.success ? left.output.descendants.map(key => key.uuid) : [])
    },
    async listAll() {
      const answer = await admin.ask('GET', '/keys')
      if (answer.kind === 'absent') return undefined
      const keys = readAdmin(allKeys, answer)
      return keys.ok ? ok(keys.value.keys) : keys
    },
    async createFor(request) {
      const key = readAdmin(createdKey, await admin.ask('POST', '/keys', request))
      return key.ok ? ok(createdKeyOf(key.value, now())) : key
    },
    async revokeAny(uuid) {
      const answer = await admin.ask('DELETE', `/keys/${encodeURIComponent(uuid)}`)
      if (answer.kind === 'absent') return fail({ code: 'registry-not-serving' })
      if (answer.kind === 'failed') return fail({ code: 'registry-unreachable', reason: answer.reason })
      if (answer.status >= 300 && answer.status !== 404)
        return fail({ code: 'registry-refused', what: 'revoke the key', status: answer.status, reason: '' })
      const left = v.safeParse(anyDescendants, answer.body)
      return ok(left.success ? left.output.descendants : [])
    },
  }
}

const createdKeyOf = (key: v.InferOutput<typeof createdKey>, now: number): CreatedKey => ({
  uuid: key.uuid,
  createdAt: key.createdAt ?? new Date(now).toISOString(),
  expirationDate: key.expirationDate,
  secret: key.apiKey,
  ...(key.origin && { account: { origin: key.origin, groups: key.groups } }),
})

const zotbarRefusal = v.object({
  errors: v.array(v.object({ detail: v.optional(v.object({ reason: v.optional(v.string()) })) })),
})

/** Why the registry refused to create the key, without a full stop. */
function refusalReason(answer: RegistryAnswer): string {
  const parsed = v.safeParse(zotbarRefusal, parseJson(answer.body))
  const reason = parsed.success ? parsed.output.errors[0]?.detail?.reason : undefined
  return (reason ?? answer.body.toString('utf8').slice(0, 200)).replace(/\.$/, '') || 'it answers 400'
}
