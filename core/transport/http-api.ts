import type { IncomingMessage, ServerResponse } from 'node:http'
import { actorOf, type Caller } from '../../contract/caller.ts'
import { commandNames, dispatch } from '../../contract/dispatch.ts'
import type { Failure } from '../../contract/failure.ts'
import type { Host } from '../../contract/host.ts'
import { fail, unreachable } from '../../contract/result.ts'
import { type ShellCapability, shellCapabilities } from '../../contract/shell.ts'
import { answer, bodyLimit, readJson, refuseBody } from '../platform/json-http.ts'
import { type EventStreamLimits, eventStreamLimits, pushEvents } from './event-stream.ts'
import type { ShellConnections } from './shell-connections.ts'

export interface HttpApiOptions {
  /** Told of every handler that threw: a bug, for the core's log. */
  onBug?: (location: string, error: unknown) => void
  limits?: EventStreamLimits
  /** Takes the apps that connect with what they offer; without it they are clients like any other. */
  shells?: Pick<ShellConnections, 'connect'>
  /** While a command runs, a program at the control socket hears "102 Processing" this often, so that it can distinguish slow from dead. */
  processingMs?: number
  maxStreams?: number
}

/** A program at the control socket, and the connection that it says its call belongs to. */
export interface Peer {
  pid: number
  connection?: string
}

/** The contract over HTTP, the same for the dashboard and the control socket. Who may call is decided before it. */
export interface HttpApi {
  /** Answers one request below /api; `peer` is the program at the control socket that it comes from. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse, caller: Caller, peer?: Peer): Promise<void>
  /** Ends every event stream. */
  close(): void
}

const names = new Set(commandNames())

/**
 * `POST /api/<area>.<verb>` takes the command's input as JSON and answers its Result: 200 whether it worked or not,
 * 404 unknown path, 405 other method, 413 over 64 KB, 415 not application/json, 500 a bug.
 * `GET /api/events` (`?with=log` for the registry's output too, `only=log` for nothing else, `looking=false` where
 * nobody looks yet; without secrets in a session of the dashboard) is a stream of server-sent events. An app adds `offers=open,question`: then the stream begins with `connected`, and carries
 * what its screen is asked for.
 */
export function httpApi(host: Host, options: HttpApiOptions = {}): HttpApi {
  const { onBug, shells, limits = eventStreamLimits, processingMs = 2_000, maxStreams = 64 } = options
  const streams = new Set<ServerResponse>()

  const events = (
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
    caller: Caller,
    app: Peer | undefined,
  ): void => {
    if (streams.size >= maxStreams) {
      answer(response, 503, fail({ code: 'busy', with: `${maxStreams} open event streams` }))
      return
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    request.socket.setNoDelay(true)
    streams.add(response)
    const onlyLog = query.get('only') === 'log'
    const stream = pushEvents(host, response, {
      withLog: onlyLog || query.getAll('with').includes('log'),
      onlyLog,
      masked: actorOf(caller) === 'dashboard',
      looking: query.get('looking') !== 'false',
      limits,
    })
    const { send, setLooking } = stream
    const disconnect =
      app && query.has('offers')
        ? shells?.connect({ pid: app.pid, offers: offersIn(query), send, setLooking })
        : undefined
    stream.start()
    response.on('close', () => {
      streams.delete(response)
      disconnect?.()
      stream.stop()
    })
  }

  const command = async (
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    caller: Caller,
    peer: Peer | undefined,
  ): Promise<void> => {
    const body = await readJson(request)
    switch (body.kind) {
      case 'too-large':
        return refuseBody(response, 413, notThis('a larger one', `at most ${bodyLimit} bytes`))
      case 'wrong-type':
        return refuseBody(response, 415, notThis(body.type || 'no content type', 'application/json'))
      case 'not-json':
        return answer(response, 200, fail(notThis(body.reason, 'JSON in UTF-8')))
      case 'gone':
        return
      case 'json':
        break
      default:
        return unreachable(body)
    }
    const alive =
      peer !== undefined
        ? setInterval(() => {
            if (!response.destroyed) response.writeProcessing()
          }, processingMs)
        : undefined
    try {
      answer(response, 200, await dispatch(host.handlers, name, body.value, caller, peer?.connection))
    } catch (error) {
      onBug?.(name, error)
      answer(response, 500, fail({ code: 'unexpected', where: name }))
    } finally {
      clearInterval(alive)
    }
  }

  return {
    async handle(request, response, caller, peer) {
      const [path = '', query = ''] = (request.url ?? '').split('?', 2)
      const name = path.startsWith('/api/') ? path.slice('/api/'.length) : ''
      const isEvents = name === 'events'
      if (!isEvents && !names.has(name))
        return answer(response, 404, fail({ code: 'unknown-command', name: name.slice(0, 100) }))
      const method = isEvents ? 'GET' : 'POST'
      if (request.method !== method)
        return answer(response, 405, fail(notThis(request.method ?? '', method, 'method')), { allow: method })
      if (isEvents)
        return events(
          request,
          response,
          new URLSearchParams(query),
          caller,
          caller === 'app' ? peer : undefined,
        )
      return command(request, response, name, caller, peer)
    },
    close() {
      for (const response of streams) response.end()
    },
  }
}

function offersIn(query: URLSearchParams): ShellCapability[] {
  const offered = (query.get('offers') ?? '').split(',')
  return shellCapabilities.filter(capability => offered.includes(capability))
}

const notThis = (problem: string, allowed: string, field = '(the whole input)'): Failure => ({
  code: 'bad-input',
  field,
  wrong: problem,
  allowed,
})
