import * as v from 'valibot'
import type { ApiKey, KeyRevoked } from '../../contract/key.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { parseJson } from '../../lib/json.ts'
import type { AdminAnswer, AdminClient } from '../platform/admin-client.ts'
import type { KeyAccount } from '../platform/new-key.ts'
import { type RegistryAnswer, type RegistryHttp, refusal } from '../platform/registry-http.ts'

interface CreateKeyRequest {
  user: string
  label: string
  /** RFC 3339; empty: what the engine's policy says. */
  expirationDate: string
  scopes: string[]
}

/** A key that was just made, with its secret. */
interface CreatedKey {
  uuid: string
  user: string
  label: string
  expirationDate: string | null
  apiKey: string
  /** Where the engine tells. */
  account?: KeyAccount
}

/** Where keys are made and ended: the administration socket, or the key routes of one user. */
export interface KeyProvider {
  /** Present where only this user's keys can be reached. */
  onlyUser?: string
  /** Whether a key can live for ever here. */
  allowsNoExpiry: boolean
  list(): Promise<Result<ApiKey[]>>
  create(request: CreateKeyRequest): Promise<Result<CreatedKey>>
  revoke(uuid: string, descendants: boolean): Promise<Result<KeyRevoked>>
}

const path = '/zot/auth/apikey'
const zeroTime = '0001-01-01T00:00:00Z'

const ownKey = v.object({
  uuid: v.string(),
  label: v.optional(v.string(), ''),
  createdAt: v.string(),
  expirationDate: v.optional(v.string(), zeroTime),
  lastUsed: v.optional(v.string(), zeroTime),
})
const ownKeys = v.object({ apiKeys: v.nullable(v.array(ownKey)) })
const createdOwnKey = v.object({ ...ownKey.entries, apiKey: v.string() })

/** zotbar-registry alone answers with a body, where some are left. */
const leftKeys = v.object({ descendants: v.array(v.object({ uuid: v.string() })) })

/** Go's zero time stands for never. */
const timeOrNever = (text: string): string | null => (text.startsWith('0001-01-01') ? null : text)

/** A user whose keys can be reached. Without a password the core's own credential is theirs. */
export interface KeyOwner {
  user: string
  /** Or a key of theirs. */
  password?: string
}

/**
 * The keys of one user, whose credential the core holds, over zot's own routes.
 * https://zotregistry.dev/latest/articles/authn-authz/#api-keys
 */
export function ownKeyProvider(
  registry: RegistryHttp,
  engine: string,
  { user, password }: KeyOwner,
): KeyProvider {
  const as = password === undefined ? { onlyKnown: true } : { as: { user, password } }
  const read = <S extends v.GenericSchema>(schema: S, answer: RegistryAnswer, action: string) => {
    if (answer.status === 404) return fail({ code: 'keys-off' })
    if (answer.status === 400)
      return fail({
        code: 'key-refused',
        reason: answer.body.toString('utf8').slice(0, 200) || 'it answers 400',
      })
    const parsed = v.safeParse(schema, parseJson(answer.body))
    return answer.status < 300 && parsed.success ? ok(parsed.output) : fail(refusal(answer, action))
  }
  return {
    onlyUser: user,
    allowsNoExpiry: true,
    async list() {
      const answer = await registry.ask(path, as)
      if (!answer.ok) return answer
      const listed = read(ownKeys, answer.value, 'list keys')
      if (!listed.ok) return listed
      return ok(
        (listed.value.apiKeys ?? []).map(({ uuid, label, createdAt, expirationDate, lastUsed }) => ({
          uuid,
          user,
          label,
          createdAt,
          expirationDate: timeOrNever(expirationDate),
          lastUsed: timeOrNever(lastUsed),
          managed: false,
        })),
      )
    },
    async create(request) {
      if (request.user !== user) return fail({ code: 'keys-need-admin-socket', engine, user })
      const { label, expirationDate, scopes } = request
      const body = { label, scopes, ...(expirationDate === '' ? {} : { expirationDate }) }
      const answer = await registry.ask(path, { method: 'POST', body, ...as })
      if (!answer.ok) return answer
      const created = read(createdOwnKey, answer.value, 'make a key')
      if (!created.ok) return created
      const { uuid, apiKey } = created.value
      return ok({ uuid, user, label, expirationDate: timeOrNever(created.value.expirationDate), apiKey })
    },
    async revoke(uuid, descendants) {
      // zot answers 200 for a key that is not there or not this user's, so it is looked for first.
      const all = await this.list()
      if (!all.ok) return all
      if (!all.value.some(key => key.uuid === uuid)) return fail({ code: 'key-not-found', uuid })
      const also = descendants ? '&descendants=true' : ''
      const answer = await registry.ask(`${path}?id=${uuid}${also}`, { method: 'DELETE', ...as })
      if (!answer.ok) return answer
      if (answer.value.status !== 200) return fail(refusal(answer.value, 'revoke the key'))
      if (engine === 'zot') return ok({ revoked: [uuid], descendants: [], descendantsUnknown: true })
      const left = v.safeParse(leftKeys, parseJson(answer.value.body))
      const rest = descendants ? await this.list() : all
      const gone = rest.ok ? all.value.filter(key => !rest.value.some(({ uuid }) => uuid === key.uuid)) : []
      return ok({
        revoked: [uuid, ...gone.map(key => key.uuid).filter(one => one !== uuid)],
        descendants: left.success ? left.output.descendants.map(key => key.uuid) : [],
      })
    },
  }
}

