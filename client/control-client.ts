import { clientOver, type ZotbarClient } from '../contract/contract.ts'
import type { Failure } from '../contract/failure.ts'
import { openToAll } from '../contract/hello.ts'
import { ok, type Result } from '../contract/result.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { type ControlAddress, controlCall, controlEvents, eventReader, greet } from './control-call.ts'
import { clientHello } from './hello.ts'

interface EventListeners {
  snapshot?: (snapshot: Snapshot) => void
  /** Asks for the registry's output too. */
  log?: (lines: string[]) => void
  /** This many lines were left out before the next ones, because they were read too slowly. */
  dropped?: (lines: number) => void
}

interface ControlEvents {
  /** Settles when the stream ends: `app-not-running` when the app went, `app-not-answering` when it fell silent. */
  ended: Promise<Failure>
  stop(): void
}

export interface ControlClient {
  zotbar: ZotbarClient
  /** Resolves once the app has taken the subscription. */
  events(listeners: EventListeners): Promise<Result<ControlEvents>>
}

/**
 * The command line's side of the control socket. `limitMs` bounds how long the app may be silent (the whole call may
 * take longer); `streamLimitMs` the same for events, where a heartbeat comes every 15 s.
 */
export function controlClient(options: {
  socketPath: string
  home: string
  limitMs?: number
  streamLimitMs?: number
}): ControlClient {
  const { socketPath, home, limitMs = 6_000, streamLimitMs = 40_000 } = options
  const address: ControlAddress = { socketPath, home, limitMs, hello: clientHello('cli') }
  let greeted: Promise<Result<unknown>> | undefined

  async function call(name: string, input: unknown): Promise<Result<unknown>> {
    if (!openToAll.has(name)) {
      greeted ??= greet(address)
      const answered = await greeted
      if (!answered.ok) {
        // Another one may be there the next time.
        greeted = undefined
        return answered
      }
    }
    return controlCall(address, name, input)
  }

  return {
    zotbar: clientOver(call),
    async events(listeners) {
      const opened = await controlEvents(
        { ...address, limitMs: streamLimitMs },
        listeners.log === undefined ? {} : { with: 'log' },
      )
      if (!opened.ok) return opened
      const stream = opened.value
      const read = eventReader((event, data) => deliver(listeners, event, data))
      stream.setEncoding('utf8')
      const ended = new Promise<Failure>(resolve => {
        const endAsNotRunning = (): void => resolve({ code: 'app-not-running', home })
        stream.setTimeout(streamLimitMs, () => {
          resolve({ code: 'app-not-answering', home, limitMs: streamLimitMs })
          stream.destroy()
        })
        stream.on('end', endAsNotRunning)
        stream.on('error', endAsNotRunning)
        stream.on('close', endAsNotRunning)
      })
      stream.on('data', (piece: string) => read(piece))
      return ok({ ended, stop: () => stream.destroy() })
    },
  }
}

/** Sent by our own app over a 0600 socket: taken as the contract's types, but for the field that is used at once. */
function deliver(listeners: EventListeners, event: string, data: string): void {
  const read: unknown = JSON.parse(data)
  if (typeof read !== 'object' || read === null) return
  if (event === 'snapshot' && isSnapshot(read)) listeners.snapshot?.(read)
  else if (event === 'log' && 'lines' in read && isLines(read.lines)) listeners.log?.(read.lines)
  else if (event === 'dropped' && 'lines' in read && typeof read.lines === 'number')
    listeners.dropped?.(read.lines)
}

const isSnapshot = (read: object): read is Snapshot =>
  'process' in read && 'service' in read && 'storage' in read && 'registry' in read

const isLines = (lines: unknown): lines is string[] =>
  Array.isArray(lines) && lines.every(line => typeof line === 'string')
