import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '../log/logger.ts'
import { secretFree } from '../log/secret-free.ts'
import { errorTable } from '../oci/error-table.ts'
import { accessLine } from './access-line.ts'
import type { Certificate } from './certificate.ts'
import type { Cors } from './cors.ts'
import type { Exchange, Handlers } from './exchange.ts'
import type { IdleLimits } from './idleness.ts'
import { createNodeServer } from './node-server.ts'
import type { RateLimit } from './rate-limit.ts'
import { sendFailure } from './responder.ts'
import { type Route, routeOf } from './router.ts'

export interface ServerOptions {
  readonly handlers: Handlers
  readonly logger: Logger
  /** Which web pages may read and write. */
  readonly cors: Cors
  readonly limits: IdleLimits
  readonly maxConnections?: number
  /** Absent: no limit. */
  readonly rateLimit?: RateLimit | undefined
  /** Absent: no TLS. */
  readonly certificate?: Certificate | undefined
  /** Paths beyond those of the API. */
  readonly paths?: ReadonlyMap<string, Route>
  /** Hears of every request when its answer is complete. */
  readonly onAnswered?: (exchange: Exchange) => void
  /** Whether answers should end their connection. */
  readonly isDraining: () => boolean
}

export interface RegistryServer {
  readonly server: Server
  /** Requests whose answer is not yet complete. */
  readonly running: () => number
  /** Every open connection. */
  readonly sockets: ReadonlySet<Socket>
  replaceCertificate(certificate: Certificate): void
  /** Called whenever a request ends. */
  onSettled: () => void
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'

const ownPageRoutes: ReadonlySet<string> = new Set(['apikey', 'login', 'logout'])

/**
 * Whether a page that this registry served asks. Only for routes that want credentials: the Host header is
 * no proof of where a page came from.
 */
const isOwnPage = (origin: string, host: string | undefined): boolean =>
  host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)

/** The HTTP side: finds the handler, calls it, writes the log line. */
export function createRegistryServer(options: ServerOptions): RegistryServer {
  const { handlers, logger, cors, rateLimit, paths, onAnswered, isDraining } = options
  let running = 0
  /** The last request of each connection. */
  const current = new WeakMap<Socket, Exchange>()

  const settle = (exchange: Exchange): void => {
    const { failure, status } = exchange
    // What the operator can do something about; clients' own mistakes are in the line below.
    if (failure !== undefined && status >= 500 && status !== 503) {
      const path = secretFree(exchange.req.url ?? '')
      logger.log('error', errorTable[failure.name].message, {
        method: exchange.method,
        path,
        ...failure.detail,
      })
    }
    if (logger.keeps('info')) logger.line(accessLine(exchange))
    onAnswered?.(exchange)
  }

  const dispatch = (exchange: Exchange): undefined | Promise<void> => {
    const { method, route, req } = exchange
    const wait = rateLimit?.(req.socket.remoteAddress ?? '', method, pathOf(req)) ?? 0
    if (wait > 0) return sendFailure(exchange, { name: 'rate-limited' }, ['Retry-After', String(wait)])
    if (route.kind === 'none') return sendFailure(exchange, { name: 'route-unknown' })
    if (route.kind === 'malformed') return sendFailure(exchange, { name: 'name-invalid' })
    const { origin } = req.headers
    if (origin !== undefined && cors.open(exchange, origin, Object.keys(handlers[route.kind]))) return
    const handler = handlers[route.kind][method]
    if (!handler) {
      const allow = Object.keys(handlers[route.kind]).join(', ')
      return sendFailure(exchange, { name: 'method-unsupported' }, ['Allow', allow])
    }
    // Clients of registries are no web pages; a browser says so with Origin on everything that changes.
    const isAllowed = origin === undefined || cors.allows(origin)
    if (
      !isAllowed &&
      !isRead(method) &&
      !(ownPageRoutes.has(route.kind) && isOwnPage(origin, req.headers.host))
    ) {
      return sendFailure(exchange, { name: 'origin-denied' })
    }
    return handler(exchange)
  }

  const failed = (exchange: Exchange, error: unknown): void => {
    const stack = error instanceof Error ? error.stack : String(error)
    logger.log('error', 'request failed unexpectedly', {
      method: exchange.method,
      path: secretFree(exchange.req.url ?? ''),
      error: stack,
    })
    sendFailure(exchange, { name: 'unexpected' })
  }

  const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    const url = req.url ?? '/'
    const question = url.indexOf('?')
    const path = question < 0 ? url : url.slice(0, question)
    const route = routeOf(path)
    const exchange: Exchange = {
      req,
      res,
      method: req.method ?? 'GET',
      route: route.kind === 'none' ? (paths?.get(path) ?? route) : route,
      query: question < 0 ? '' : url.slice(question + 1),
      startedAt: performance.now(),
      identity: undefined,
      status: 0,
      failure: undefined,
      bodySize: 0,
    }
    current.set(req.socket, exchange)
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

  const { server, sockets, replaceCertificate } = createNodeServer(
    {
      limits: options.limits,
      certificate: options.certificate,
      maxConnections: options.maxConnections,
      exchangeOf: socket => current.get(socket),
      onDrop: () => noteDrop(logger),
    },
    onRequest,
  )
  const registry: RegistryServer = {
    server,
    sockets,
    replaceCertificate,
    running: () => running,
    onSettled: () => {},
  }
  return registry
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const question = url.indexOf('?')
  return question < 0 ? url : url.slice(0, question)
}

/** Who floods with connections must not flood the log, too, ms. */
const tellDropsEvery = 60_000
let toldDropAt = Number.NEGATIVE_INFINITY

function noteDrop(logger: Logger): void {
  if (performance.now() - toldDropAt < tellDropsEvery) return
  toldDropAt = performance.now()
  logger.log('warn', 'connections are refused: too many are open')
}
