import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { isObject, parseJson } from '../../lib/json.ts'
import { readBody } from '../../lib/node-http.ts'
import { badSocketPath, listenPrivately, type PrivateSocket } from '../../lib/private-socket.ts'
import type { EventLog } from '../events/event-log.ts'
import type { Activity } from '../metadata/pulls.ts'
import type { Storage } from '../storage/storage.ts'
import { version } from '../version.ts'
import { eventStreams } from './event-stream.ts'
import { isKeyPath, type KeyReplyDeps, keyReply } from './key-replies.ts'
import { bodyLimit, type Reply, refuse, send } from './reply.ts'
import { type RepositoryListDeps, repositoryLists } from './repository-list.ts'

export type SocketStart = { ok: true; socket: PrivateSocket } | { ok: false; message: string }

/**
 * Listens at `path`: a unix socket (0600) in a folder that must be this user's alone (0700). A socket that lies there
 * is one of a process that died: the data folder's lock lets only one serve. Anything else is left alone.
 */
export async function listenAtSocket(server: Server, path: string): Promise<SocketStart> {
  try {
    switch (badSocketPath(path)) {
      case 'no-folder':
        throw new Error(`${dirname(path)} is not there`)
      case 'open-folder':
        throw new Error(`${dirname(path)} is open to other users`)
      case 'not-a-socket':
        throw new Error(`something that is not a socket is at ${path}`)
      case undefined:
        return { ok: true, socket: await listenPrivately(server, path, '.a') }
    }
  } catch (error) {
    server.close()
    return { ok: false, message: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * The number of the administration's protocol: docs/admin-socket.md. It grows by one when something is taken away or
 * comes to mean something else; what is only added gets a name in `features`. Registries from before there was a
 * number answer 404 to `GET /`, which is number 0.
 */
const protocol = 1

/** What can be asked beyond `GET /`. */
type Feature = 'keys' | 'activity' | 'events' | 'repositories' | 'damaged'

/** The answer to `GET /`. */
interface Hello {
  readonly protocol: number
  readonly engine: 'zotbar-registry'
  readonly version: string
  readonly pid: number
  /** ms since the epoch. */
  readonly startedAt: number
  readonly features: readonly Feature[]
}

const helloOf = (startedAt: number, features: readonly Feature[]): Hello => ({
  protocol,
  engine: 'zotbar-registry',
  version,
  pid: process.pid,
  startedAt,
  features,
})

// As in http/server.ts: an ES import of node:http would load all of Node's fetch.
const { createServer } = process.getBuiltinModule('node:http')

export interface AdminDeps extends KeyReplyDeps, RepositoryListDeps {
  /** Where to listen. */
  path: string
  events: EventLog
}

export interface AdminServer {
  close(): Promise<void>
}

export type AdminStart = { ok: true; admin: AdminServer } | { ok: false; message: string }

/**
 * The administration of a running registry, for the program that runs it: HTTP over a unix socket, never over the
 * port. Whoever may open the socket may do everything. Paths, shapes and units are in docs/admin-socket.md.
 */
export async function startAdminServer(deps: AdminDeps): Promise<AdminStart> {
  const features: Feature[] = ['keys', 'activity', 'events', 'repositories', 'damaged']
  const hello = helloOf(deps.now(), features)
  const streams = eventStreams(deps.events)
  const opens: Opens = { '/events': streams, '/repositories': repositoryLists(deps) }
  const server = createServer((request, response) => {
    // The question for a sign of life: answered before anything that could wait, its body unread.
    if (request.method === 'GET' && request.url === '/')
      return send(response, { status: 200, body: hello }, hasBody(request))
    answer(deps, opens, request, response).catch(error => {
      deps.audit('administration failed', { error: error instanceof Error ? error.message : String(error) })
      // Half of the answer is out already: cutting the connection shows the client that the rest is missing.
      if (response.headersSent) response.destroy()
      else send(response, refuse(500, 'a fault in the registry'))
    })
  })
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 1_000
  const listening = await listenAtSocket(server, deps.path)
  if (!listening.ok) return listening
  return {
    ok: true,
    admin: {
      close() {
        listening.socket.remove()
        const closed = new Promise<void>(resolve => server.close(() => resolve()))
        streams.close()
        server.closeIdleConnections()
        setTimeout(() => server.closeAllConnections(), 500).unref()
        return closed
      },
    },
  }
}

/** Paths that answer in many lines. */
type Opens = Readonly<Record<string, { open(response: ServerResponse, query: URLSearchParams): unknown }>>

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined

async function answer(
  deps: AdminDeps,
  opens: Opens,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, bodyLimit)
  if (body.kind === 'too-large') return send(response, refuse(413, 'the body is too large'))
  if (body.kind === 'broken') return
  const url = new URL(request.url ?? '/', 'http://admin')
  const opened =
    request.method === 'GET' && Object.hasOwn(opens, url.pathname) ? opens[url.pathname] : undefined
  if (opened) {
    await opened.open(response, url.searchParams)
    return
  }
  send(response, await replyTo(deps, request, url, body.bytes.toString('utf8')))
}

async function replyTo(deps: AdminDeps, request: IncomingMessage, url: URL, body: string): Promise<Reply> {
  const { pathname } = url
  if (pathname === '/damaged' && request.method === 'GET') return await damagedReply(deps)
  if (pathname === '/activity' && request.method === 'POST') return await activityReply(deps, parseJson(body))
  if (isKeyPath(pathname)) return keyReply(deps, request, url, body)
  return refuse(404, 'there is no such path')
}

/** Listing the repositories checks their folders; an index is checked whenever a request needs it. */
async function damagedReply({ storage }: AdminDeps): Promise<Reply> {
  await storage.repositories()
  return { status: 200, body: { damaged: storage.damaged() } }
}

async function activityReply({ pulls }: AdminDeps, body: unknown): Promise<Reply> {
  const wanted = isObject(body) && Array.isArray(body['repositories']) ? body['repositories'] : undefined
  if (!wanted) return refuse(400, 'repositories is not a list')
  const activity: [string, Record<string, Activity>][] = []
  for (const name of wanted.slice(0, 1000)) {
    if (typeof name !== 'string' || !pulls) continue
    activity.push([name, Object.fromEntries(pulls.list(name))])
    // A long list leaves room for pulls in between.
    await new Promise(resolve => setImmediate(resolve))
  }
  return { status: 200, body: { activity: Object.fromEntries(activity) } }
}

interface People extends Pick<AdminDeps, 'originOf' | 'pulls' | 'facts'> {
  apiKeys: AdminDeps['keys']
  keyPolicy: AdminDeps['policy']
}

interface Log {
  log(level: 'info' | 'warn', message: string, fields?: Record<string, unknown>): void
}

/**
 * Opens the administration where the environment names a socket for it (ZOTBAR_ADMIN_SOCKET). A registry serves
 * without it too: what went wrong is a line in the log.
 */
export async function openAdministration(
  { apiKeys, keyPolicy, originOf, pulls, facts }: People,
  { storage, events }: { storage: Storage; events: EventLog },
  logger: Log,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AdminServer | undefined> {
  const path = environment['ZOTBAR_ADMIN_SOCKET']
  if (!path) return undefined
  const started = await startAdminServer({
    path,
    keys: apiKeys,
    pulls,
    facts,
    policy: keyPolicy,
    originOf,
    events,
    storage,
    now: Date.now,
    audit: (message, fields) => logger.log('info', message, fields),
  })
  if (started.ok) return started.admin
  logger.log('warn', 'there is no administration socket', { error: started.message })
  return undefined
}
