import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'

export interface IdleLimits {
  /** How long a client may send nothing while something of it is awaited, ms; 0 or less: for ever. */
  readonly readTimeout: number
  /** How long a client may take nothing while something waits for it, ms; 0 or less: for ever. */
  readonly writeTimeout: number
}

/** Headers come within this, however long bodies may take, ms. */
const headersWithin = 60_000
/** A connection that is kept for the next request, ms. */
const keptFor = 75_000
/** Credentials and cookies fit many times over. */
const maxHeaderSize = 32 * 1024
/** Options of Node's server that keep slow and flooding clients away. */
export function serverLimits({ readTimeout }: IdleLimits) {
  const headersTimeout = readTimeout > 0 ? Math.min(headersWithin, readTimeout) : headersWithin
  return {
    // Whole requests have no limit: a slow upload that moves is never cut.
    requestTimeout: 0,
    headersTimeout,
    connectionsCheckingInterval: Math.min(10_000, Math.max(250, headersTimeout / 4)),
    keepAliveTimeout: keptFor,
    maxHeaderSize,
  }
}

/**
 * Cuts connections on which nothing moves although it is the client's turn. What moves, however slowly, goes
 * on; so does what waits for this side, for a disk or for a lock.
 * Node counts bytes that the system takes from a large write as movement, too.
 */
export function limitIdleness(
  server: Server,
  { readTimeout, writeTimeout }: IdleLimits,
  exchangeOf: (socket: Socket) => Exchange | undefined,
): void {
  const limits = [readTimeout, writeTimeout].filter(limit => limit > 0)
  const shortest = limits.length === 0 ? 0 : Math.min(...limits)
  server.timeout = shortest
  server.on('timeout', (socket: Socket) => {
    const limit = limitOf(exchangeOf(socket))
    if (limit === 'now') return void socket.destroy()
    const waited = socket.timeout ?? 0
    if (limit > 0 && limit <= waited) return void socket.destroy()
    socket.setTimeout(Math.max(limit, shortest))
  })

  /** How long this connection may be still; 'now': nothing is under way, or the answer is complete. */
  function limitOf(exchange: Exchange | undefined): number | 'now' {
    if (!exchange || exchange.res.writableFinished) return 'now'
    const { req, res } = exchange
    if (res.writableLength > 0) return writeTimeout
    // Bytes that lie here unread are not the client's delay.
    if (!req.complete && req.readableLength === 0) return readTimeout
    return 0
  }
}
