import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from '../../lib/node-http.ts'
import { foreignSite, limitConnections, refusal, securityHeaders } from './guard.ts'
import type { Access } from './session-family.ts'
import { refuse, sessionOf, sessionRoutes } from './session-routes.ts'
import type { Sessions } from './sessions.ts'
import type { StaticFile } from './static-files.ts'

/** What answers below /api. */
export interface Api {
  handle(request: IncomingMessage, response: ServerResponse, caller: Access): Promise<void>
  /** Ends every event stream. */
  close(): void
}

interface Options {
  files: ReadonlyMap<string, StaticFile>
  sessions: Sessions
  api: Api
  /** The port that it listens on. */
  port(): number | undefined
}

/** A few tabs have a handful each. */
const maxConnections = 128

/**
 * The server of the pages and the contract; it does not listen yet.
 *
 * Without a session: 200 for the pages and their files, 401 for anything below /api, 404 for any other path.
 * Another Host or Origin than its own is 403, whatever the path. There is no cookie and no CORS.
 */
export function createPageServer({ files, sessions, api, port }: Options): Server {
  const routes = sessionRoutes(sessions)
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000
  const room = limitConnections(server, maxConnections)

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const refused = refusal(request.headers, port() ?? 0)
    if (refused) return refuse(response, 403, refused)
    if (path !== '/api' && !path.startsWith('/api/')) return page(request, response, files.get(path))
    if (foreignSite(request.headers)) return refuse(response, 403, 'wrong-origin')
    const route = request.method === 'POST' ? routes.get(path) : undefined
    if (route) return route(request, response)

    const session = sessionOf(request)
    const access = session === undefined ? 'no-session' : sessions.check(session)
    if (session === undefined || (access !== 'full' && access !== 'looking'))
      return refuse(response, 401, access === 'session-replayed' ? access : 'no-session')
    room.hold(response)
    // A stream ends with its session; a command that is under way is brought to its end.
    if (path === '/api/events')
      response.on(
        'close',
        sessions.hold(session, () => response.end()),
      )
    return api.handle(request, response, access)
  }

  return server
}

function page(request: IncomingMessage, response: ServerResponse, file: StaticFile | undefined): void {
  if (!file) {
    respondText(response, 404, 'Not found\n')
    return
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    respondText(response, 405, 'Method not allowed\n')
    return
  }
  const headers = { 'cache-control': file.cacheControl, etag: file.etag }
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, headers)
    response.end()
    return
  }
  response.writeHead(200, { ...headers, 'content-type': file.type, 'content-length': file.body.length })
  response.end(request.method === 'HEAD' ? undefined : file.body)
}

function respondText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  })
  response.end(text)
}
