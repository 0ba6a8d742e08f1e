import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Certificate, minTls } from './certificate.ts'
import type { Connections } from './connections.ts'
import type { Exchange } from './exchange.ts'
import { type IdleLimits, limitIdleness, serverLimits } from './idleness.ts'

// An ES import of node:http reads every export, and one of them loads all of Node's fetch: 13 MB and 40 ms.
const http = process.getBuiltinModule('node:http')

export interface NodeServerOptions {
  readonly limits: IdleLimits
  /** Absent: no TLS. */
  readonly certificate: Certificate | undefined
  /** Hears of every connection. */
  readonly connections: Connections
  /** What a connection is busy with. */
  readonly exchangeOf: (socket: Socket) => Exchange | undefined
}

export interface NodeServer {
  readonly server: Server
  /** New connections get this certificate; those that are open keep theirs. */
  replaceCertificate(certificate: Certificate): void
}

/** How long a client may take to agree on a key, ms. */
const handshakeWithin = 10_000

/** Node's server, with or without TLS, that knows its connections and their limits. */
export function createNodeServer(
  options: NodeServerOptions,
  onRequest: (req: IncomingMessage, res: ServerResponse) => void,
): NodeServer {
  const { certificate, connections, limits, exchangeOf } = options
  const settings = {
    ...serverLimits(limits),
    // Notices a client that vanished without a word, so that its upload does not stay open for ever.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  }
  const prepare = (server: Server): void => {
    server.maxRequestsPerSocket = 0
    limitIdleness(server, limits, exchangeOf)
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
    { ...settings, ...secured(certificate), handshakeTimeout: handshakeWithin },
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
