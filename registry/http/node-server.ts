import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Certificate, minTls } from '../../lib/certificate-files.ts'
import { readListenAddress } from '../config/listen-address.ts'
import type { Connections } from './connections.ts'
import { continueWhenRead, noteUnmet } from './expectation.ts'
import type { RequestContext } from './request-context.ts'
import { answerUnreadable } from './unreadable.ts'

export interface IdleLimits {
  /** How long a client may send nothing while something of it is awaited, ms; 0 or less: for ever. */
  readonly readTimeout: number
  /** How long a client may take nothing while something waits for it, ms; 0 or less: for ever. */
  readonly writeTimeout: number
}

/** Headers come within this, however long bodies may take, ms. */
const headersTimeoutMs = 60_000
/** A connection that is kept for the next request, ms. */
const keepAliveMs = 75_000
/** Credentials and cookies fit many times over. */
const maxHeaderSize = 32 * 1024
/** A list of ten thousand ranges fits, too, as senseless as it is. */
const maxLongHeaderSize = 128 * 1024
/** With more connections than these a new one has the smaller head: a head that never ends stays in memory. */
const fewConnections = 256
/** Options of Node's server that keep slow and flooding clients away. */
function serverLimits({ readTimeout }: IdleLimits) {
  const headersTimeout = readTimeout > 0 ? Math.min(headersTimeoutMs, readTimeout) : headersTimeoutMs
  return {
    // Whole requests have no limit: a slow upload that moves is never cut.
    requestTimeout: 0,
    headersTimeout,
    connectionsCheckingInterval: Math.min(10_000, Math.max(250, headersTimeout / 4)),
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: maxLongHeaderSize,
  }
}

/**
 * Cuts connections on which nothing moves although it is the client's turn. What moves, however slowly, goes
 * on; so does what waits for this side, for a disk or for a lock.
 * Node counts bytes that the system takes from a large write as movement, too.
 */
function limitIdleness(
  server: Server,
  { readTimeout, writeTimeout }: IdleLimits,
  contextOf: (socket: Socket) => RequestContext | undefined,
): void {
  const limits = [readTimeout, writeTimeout].filter(limit => limit > 0)
  const shortest = limits.length === 0 ? 0 : Math.min(...limits)
  server.timeout = shortest
  server.on('timeout', (socket: Socket) => {
    const limit = limitOf(contextOf(socket))
    if (limit === 'now') return void socket.destroy()
    const waited = socket.timeout ?? 0
    if (limit > 0 && limit <= waited) return void socket.destroy()
    socket.setTimeout(Math.max(limit, shortest))
  })

  /** How long this connection may be still; 'now': nothing is under way, or the answer is complete. */
  function limitOf(context: RequestContext | undefined): number | 'now' {
    if (!context || context.res.writableFinished) return 'now'
    const { req, res } = context
    if (res.writableLength > 0) return writeTimeout
    // Bytes that lie here unread are not the client's delay.
    if (!req.complete && req.readableLength === 0) return readTimeout
    return 0
  }
}

export type ListenResult = { ok: true; address: string; port: number } | { ok: false; message: string }

/** Opens the port at an `http.address`, in any of its forms. */
export function listen(server: Server, host: string, port: number): Promise<ListenResult> {
  const bare = readListenAddress(host)?.listen ?? host
  const shown = `${bare.includes(':') ? `[${bare}]` : bare}:${port}`
  return new Promise(resolve => {
    // Stays: later errors are about one connection (no file was left for it), and no reason to end.
    server.on('error', (error: NodeJS.ErrnoException) => {
      const why = reasons[error.code ?? ''] ?? error.message
      resolve({ ok: false, message: `cannot listen on ${shown}: ${why}` })
    })
    // The backlog the system allows: many clients may wait for a restart to end.
    server.listen({ host: bare, port, backlog: 1024 }, () => {
      const address = server.address()
      const actual = typeof address === 'object' && address !== null ? address.port : port
      resolve({ ok: true, address: bare, port: actual })
    })
  })
}

const reasons: Record<string, string> = {
  EADDRINUSE: 'the address is already in use',
  EACCES: 'this port needs more rights than this process has',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name has no address',
}

// An ES import of node:http reads every export, and one of them loads all of Node's fetch: 13 MB and 40 ms.
const http = process.getBuiltinModule('node:http')

export interface NodeServerOptions {
  readonly limits: IdleLimits
  /** Absent: no TLS. */
  readonly certificate: Certificate | undefined
  /** Takes every connection. */
  readonly connections: Connections
  /** What a connection is busy with. */
  readonly contextOf: (socket: Socket) => RequestContext | undefined
}

export interface NodeServer {
  readonly server: Server
  /** New connections get this certificate; those that are open keep theirs. */
  replaceCertificate(certificate: Certificate): void
}

/** How long a client may take to agree on a key, ms. */
const handshakeTimeoutMs = 10_000

/** Node's server, with or without TLS, that knows its connections and their limits. */
export function createNodeServer(
  options: NodeServerOptions,
  onRequest: (req: IncomingMessage, res: ServerResponse) => void,
): NodeServer {
  const { certificate, connections, limits, contextOf } = options
  const settings = {
    ...serverLimits(limits),
    // Notices a client that vanished without a word, so that its upload does not stay open for ever.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  }
  const prepare = (server: Server): void => {
    server.maxRequestsPerSocket = 0
    server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
      continueWhenRead(req, res)
      onRequest(req, res)
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      answerUnreadable(error, socket, contextOf(socket)),
    )
    server.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) => {
      noteUnmet(req)
      onRequest(req, res)
    })
    limitIdleness(server, limits, contextOf)
    // Node reads its option anew for each connection.
    server.on('connection', () => {
      const isFew = connections.sockets.size < fewConnections
      Object.assign(server, { maxHeaderSize: isFew ? maxLongHeaderSize : maxHeaderSize })
    })
  }
  if (!certificate) {
    const server = http.createServer(settings, onRequest)
    prepare(server)
    server.on('connection', (socket: Socket) => connections.admit(socket))
    return { server, replaceCertificate: () => {} }
  }

  const https = process.getBuiltinModule('node:https')
  const secured = ({ cert, key }: Certificate) => ({ cert, key, minVersion: minTls }) as const
  const server = https.createServer(
    { ...settings, ...secured(certificate), handshakeTimeout: handshakeTimeoutMs },
    onRequest,
  )
  prepare(server)
  // Until its handshake is done a connection is known by its plain socket, later by the one around it.
  const shaking = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket)
    connections.admit(socket)
    shaking.set(peer, socket)
    socket.once('close', () => shaking.delete(peer))
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    const plain = shaking.get(peerOf(socket))
    if (plain) connections.replace(plain, socket)
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return { server, replaceCertificate: next => server.setSecureContext(secured(next)) }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}:${remotePort}`
