import type { IncomingMessage } from 'node:http'
import { isObject, parseJson } from '../../lib/json.ts'
import { type ApiKey, type KeyPolicy, parseKeyRequest } from '../auth/api-key.ts'
import type { Identity } from '../auth/identity.ts'
import { printScope } from '../auth/scope.ts'
import type { ApiKeys } from '../metadata/api-keys.ts'
import { stringIn } from '../oci/json.ts'
import { type Reply, refuse } from './reply.ts'

export interface KeyReplyDeps {
  /** Undefined: config.json has no API keys. */
  keys:
    | Pick<ApiKeys, 'list' | 'get' | 'create' | 'descendants' | 'descendantCounts' | 'revoke' | 'groupsOf'>
    | undefined
  policy: KeyPolicy
  /** Where the account of a user lives, which decides the groups that a key of theirs has. */
  originOf(user: string): Identity['origin']
  /** ms since the epoch. */
  now(): number
  /** One line for the log; never a secret. */
  audit(message: string, fields: Record<string, unknown>): void
}

const maxUser = 256

/** Whether a path is one of those that `keyReply` answers. */
export const isKeyPath = (pathname: string): boolean => pathname === '/keys' || pathname.startsWith('/keys/')

/** Lists, makes and revokes the API keys of all users: docs/admin-socket.md. */
export async function keyReply(
  deps: KeyReplyDeps,
  { method }: IncomingMessage,
  url: URL,
  body: string,
): Promise<Reply> {
  const { pathname, searchParams } = url
  const { keys } = deps
  if (!keys) return refuse(409, 'config.json has no API keys')
  if (pathname === '/keys' && method === 'GET') return list(keys)
  if (pathname === '/keys' && method === 'POST') return create(deps, keys, parseJson(body))
  if (pathname.startsWith('/keys/') && method === 'DELETE')
    return revoke(deps, keys, pathname.slice('/keys/'.length), searchParams.get('descendants') === 'true')
  return refuse(405, 'not with this method')
}

type Keys = NonNullable<KeyReplyDeps['keys']>

function list(keys: Keys): Reply {
  const counts = keys.descendantCounts()
  const all = keys.list().map(key => ({ ...shown(key), descendants: counts.get(key.uuid) ?? 0 }))
  return { status: 200, body: { keys: all } }
}

async function create(deps: KeyReplyDeps, keys: Keys, body: unknown): Promise<Reply> {
  const user = isObject(body) ? stringIn(body, 'user') : undefined
  // A colon ends the name in Basic authentication, so such a user could never use the key.
  if (user === undefined || user === '' || user.length > maxUser || /[:\p{Cc}]/u.test(user))
    return refuse(400, `user is not a name of 1 to ${maxUser} characters without colons`)
  const read = parseKeyRequest(body, { policy: deps.policy, now: deps.now(), minter: {} })
  if (!read.ok) return refuse(400, read.problem)
  const origin = deps.originOf(user)
  const made = await keys.create({ ...read.request, user, origin, creatorUa: 'zotbar' })
  if (!made.ok)
    return refuse(
      400,
      made.reason === 'ended' ? 'it was revoked while it was created' : `${user} has too many keys already`,
    )
  const { uuid, label, expiresAt } = made.key
  deps.audit('API key created', { user, uuid, label })
  return {
    status: 201,
    body: {
      ...{ uuid, user, label, expirationDate: rfc3339(expiresAt), apiKey: made.secret },
      ...{ origin, groups: origin === 'oidc' ? keys.groupsOf(user) : [] },
    },
  }
}

async function revoke(
  deps: KeyReplyDeps,
  keys: Keys,
  uuid: string,
  withDescendants: boolean,
): Promise<Reply> {
  const descendants = keys.descendants(uuid).map(key => key.uuid)
  // What came out of a key that is gone can be ended still.
  if (!keys.get(uuid) && descendants.length === 0) return refuse(404, 'there is no such key')
  const gone = await keys.revoke(withDescendants ? [uuid, ...descendants] : [uuid])
  for (const key of gone)
    deps.audit('API key revoked', {
      ...{ user: key.user, uuid: key.uuid, label: key.label },
      ...(key.uuid === uuid ? {} : { descendantOf: uuid }),
    })
  return {
    status: 200,
    body: { revoked: gone.map(key => key.uuid), descendants: withDescendants ? [] : descendants },
  }
}

const shown = ({ uuid, user, label, scopes, createdAt, expiresAt, lastUsed, mintedBy }: ApiKey): object => ({
  uuid,
  user,
  label,
  scopes: scopes.map(printScope),
  createdAt: rfc3339(createdAt),
  expirationDate: rfc3339(expiresAt),
  lastUsed: lastUsed === undefined ? null : rfc3339(lastUsed),
  mintedBy: mintedBy ?? null,
})

const rfc3339 = (at: number): string => new Date(at).toISOString()
