import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '../log/logger.ts'
import { accessLine, secretFree } from '../log/request-log.ts'
import { errorTable } from '../oci/error-table.ts'
import type { Certificate } from './certificate.ts'
import { type Clients, createClients } from './client.ts'
import { Connections, limitNotes, UnderWay } from './connections.ts'
import type { Cors } from './cors.ts'
import type { Exchange, Handlers } from './exchange.ts'
import type { IdleLimits } from './node-server.ts'
import { createNodeServer } from './node-server.ts'
import type { RateLimit } from './rate-limit.ts'
import { sendFailure } from './responder.ts'
import { type Route, routeOf } from './router.ts'
import { Turns } from './turns.ts'

export interface ServerOptions {
  readonly handlers: Handlers
  readonly logger: Logger
  /** Which web pages may read and write. */
  readonly cors: Cors
  readonly limits: IdleLimits
  /** Who a client is. */
  readonly clients?: Clients
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
  const {
    handlers,
    logger,
    cors,
    rateLimit,
    paths,
    onAnswered,
    isDraining,
    clients = createClients(),
  } = options
  let running = 0
  const underWay = new UnderWay()
  const connections = new Connections({
    clientOf: clients.ofSocket,
    onLimit: limitNotes(logger),
  })

  const settle = (exchange: Exchange): void => {
    try {
      tell(exchange)
    } catch (error) {
      // The request is answered: what cannot be noted about it ends nothing.
      logger.log('error', 'a request could not be noted', { error: textOf(error) })
    }
  }

  const tell = (exchange: Exchange): void => {
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
    const wait = rateLimit?.(exchange.client.key, method, pathOf(req)) ?? 0
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
    logger.log('error', 'request failed unexpectedly', {
      method: exchange.method,
      path: secretFree(exchange.req.url ?? ''),
      error: textOf(error),
    })
    sendFailure(exchange, { name: 'unexpected' })
  }

  const begin = (req: IncomingMessage, res: ServerResponse): Exchange => {
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
      client: clients.of(req),
      startedAt: performance.now(),
      identity: undefined,
      status: 0,
      failure: undefined,
      bodySize: 0,
      isSettled: false,
    }
    if (isDraining()) res.shouldKeepAlive = false
    const { socket } = req
    // Stays idle for the limits: whoever has too much under way holds no connection by asking for more.
    if (!underWay.hasRoom(exchange.client)) {
      sendFailure(exchange, { name: 'too-many-under-way' }, ['Retry-After', '1'])
      exchange.isSettled = true
      settle(exchange)
      return exchange
    }
    let answer: undefined | Promise<void>
    try {
      answer = dispatch(exchange)
    } catch (error) {
      failed(exchange, error)
    }
    if (answer === undefined) {
      finish(exchange)
      return exchange
    }
    running++
    hold(exchange)
    void answer
      .catch((error: unknown) => failed(exchange, error))
      .finally(() => {
        running--
        if (res.writableLength > 0) res.once('close', () => letGo(exchange))
        else letGo(exchange)
        settle(exchange)
        turns.settled(exchange, socket)
        registry.onSettled()
      })
    return exchange
  }

  /** Answered at once. */
  const finish = (exchange: Exchange): void => {
    exchange.isSettled = true
    if (exchange.res.writableLength > 0) {
      hold(exchange)
      exchange.res.once('close', () => letGo(exchange))
    } else connections.used(exchange.req.socket)
    settle(exchange)
    if (isDraining()) registry.onSettled()
  }

  /** Under way until the system has all of the answer: what a client does not take lies here. */
  const hold = ({ client, req }: Exchange): void => {
    underWay.begin(client)
    connections.busy(req.socket)
  }
  const letGo = ({ client, req }: Exchange): void => {
    underWay.end(client)
    connections.idle(req.socket)
  }

  const turns = new Turns<Exchange>(begin)
  const { server, replaceCertificate } = createNodeServer(
    {
      limits: options.limits,
      certificate: options.certificate,
      connections,
      exchangeOf: socket => turns.of(socket),
    },
    (req, res) => turns.take(req, res),
  )
  const registry: RegistryServer = {
    server,
    sockets: connections.sockets,
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

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)
