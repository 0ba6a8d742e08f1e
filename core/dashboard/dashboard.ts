import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Caller } from '../../contract/caller.ts'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode } from '../../lib/error-code.ts'
import { isObject } from '../../lib/json.ts'
import { createServer } from '../../lib/node-http.ts'
import { answer, readJson, refuseBody } from '../platform/json-http.ts'
import { foreignSite, limitConnections, refusal, securityHeaders } from './guard.ts'
import { type SessionSources, sessions } from './sessions.ts'
import { type StaticFile, staticFiles } from './static-files.ts'

export interface Dashboard {
  readonly port: number
  /** "http://127.0.0.1:PORT/": what `status` tells. */
  readonly url: string
  /** The same with a one-time token in its fragment, which a browser never sends to a server. */
  createLink(): string
  close(): Promise<void>
}

/** What answers below /api. */
interface Api {
  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void>
  close(): void
}

const sessionHeader = 'x-zotbar-session'

/** A few tabs have a handful each. */
const maxConnections = 128

/**
 * Serves the pages and the contract on 127.0.0.1. `port` 0 lets the kernel choose. `folder` holds window.html,
 * popover.html and assets/.
 *
 * Without a session: 200 for the pages and their files, 401 for anything below /api, 404 for any other path.
 * Another Host or Origin than its own is 403, whatever the path. There is no cookie and no CORS.
 * Errors: `port-taken`.
 */
export async function startDashboard(options: {
  port: number
  folder: string
  api: Api
  sources?: SessionSources
}): Promise<Result<Dashboard>> {
  const { folder, api, sources = { now: Date.now, randomBytes } } = options
  const known = sessions(sources)
  const files = await staticFiles(folder)
  let port = options.port

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000
  const room = limitConnections(server, maxConnections)

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const refused = refusal(request.headers, port)
    if (refused) return refuse(response, 403, refused)
    if (path !== '/api' && !path.startsWith('/api/')) return page(request, response, files.get(path))
    if (foreignSite(request.headers)) return refuse(response, 403, 'wrong-origin')
    if (path === '/api/session' && request.method === 'POST') return signIn(request, response)

    const header = request.headers[sessionHeader]
    if (typeof header !== 'string' || !known.check(header)) return refuse(response, 401, 'no-session')
    room.hold(response)
    response.on('close', known.hold(header))
    return api.handle(request, response, 'full')
  }

  async function signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request, 1_024)
    const allowed = (problem: string): Failure => ({
      code: 'bad-input',
      field: 'token',
      wrong: problem,
      allowed: 'a token, as application/json of at most 1024 bytes',
    })
    if (body.kind === 'too-large') return refuseBody(response, 413, allowed('a larger input'))
    if (body.kind === 'wrong-type') return refuseBody(response, 415, allowed(body.type || 'no content type'))
    if (body.kind === 'gone') return
    const token = body.kind === 'json' ? tokenOf(body.value) : undefined
    if (token === undefined) return answer(response, 200, fail(allowed('none')))
    const session = known.redeem(token)
    if (session === undefined) return refuse(response, 401, 'token-used')
    return answer(response, 200, ok({ session }))
  }

  const failed = await listen(server, port)
  if (failed) return fail(failed)
  const address = server.address()
  if (typeof address === 'object' && address) port = address.port
  const url = `http://127.0.0.1:${port}/`

  return ok({
    port,
    url,
    createLink: () => `${url}#token=${known.createToken()}`,
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      api.close()
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 500).unref()
      await closed
    },
  })
}

type Refusal = Extract<Failure, { code: 'not-authorised' }>['reason']

/** The body was not read, so the connection cannot be used again. */
function refuse(response: ServerResponse, status: 401 | 403, reason: Refusal): void {
  answer(response, status, fail({ code: 'not-authorised', reason }), { connection: 'close' })
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

function tokenOf(input: unknown): string | undefined {
  const token = isObject(input) ? input['token'] : undefined
  return typeof token === 'string' ? token : undefined
}

function listen(server: Server, port: number): Promise<Failure | undefined> {
  return new Promise(resolve => {
    server.once('error', error => {
      const code = errorCode(error)
      resolve(
        code === 'EADDRINUSE'
          ? { code: 'port-taken', what: 'dashboard', port }
          : {
              code: 'bad-setting',
              key: 'dashboard.port',
              wrong: String(port),
              allowed: `a port one may listen on (${error.message})`,
            },
      )
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(undefined))
  })
}
