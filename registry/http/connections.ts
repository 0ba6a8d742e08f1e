import type { Socket } from 'node:net'
import type { Logger } from '../log/logger.ts'
import type { Client } from './client.ts'

/** More connections than any team has clients; each costs memory. */
const maxConnections = 4096
const maxConnectionsPerClient = 1024

export interface ConnectionsOptions {
  readonly max?: number | undefined
  readonly maxPerClient?: number | undefined
  readonly clientOf: (socket: Socket) => Client
  /** A limit was reached: somebody's idle connection was closed, or the new one refused. */
  readonly onLimit: (client: Client) => void
}

interface Connection {
  socket: Socket
  readonly holder: Holder
  /** Requests under way on it: a pipelined one begins before the one before has left this count. */
  busy: number
  /** Which of two became idle earlier. */
  idleSince: number
}

/** What one client holds. */
interface Holder {
  readonly client: Client
  count: number
  /** Longest idle first. */
  readonly idle: Set<Connection>
}

/**
 * Every open connection, and a place for one more: at a limit the longest idle connection of that client
 * goes, then the longest idle of all, never one with a request under way. So whoever holds connections takes
 * room from himself.
 */
export class Connections {
  /** In the order in which they came. */
  readonly sockets: ReadonlySet<Socket>
  readonly #sockets = new Set<Socket>()
  readonly #bySocket = new Map<Socket, Connection>()
  readonly #holders = new Map<string, Holder>()
  readonly #max: number
  readonly #maxPerClient: number
  readonly #options: ConnectionsOptions
  #clock = 0

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.#max = options.max ?? maxConnections
    this.#maxPerClient = options.maxPerClient ?? maxConnectionsPerClient
    this.sockets = this.#sockets
  }

  /** A connection was opened. Without room for it it is closed at once. */
  admit(socket: Socket): void {
    const client = this.#options.clientOf(socket)
    const holder = this.#holders.get(client.key) ?? { client, count: 0, idle: new Set() }
    const isOver = !client.isExempt && holder.count >= this.#maxPerClient
    if (isOver || this.#sockets.size >= this.#max) {
      this.#options.onLimit(client)
      const goes = longestIdle(holder) ?? (isOver ? undefined : this.#longestIdleOfAll())
      if (!goes) return void socket.destroy()
      this.#remove(goes)
      goes.socket.destroy()
    }
    const connection = { socket, holder, busy: 0, idleSince: ++this.#clock }
    this.#holders.set(client.key, holder)
    holder.count++
    holder.idle.add(connection)
    this.#sockets.add(socket)
    this.#bySocket.set(socket, connection)
    socket.once('close', () => this.#remove(connection))
  }

  /** The connection is known by another socket from now on: the one that TLS puts around it. */
  replace(before: Socket, socket: Socket): void {
    const connection = this.#bySocket.get(before)
    if (!connection) return void socket.destroy()
    this.#bySocket.delete(before)
    this.#sockets.delete(before)
    connection.socket = socket
    this.#bySocket.set(socket, connection)
    this.#sockets.add(socket)
    socket.once('close', () => this.#remove(connection))
  }

  /** A request is under way on it. */
  busy(socket: Socket): void {
    const connection = this.#bySocket.get(socket)
    if (!connection) return
    connection.busy++
    connection.holder.idle.delete(connection)
  }

  /** One of the requests under way on it has ended. */
  idle(socket: Socket): void {
    const connection = this.#bySocket.get(socket)
    if (!connection || connection.busy === 0 || --connection.busy > 0) return
    connection.idleSince = ++this.#clock
    connection.holder.idle.add(connection)
  }

  /** A request was answered on it at once. */
  used(socket: Socket): void {
    const connection = this.#bySocket.get(socket)
    if (!connection || connection.busy > 0) return
    const { idle } = connection.holder
    idle.delete(connection)
    connection.idleSince = ++this.#clock
    idle.add(connection)
  }

  #longestIdleOfAll(): Connection | undefined {
    let found: Connection | undefined
    for (const holder of this.#holders.values()) {
      const first = longestIdle(holder)
      if (first && (!found || first.idleSince < found.idleSince)) found = first
    }
    return found
  }

  #remove(connection: Connection): void {
    const { socket, holder } = connection
    if (!this.#bySocket.delete(socket)) return
    this.#sockets.delete(socket)
    holder.idle.delete(connection)
    if (--holder.count === 0) this.#holders.delete(holder.client.key)
  }
}

const longestIdle = ({ idle }: Holder): Connection | undefined => idle.values().next().value

/** Limits on connections are logged at most this often, ms. */
const reportEveryMs = 60_000

/** Logs that the connections of one server reached a limit, at most once a minute. `now` in ms. */
export function createLimitReporter(
  logger: Pick<Logger, 'log'>,
  now: () => number = () => performance.now(),
): (client: Client) => void {
  let reportedAt = Number.NEGATIVE_INFINITY
  return ({ key }) => {
    const at = now()
    if (at - reportedAt < reportEveryMs) return
    reportedAt = at
    logger.log('warn', 'too many connections are open: the longest idle ones are closed', { client: key })
  }
}

/** Requests of one client that are being answered at a time. */
const maxActive = 256

/** How many requests of each client are under way. */
export class ActiveRequests {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  constructor(max: number = maxActive) {
    this.#max = max
  }

  hasRoom({ key, isExempt }: Client): boolean {
    return isExempt || (this.#counts.get(key) ?? 0) < this.#max
  }

  begin({ key, isExempt }: Client): void {
    if (!isExempt) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  end({ key, isExempt }: Client): void {
    if (isExempt) return
    const left = (this.#counts.get(key) ?? 0) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}
