import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ApiKey, type KeyPolicy, parseKeyRequest } from '../auth/api-key.ts'
import type { Identity } from '../auth/identity.ts'
import { printScope } from '../auth/scope.ts'
import type { ApiKeys } from '../metadata/api-keys.ts'
import type { Activity, Pulls } from '../metadata/pulls.ts'
import { isObject, parseJson, stringIn } from '../oci/json.ts'
import { inodeOf, listenAtSocket, removeSocket } from './socket.ts'

// As in http/server.ts: an ES import of node:http would load all of Node's fetch.
const { createServer } = process.getBuiltinModule('node:http')

export interface AdminParts {
  /** Where to listen. */
  path: string
  /** Undefined: config.json has no API keys. */
  keys: Pick<ApiKeys, 'list' | 'get' | 'create' | 'descendants' | 'revoke'> | undefined
  pulls: Pick<Pulls, 'list'> | undefined
  policy: KeyPolicy
  /** Where the account of a user lives, which decides the groups that a key of theirs has. */
  originOf(user: string): Identity['origin']
  /** ms since the epoch. */
  now(): number
  /** One line for the log; never a secret. */
  audit(message: string, fields: Record<string, unknown>): void
}

export interface AdminServer {
  close(): Promise<void>
}

export type AdminStart = { ok: true; admin: AdminServer } | { ok: false; message: string }

interface Reply {
  status: number
  body: object
}

const mostBody = 256 * 1024
const mostUser = 256

/**
 * The administration of a running registry, for the program that runs it: HTTP over a unix socket, never over the
 * port. Whoever may open the socket may do everything.
 *
 * `GET /keys`: {keys: [{uuid, user, label, scopes, createdAt, expirationDate, lastUsed, mintedBy}]}, times RFC 3339 or null.
 * `POST /keys` {user, label, scopes, expirationDate}: 201 {uuid, user, label, expirationDate, apiKey}, 400 {error}.
 * `DELETE /keys/<uuid>` (`?descendants=true`: with what was minted by it): {revoked: [uuid], descendants: [uuid]}, 404.
 * `POST /activity` {repositories: [name]}: {activity: {name: {reference: {pulls, lastPulled, pushedAt, pushedBy}}}}, ms.
 */
export async function startAdminServer(parts: AdminParts): Promise<AdminStart> {
  const server = createServer((request, response) => {
    answer(parts, request, response).catch(error => {
      parts.audit('administration failed', { error: error instanceof Error ? error.message : String(error) })
      send(response, { status: 500, body: { error: 'a fault in the registry' } })
    })
  })
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 1_000
  const failed = await listenAtSocket(server, parts.path)
  if (failed !== undefined) return { ok: false, message: failed }
  const inode = inodeOf(parts.path)
  return {
    ok: true,
    admin: {
      close() {
        removeSocket(parts.path, inode)
        const closed = new Promise<void>(resolve => server.close(() => resolve()))
        server.closeIdleConnections()
        setTimeout(() => server.closeAllConnections(), 500).unref()
        return closed
      },
    },
  }
}

async function answer(parts: AdminParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request)
  if (body === 'too-large') return send(response, { status: 413, body: { error: 'the body is too large' } })
  send(response, await replyTo(parts, request, body))
}

async function replyTo(parts: AdminParts, request: IncomingMessage, body: string): Promise<Reply> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://admin')
  const { method } = request
  if (pathname === '/activity' && method === 'POST') return await activityReply(parts, parseJson(body))
  if (pathname !== '/keys' && !pathname.startsWith('/keys/')) return no(404, 'there is no such path')
  const { keys } = parts
  if (!keys) return no(409, 'config.json has no API keys')
  if (pathname === '/keys' && method === 'GET') return { status: 200, body: { keys: keys.list().map(shown) } }
  if (pathname === '/keys' && method === 'POST') return create(parts, keys, parseJson(body))
  if (pathname.startsWith('/keys/') && method === 'DELETE')
    return revoke(parts, keys, pathname.slice('/keys/'.length), searchParams.get('descendants') === 'true')
  return no(405, 'not with this method')
}

type Keys = NonNullable<AdminParts['keys']>

function create(parts: AdminParts, keys: Keys, body: unknown): Reply {
  const user = isObject(body) ? stringIn(body, 'user') : undefined
  // A colon ends the name in Basic authentication, so such a user could never use the key.
  if (user === undefined || user === '' || user.length > mostUser || /[:\p{Cc}]/u.test(user))
    return no(400, `user is not a name of 1 to ${mostUser} characters without colons`)
  const read = parseKeyRequest(body, { policy: parts.policy, now: parts.now(), minter: {} })
  if (!read.ok) return no(400, read.problem)
  const origin = parts.originOf(user)
  const made = keys.create({ ...read.request, user, origin, creatorUa: 'zotbar' })
  if (!made.ok) return no(400, `${user} has too many keys already`)
  const { uuid, label, expiresAt } = made.key
  parts.audit('API key created', { user, uuid, label })
  return {
    status: 201,
    body: { uuid, user, label, expirationDate: rfc3339(expiresAt), apiKey: made.secret },
  }
}

function revoke(parts: AdminParts, keys: Keys, uuid: string, withDescendants: boolean): Reply {
  if (!keys.get(uuid)) return no(404, 'there is no such key')
  const descendants = keys.descendants(uuid).map(key => key.uuid)
  const gone = keys.revoke(withDescendants ? [uuid, ...descendants] : [uuid])
  for (const key of gone) parts.audit('API key revoked', { user: key.user, uuid: key.uuid, label: key.label })
  return {
    status: 200,
    body: { revoked: gone.map(key => key.uuid), descendants: withDescendants ? [] : descendants },
  }
}

async function activityReply({ pulls }: AdminParts, body: unknown): Promise<Reply> {
  const wanted = isObject(body) && Array.isArray(body['repositories']) ? body['repositories'] : undefined
  if (!wanted) return no(400, 'repositories is not a list')
  const activity: [string, Record<string, Activity>][] = []
  for (const name of wanted.slice(0, 1000)) {
    if (typeof name !== 'string' || !pulls) continue
    activity.push([name, Object.fromEntries(pulls.list(name))])
    // A long list leaves room for pulls in between.
    await new Promise(resolve => setImmediate(resolve))
  }
  return { status: 200, body: { activity: Object.fromEntries(activity) } }
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

const no = (status: number, error: string): Reply => ({ status, body: { error } })

async function readBody(request: IncomingMessage): Promise<string | 'too-large'> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request) {
    const bytes: Buffer = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece))
    size += bytes.length
    if (size > mostBody) return 'too-large'
    pieces.push(bytes)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function send(response: ServerResponse, { status, body }: Reply): void {
  if (response.headersSent || response.destroyed) return
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(status === 413 ? { connection: 'close' } : {}),
  })
  response.end(text)
}
