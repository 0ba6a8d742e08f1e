import type { Server } from 'node:http'
import type { Clock } from '../../lib/clock.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import type { PortOwner } from '../platform/process-table.ts'

/** Why nothing listens on `port`: another program holds it, as far as it can be seen, or the system refuses it. */
export type PortTrouble =
  | { port: number; why: 'held'; holder: PortOwner | undefined }
  | { port: number; why: 'refused'; reason: string }

/** A server that listens on one port of 127.0.0.1, and tries again for as long as it does not. */
export interface Listening {
  /** Where it listens. */
  port(): number | undefined
  /** Where it listens, or is to. */
  wanted(): number
  trouble(): PortTrouble | undefined
  /** Listens on another port instead; on the same one, tries at once. Resolves after the first attempt. */
  move(port: number): Promise<void>
  close(): Promise<void>
}

interface Options {
  clock: Pick<Clock, 'now' | 'setTimer'>
  createServer(): Server
  /** Ends what is open at a server that no longer listens. */
  endStreams(): void
  findHolder(port: number): Promise<PortOwner | undefined>
  /** Why a port is left free although nobody listens there, half a sentence; undefined where it may be listened on. */
  whyLeftFree(port: number): string | undefined
  /** It listens on this port from now on. */
  onServing(port: number): Promise<void>
  /** The port is another program's, or may become it: another one is listened on. */
  onLost(): Promise<void>
  /** `port` or `trouble` is another one. */
  onChange(): void
}

const againMs = 10_000
/** A core that ends gives up its port a moment after its home. */
const soonMs = [100, 300, 600]

export function createListening(options: Options): Listening {
  const { clock, createServer, endStreams, findHolder, whyLeftFree, onServing, onLost, onChange } = options
  let wanted: number | undefined
  let server: Server | undefined
  let trouble: PortTrouble | undefined
  let attempts = 0
  let isClosed = false
  let cancel = (): void => {}
  /** One attempt or end after the other. */
  const queue = serialQueue()

  const portNow = (): number | undefined => {
    const address = server?.address()
    return typeof address === 'object' && address ? address.port : undefined
  }

  function show(next: PortTrouble | undefined): void {
    const isSame = JSON.stringify(next) === JSON.stringify(trouble)
    trouble = next
    if (!isSame) onChange()
  }

  async function attempt(): Promise<void> {
    if (isClosed || server || wanted === undefined) return
    const reason = whyLeftFree(wanted)
    if (reason !== undefined) {
      show({ port: wanted, why: 'refused', reason })
      return tryAgain(againMs)
    }
    const candidate = createServer()
    const error = await listen(candidate, wanted)
    if (error === undefined) {
      server = candidate
      attempts = 0
      trouble = undefined
      // Before a request is read: sessions of another port must not be served here.
      await onServing(portNow() ?? wanted)
      return onChange()
    }
    const soon = soonMs[attempts]
    attempts += 1
    if (errorCode(error) !== 'EADDRINUSE') show({ port: wanted, why: 'refused', reason: reasonOf(error) })
    else if (soon === undefined) {
      if (attempts === soonMs.length + 1) await onLost()
      show({ port: wanted, why: 'held', holder: await findHolder(wanted).catch(() => undefined) })
    }
    tryAgain(errorCode(error) === 'EADDRINUSE' && soon !== undefined ? soon : againMs)
  }

  function tryAgain(afterMs: number): void {
    if (isClosed) return
    cancel()
    cancel = clock.setTimer(clock.now() + afterMs, () => void queue.run(attempt), { unref: true })
  }

  async function end(): Promise<void> {
    const ending = server
    server = undefined
    if (!ending) return
    const closed = new Promise<void>(resolve => ending.close(() => resolve()))
    endStreams()
    ending.closeIdleConnections()
    setTimeout(() => ending.closeAllConnections(), 500).unref()
    await closed
  }

  async function leave(): Promise<void> {
    // The answer to whoever asked for the change may still be on its way there.
    void end()
    await onLost()
    onChange()
  }

  return {
    port: portNow,
    wanted: () => portNow() ?? wanted ?? 0,
    trouble: () => trouble,
    move: port =>
      queue.run(async () => {
        cancel()
        if (port !== wanted) {
          const isFirst = wanted === undefined
          wanted = port
          attempts = 0
          trouble = undefined
          if (!isFirst) await leave()
        }
        await attempt()
      }),
    close() {
      isClosed = true
      cancel()
      return queue.run(end)
    },
  }
}

/** Why it cannot listen there; undefined when it does. */
function listen(server: Server, port: number): Promise<Error | undefined> {
  return new Promise(resolve => {
    server.on('error', resolve)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(undefined))
  })
}
