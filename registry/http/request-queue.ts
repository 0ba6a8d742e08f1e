import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface ConnectionQueue {
  readonly waiting: { readonly req: IncomingMessage; readonly res: ServerResponse }[]
  /** For when the connection ends. */
  readonly drop: () => void
}

/** The request of a connection whose turn it is. */
export interface QueuedRequest {
  readonly res: ServerResponse
  /** Whether its handler has ended. */
  isSettled: boolean
}

/** Calls `settled` where the handler ends later. */
type Begin<T> = (req: IncomingMessage, res: ServerResponse, settled: Settled<T>) => T
type Settled<T> = (request: T, socket: Socket) => void

/** Requests of all connections that may wait together; each costs some kilobytes. */
const maxWaiting = 8192

/**
 * One request of a connection at a time. Node begins every request that a client sends ahead (pipelining) as
 * soon as it is parsed, and would open files and take buffers for all of them; here they wait for the answer
 * before, and the connection is not read meanwhile.
 */
export class RequestQueue<T extends QueuedRequest> {
  readonly #begin: Begin<T>
  readonly #max: number
  readonly #current = new WeakMap<Socket, T>()
  readonly #queues = new Map<Socket, ConnectionQueue>()
  #waiting = 0

  /** `begin` is called when a request's turn has come. */
  constructor(begin: Begin<T>, max: number = maxWaiting) {
    this.#begin = begin
    this.#max = max
  }

  /** What a connection is, or was last, busy with. */
  of(socket: Socket): T | undefined {
    return this.#current.get(socket)
  }

  take(req: IncomingMessage, res: ServerResponse): void {
    const { socket } = req
    const before = this.#current.get(socket)
    const queue =
      this.#queues.get(socket) ?? (before && !isOver(before) ? this.#queueUp(socket, before) : undefined)
    if (!queue) return void this.#current.set(socket, this.#begin(req, res, this.settled))
    // What came with the same chunk is parsed already. Where too many wait, a client that sends one more is cut off.
    if (this.#waiting >= this.#max && queue.waiting.length > 0) return void socket.destroy()
    queue.waiting.push({ req, res })
    this.#waiting++
  }

  /** The handler of the request whose turn it is has ended. */
  readonly settled: Settled<T> = (request, socket) => {
    request.isSettled = true
    if (this.#queues.has(socket)) this.#next(socket, request)
  }

  #queueUp(socket: Socket, before: T): ConnectionQueue {
    const queue: ConnectionQueue = {
      waiting: [],
      drop: () => {
        this.#waiting -= queue.waiting.length
        this.#queues.delete(socket)
      },
    }
    this.#queues.set(socket, queue)
    before.res.once('close', () => this.#next(socket, before))
    socket.once('close', queue.drop)
    // Node resumes a connection at the end of every message that it has parsed.
    socket.on('resume', pauseAgain)
    socket.pause()
    return queue
  }

  #next(socket: Socket, before: T): void {
    const queue = this.#queues.get(socket)
    if (!queue || socket.destroyed || !isOver(before) || this.#current.get(socket) !== before) return
    const next = queue.waiting.shift()
    if (next) {
      this.#waiting--
      const current = this.#begin(next.req, next.res, this.settled)
      this.#current.set(socket, current)
      if (queue.waiting.length > 0) return void next.res.once('close', () => this.#next(socket, current))
    }
    this.#queues.delete(socket)
    socket.off('close', queue.drop)
    socket.off('resume', pauseAgain)
    socket.resume()
  }
}

/** Its handler has ended, and the system has all of its answer. */
const isOver = ({ isSettled, res }: QueuedRequest): boolean =>
  isSettled && (res.writableFinished || res.closed)

function pauseAgain(this: Socket): void {
  this.pause()
}
