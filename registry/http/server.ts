import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Certificate } from '../../lib/certificate-files.ts'
import type { Logger } from '../log/logger.ts'
import { accessLine, maskSecrets } from '../log/request-log.ts'
import { errorTable, type Failure } from '../oci/error-table.ts'
import type { Clients } from './client.ts'
import { ActiveRequests, Connections, createLimitReporter } from './connections.ts'
import type { Cors } from './cors.ts'
import type { IdleLimits } from './node-server.ts'
import { createNodeServer } from './node-server.ts'
import type { OwnNames } from './own-names.ts'
import type { RateLimit } from './rate-limit.ts'
import type { Handlers, RequestContext } from './request-context.ts'
import { faultOfHead } from './request-head.ts'
import { RequestQueue } from './request-queue.ts'
import { sendFailure } from './responder.ts'
import { type Route, routeOf } from './router.ts'

export interface ServerOptions {
  readonly handlers: Handlers
  readonly logger: Logger
  /** Which web pages may read and write. */
  readonly cors: Cors
  readonly limits: IdleLimits
  /** Who a client is. */
  readonly clients: Clients
  readonly ownNames: Pick<OwnNames, 'isOwnOrigin'>
  /** Absent: no limit. */
  readonly rateLimit?: RateLimit | undefined
  /** Absent: no TLS. */
  readonly certificate?: Certificate | undefined
  /** Paths beyond those of the API. */
  readonly paths?: ReadonlyMap<string, Route>
  /** Called with every request when its answer is complete. */
  readonly onAnswered?: (context: RequestContext) => void
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
  /** Calls `listener` whenever a request ends, instead of the one before. */
  onSettled(listener: () => void): void
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'

/** Of our own pages; each wants credentials. */
const ownPageRoutes: ReadonlySet<string> = new Set(['apikey', 'login', 'logout'])

/** The HTTP side: finds the handler, calls it, writes the log line. */
export function createRegistryServer(options: ServerOptions): RegistryServer {
  const { logger, paths, isDraining, clients } = options
  let running = 0
  let onSettled = (): void => {}
  const activeRequests = new ActiveRequests()
  const connections = new Connections({
    clientOf: clients.ofSocket,
    onLimit: createLimitReporter(logger),
  })

  /** A request is active until the system has all of its answer: what a client does not take stays in memory. */
  const hold = ({ client, req }: RequestContext): void => {
    activeRequests.begin(client)
    connections.busy(req.socket)
  }
  const release = ({ client, req }: RequestContext): void => {
    activeRequests.end(client)
    connections.idle(req.socket)
  }

  /** Answered at once. */
  const finish = (context: RequestContext): void => {
    context.isSettled = true
    if (context.res.writableLength > 0) {
      hold(context)
      context.res.once('close', () => release(context))
    } else connections.used(context.req.socket)
    logAnswer(options, context)
    if (isDraining()) onSettled()
  }

  const begin = (
    req: IncomingMessage,
    res: ServerResponse,
    settled: (context: RequestContext, socket: Socket) => void,
  ): RequestContext => {
    const fault = faultOfHead(req)
    const url = req.url ?? '/'
    const question = url.indexOf('?')
    const path = question < 0 ? url : url.slice(0, question)
    const route = routeOf(path)
    const context: RequestContext = {
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
      hasChanged: false,
      isSettled: false,
    }
    if (isDraining() || fault) res.shouldKeepAlive = false
    const { socket } = req
    if (fault) {
      sendFailure(context, fault)
      finish(context)
      return context
    }
    // The connection still counts as idle: a client over its limit keeps no connection by asking for more.
    if (!activeRequests.hasRoom(context.client)) {
      sendFailure(context, { name: 'too-many-under-way' }, ['Retry-After', '1'])
      context.isSettled = true
      logAnswer(options, context)
      return context
    }
    let answer: undefined | Promise<void>
    try {
      answer = dispatch(options, context)
    } catch (error) {
      failUnexpectedly(logger, context, error)
    }
    if (answer === undefined) {
      finish(context)
      return context
    }
    running++
    hold(context)
    void answer
      .catch((error: unknown) => failUnexpectedly(logger, context, error))
      .finally(() => {
        running--
        if (res.writableLength > 0) res.once('close', () => release(context))
        else release(context)
        logAnswer(options, context)
        settled(context, socket)
        onSettled()
      })
    return context
  }

  const queue = new RequestQueue<RequestContext>(begin)
  const { server, replaceCertificate } = createNodeServer(
    {
      limits: options.limits,
      certificate: options.certificate,
      connections,
      contextOf: socket => queue.of(socket),
    },
    (req, res) => queue.take(req, res),
  )
  return {
    server,
    sockets: connections.sockets,
    replaceCertificate,
    running: () => running,
    onSettled(listener) {
      onSettled = listener
    },
  }
}

/** At which level a failure is in the log beside its access line; undefined: not at all. */
function levelOf({ name, detail }: Failure, status: number): 'error' | 'warn' | undefined {
  if (status >= 500 && status !== 503) return 'error'
  // A right that somebody known lacks; of others only what is no mere lack of credentials.
  return name === 'denied' || (name === 'unauthorized' && detail?.['tag'] !== undefined) ? 'warn' : undefined
}

/** Writes what the log says of an answered request. */
function logAnswer({ logger, onAnswered }: ServerOptions, context: RequestContext): void {
  try {
    const { failure, status } = context
    // Failures that the operator can mend; mistakes of clients show in the access line only.
    const level = failure === undefined ? undefined : levelOf(failure, status)
    if (failure !== undefined && level !== undefined) {
      const path = maskSecrets(context.req.url ?? '')
      logger.log(level, errorTable[failure.name].message, {
        method: context.method,
        path,
        ...failure.detail,
      })
    }
    if (logger.isEnabled('info')) logger.line(accessLine(context))
    onAnswered?.(context)
  } catch (error) {
    // The request is answered: what cannot be noted about it ends nothing.
    logger.log('error', 'a request could not be noted', { error: textOf(error) })
  }
}

/** Finds the handler of a request, if it may be asked, and calls it. */
function dispatch(options: ServerOptions, context: RequestContext): undefined | Promise<void> {
  const { handlers, cors, ownNames, rateLimit } = options
  const { method, route, req } = context
  const { origin } = req.headers
  // First, so that a page can read refusals, too. Clients of registries are no pages and send no Origin.
  const isAdmitted = origin !== undefined && cors.admit(context, origin)
  const wait = rateLimit?.(context.client.key, method, pathOf(req)) ?? 0
  if (wait > 0) return sendFailure(context, { name: 'rate-limited' }, ['Retry-After', String(wait)])
  if (route.kind === 'none') return sendFailure(context, { name: 'route-unknown' })
  if (route.kind === 'malformed') return sendFailure(context, { name: 'name-invalid' })
  const handler = handlers[route.kind][method]
  if (!handler) {
    const methods = Object.keys(handlers[route.kind])
    if (isAdmitted && method === 'OPTIONS') return cors.answerPreflight(context, methods)
    return sendFailure(context, { name: 'method-unsupported' }, ['Allow', methods.join(', ')])
  }
  if (
    origin !== undefined &&
    !isAdmitted &&
    !isRead(method) &&
    !(ownPageRoutes.has(route.kind) && ownNames.isOwnOrigin(origin, req))
  ) {
    return sendFailure(context, { name: 'origin-denied' })
  }
  return handler(context)
}

function failUnexpectedly(logger: Logger, context: RequestContext, error: unknown): void {
  logger.log('error', 'request failed unexpectedly', {
    method: context.method,
    path: maskSecrets(context.req.url ?? ''),
    error: textOf(error),
  })
  sendFailure(context, { name: 'unexpected' })
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const question = url.indexOf('?')
  return question < 0 ? url : url.slice(0, question)
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)