const anyKey = v.object({
  uuid: v.string(),
  user: v.string(),
  label: v.string(),
  createdAt: v.string(),
  expirationDate: v.nullable(v.string()),
  lastUsed: v.nullable(v.string()),
  /** Absent from an engine of an earlier build. */
  descendants: v.exactOptional(v.number()),
})
const allKeys = v.object({ keys: v.array(anyKey) })
const createdKey = v.pipe(
  v.object({
    uuid: v.string(),
    user: v.string(),
    label: v.string(),
    expirationDate: v.nullable(v.string()),
    apiKey: v.string(),
    // Absent from a registry that was started by an older Zotbar.
    origin: v.optional(v.picklist(['local', 'oidc'])),
    groups: v.optional(v.array(v.string()), []),
  }),
  v.transform(({ origin, groups, ...key }) => ({ ...key, ...(origin && { account: { origin, groups } }) })),
)
const revokedKeys = v.object({ revoked: v.array(v.string()), descendants: v.array(v.string()) })
const adminRefusal = v.object({ error: v.string() })

/**
 * The keys of every user, over the administration socket. Undefined where the engine has none; one that gives no answer is
 * a failure, because the keys of one user must not pass for all.
 */
export async function adminKeyProvider(admin: AdminClient): Promise<Result<KeyProvider | undefined>> {
  const first = await admin.ask('GET', '/keys')
  if (first.kind === 'absent') return ok(undefined)
  if (first.kind === 'failed') return fail({ code: 'registry-unreachable', reason: first.reason })
  return ok({
    allowsNoExpiry: false,
    async list() {
      const read = readAs(allKeys, await admin.ask('GET', '/keys'))
      return read.ok ? ok(read.value.keys.map(key => ({ ...key, managed: false }))) : read
    },
    create: async request => readAs(createdKey, await admin.ask('POST', '/keys', request)),
    async revoke(uuid, descendants) {
      const answer = await admin.ask('DELETE', `/keys/${uuid}${descendants ? '?descendants=true' : ''}`)
      if (answer.kind === 'answered' && answer.status === 404) return fail({ code: 'key-not-found', uuid })
      return readAs(revokedKeys, answer)
    },
  })
}

function readAs<S extends v.GenericSchema>(schema: S, answer: AdminAnswer): Result<v.InferOutput<S>> {
  if (answer.kind === 'absent') return fail({ code: 'registry-not-serving' })
  if (answer.kind === 'failed') return fail({ code: 'registry-unreachable', reason: answer.reason })
  if (answer.status === 409) return fail({ code: 'keys-off' })
  const read = v.safeParse(schema, answer.body)
  if (answer.status < 300 && read.success) return ok(read.output)
  const no = v.safeParse(adminRefusal, answer.body)
  return fail({
    code: 'key-refused',
    reason: no.success ? no.output.error : `the registry answers ${answer.status}`,
  })
}
