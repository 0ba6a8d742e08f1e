import type { IncomingMessage } from 'node:http'
import type { Failure } from '../contract/failure.ts'
import { type Hello, helloHeader, helloText, readHello } from '../contract/hello.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { isObject, parseJson } from '../lib/json.ts'
import { request } from '../lib/node-http.ts'
import { type ControlAddress, whyNot } from './control-call.ts'
import { silentCore } from './silent-core.ts'

export interface ControlEvents {
  /** What the core says of itself; undefined for one from before there were hellos. */
  hello: Hello | undefined
  /** Settles when the stream ends: `app-not-running` when the core went, `app-not-answering` when it fell silent. */
  ended: Promise<Failure>
  stop(): void
}

/**
 * Opens an event stream with the parameters of `GET /api/events` and calls back for each event, in its order. The core
 * is taken for hanging after `limitMs` without a byte; it sends a heartbeat every 15 s.
 */
export async function controlEvents(
  address: ControlAddress,
  query: Record<string, string>,
  onEvent: (event: string, value: Record<string, unknown>) => void,
): Promise<Result<ControlEvents>> {
  const { home, limitMs } = address
  const opened = await openStream(address, query)
  if (!opened.ok) return opened
  const stream = opened.value
  const read = eventReader((event, data) => {
    const value = parseJson(data)
    if (isObject(value)) onEvent(event, value)
  })
  stream.setEncoding('utf8')
  const ended = new Promise<Failure>(resolve => {
    const endAsNotRunning = (): void => resolve({ code: 'app-not-running', home })
    stream.setTimeout(limitMs, () => {
      resolve(silentCore(home, limitMs))
      stream.destroy()
    })
    stream.on('end', endAsNotRunning)
    stream.on('error', endAsNotRunning)
    stream.on('close', endAsNotRunning)
  })
  stream.on('data', (piece: string) => read(piece))
  return ok({ hello: readHello(stream.headers[helloHeader]), ended, stop: () => stream.destroy() })
}

/** Resolves with the response, or with why there is none. */
function openStream(
  address: ControlAddress,
  query: Record<string, string>,
): Promise<{ ok: true; value: IncomingMessage } | { ok: false; error: Failure }> {
  const { socketPath, home, limitMs, hello } = address
  return new Promise(resolve => {
    const call = request(
      {
        socketPath,
        path: `/api/events?${new URLSearchParams(query)}`,
        headers: { [helloHeader]: helloText(hello) },
        agent: false,
        timeout: limitMs,
      },
      response => {
        if (response.statusCode === 200) return resolve({ ok: true, value: response })
        response.resume()
        resolve(fail({ code: 'unexpected', where: `events: HTTP ${response.statusCode}` }))
      },
    )
    call.on('timeout', () => {
      resolve(fail(silentCore(home, limitMs)))
      call.destroy()
    })
    call.on('error', error => resolve(fail(whyNot(address, error))))
    call.end()
  })
}

/** Sent by our own core over a 0600 socket: taken as the contract's type, but for what is used at once. */
export const isSnapshot = (read: object): read is Snapshot =>
  'process' in read && 'service' in read && 'storage' in read && 'registry' in read

export const isLines = (lines: unknown): lines is string[] =>
  Array.isArray(lines) && lines.every(line => typeof line === 'string')

/**
 * Reads server-sent events from text that arrives in pieces of any size. Returns what takes the next piece.
 * Comments are skipped; several `data` lines are joined
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
 */
export function eventReader(onEvent: (event: string, data: string) => void): (piece: string) => void {
  let rest = ''
  let event = ''
  let data: string[] = []
  const line = (text: string): void => {
    if (text === '') {
      if (data.length > 0) onEvent(event === '' ? 'message' : event, data.join('\n'))
      event = ''
      data = []
      return
    }
    const colon = text.indexOf(':')
    const field = colon === -1 ? text : text.slice(0, colon)
    const value = colon === -1 ? '' : text.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return piece => {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) line(text.endsWith('\r') ? text.slice(0, -1) : text)
  }
}
