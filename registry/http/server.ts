import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '../log/logger.ts'
import { errorTable } from '../oci/error-table.ts'
import { accessLine } from './access-line.ts'
import type { Exchange, Handlers } from './exchange.ts'
import { sendFailure } from './responder.ts'
import { routeOf } from './router.ts'

// An ES import of node:http reads every export, and one of them loads all of Node's fetch: 13 MB and 40 ms.
const { createServer } = process.getBuiltinModule('node:http')

export interface ServerOptions {
  readonly handlers: Handlers
  readonly logger: Logger
  /** The web origin that may write, from http.allowOrigin. */
  readonly allowOrigin: string | undefined
  /** Whether answers should end their connection. */
  readonly isDraining: () => boolean
}

export interface RegistryServer {
  readonly server: Server
  /** Requests whose answer is not yet complete. */
  readonly running: () => number
  /** Every open connection. */
  readonly sockets: ReadonlySet<Socket>
  /** Called whenever a request ends. */
  onSettled: () => void
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'

/**
 * Whether a page that this registry served asks. Only for routes that want credentials: the Host header is
 * no proof of where a page came from.
 */
const isOwnPage = (origin: string, host: string | undefined): boolean =>
  host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)

/** The HTTP side: finds the handler, calls it, writes the log line. */
export function createRegistryServer({
  handlers,
  logger,
  allowOrigin,
  isDraining,
}: ServerOptions): RegistryServer {
  const logged = logger.keeps('info')
  let running = 0

  const settle = (exchange: Exchange): void => {
    const { failure, status } = exchange
    // What the operator can do something about; clients' own mistakes are in the line below.
    if (failure !== undefined && status >= 500 && status !== 503) {
      const path = exchange.req.url
      logger.log('error', errorTable[failure.name].message, {
        method: exchange.method,
        path,
        ...failure.detail,
      })
    }
    if (logged) logger.line(accessLine(exchange))
  }

  const dispatch = (exchange: Exchange): undefined | Promise<void> => {
    const { method, route, req } = exchange
    if (route.kind === 'none') return sendFailure(exchange, { name: 'route-unknown' })
    if (route.kind === 'malformed') return sendFailure(exchange, { name: 'name-invalid' })
    const handler = handlers[route.kind][method]
    if (!handler) {
      const allow = Object.keys(handlers[route.kind]).join(', ')
      return sendFailure(exchange, { name: 'method-unsupported' }, ['Allow', allow])
    }
    // Clients of registries are no web pages; a browser says so with Origin on everything that changes.
    const { origin } = req.headers
    const isAllowed = origin === undefined || origin === allowOrigin || allowOrigin === '*'
    if (!isAllowed && !isRead(method) && !(route.kind === 'apikey' && isOwnPage(origin, req.headers.host))) {
      return sendFailure(exchange, { name: 'origin-denied' })
    }
    return handler(exchange)
  }

  const failed = (exchange: Exchange, error: unknown): void => {
    const stack = error instanceof Error ? error.stack : String(error)
    logger.log('error', 'request failed unexpectedly', {
      method: exchange.method,
      path: exchange.req.url,
      error: stack,
    })
    sendFailure(exchange, { name: 'unexpected' })
  }

  const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    const url = req.url ?? '/'
    const question = url.indexOf('?')
    const exchange: Exchange = {
      req,
      res,
      method: req.method ?? 'GET',
      route: routeOf(question < 0 ? url : url.slice(0, question)),
      query: question < 0 ? '' : url.slice(question + 1),
      startedAt: performance.now(),
      identity: undefined,
      status: 0,
      failure: undefined,
      bodySize: 0,
    }
    if (isDraining()) res.shouldKeepAlive = false
    let answer: undefined | Promise<void>
    try {
      answer = dispatch(exchange)
    } catch (error) {
      failed(exchange, error)
    }
    if (answer === undefined) {
      settle(exchange)
      if (isDraining()) registry.onSettled()
      return
    }
    running++
    answer
      .catch((error: unknown) => failed(exchange, error))
      .finally(() => {
        running--
        settle(exchange)
        registry.onSettled()
      })
  }

  const server = createServer(
    {
      // A slow upload that moves is never cut; headers that do not come are.
      requestTimeout: 0,
      headersTimeout: 60_000,
      keepAliveTimeout: 75_000,
      // Notices a client that vanished without a word, so that its upload does not stay open for ever.
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    },
    onRequest,
  )
  server.maxRequestsPerSocket = 0
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const registry: RegistryServer = { server, sockets, running: () => running, onSettled: () => {} }
  return registry
}
