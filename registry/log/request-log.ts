import type { Socket } from 'node:net'
import type { RequestContext } from '../http/request-context.ts'
import { openLogger, timestamp } from './logger.ts'

/** Parameters whose values are about images and pages; every other one might be a secret. */
const harmless = new Set([
  'n',
  'last',
  'digest',
  'mount',
  'from',
  'tag',
  'artifactType',
  'provider',
  'digest-algorithm',
  'id',
  // Of a request for a token: images, and who would take it.
  'scope',
  'service',
  // The registry that a client of a mirror means.
  'ns',
])

/** Longer ones come only from attackers. */
const maxLength = 4096

/** A path with its query as it may stand in a log: the values of unknown parameters are masked. */
export function maskSecrets(url: string): string {
  const text = url.length > maxLength ? url.slice(0, maxLength) : url
  const question = text.indexOf('?')
  if (question < 0) return text
  const masked = text
    .slice(question + 1)
    .split('&')
    .map(pair => {
      const equals = pair.indexOf('=')
      if (equals < 0) return harmless.has(pair) || pair === '' ? pair : '******'
      return harmless.has(pair.slice(0, equals)) ? pair : `${pair.slice(0, equals + 1)}******`
    })
  return `${text.slice(0, question)}?${masked.join('&')}`
}

const peers = new WeakMap<Socket, string>()
const quoted = new Map<string, string>()

/**
 * zot's line about a request, built by hand: it is written thousands of times a second. Of the headers it
 * has the two that help; credentials only as the fact that there were some, cookies never. What zot does not say: which
 * key it was (`keyId`, its uuid).
 */
export function accessLine(context: RequestContext): string {
  const { req, method, status, bodySize, startedAt, identity } = context
  const { authorization, 'user-agent': agent, 'content-type': type } = req.headers
  let headers = ''
  if (authorization !== undefined) headers += ',"Authorization":["******"]'
  if (type !== undefined) headers += `,"Content-Type":[${quote(type)}]`
  if (agent !== undefined) headers += `,"User-Agent":[${quote(agent)}]`
  const latency = (performance.now() - startedAt).toFixed(3)
  const key = identity?.keyId === undefined ? '' : `,"keyId":"${identity.keyId}"`
  return `{"time":"${timestamp(Date.now())}","level":"info","message":"HTTP API","component":"session","module":"http","clientIP":"${peerOf(req.socket)}","method":"${method}","path":${JSON.stringify(maskSecrets(req.url ?? ''))},"statusCode":${status},"latency":"${latency}ms","bodySize":${bodySize},"headers":{${headers.slice(1)}},"username":${identity ? quote(identity.user) : '""'}${key}}`
}

/** Address and port of a client. */
export function peerOf(socket: Socket): string {
  let peer = peers.get(socket)
  if (peer === undefined) {
    peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`
    peers.set(socket, peer)
  }
  return peer
}

/** The same few agents and types come again and again. */
function quote(text: string): string {
  let json = quoted.get(text)
  if (json === undefined) {
    json = JSON.stringify(text)
    if (quoted.size > 200) quoted.clear()
    if (text.length < 256) quoted.set(text, json)
  }
  return json
}

/** A request that may have changed something. */
interface AuditedRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly status: number
  /** Although its method usually only reads. */
  readonly hasChanged: boolean
  /** Address and port. */
  readonly client: string
  /** Empty: nobody was named. */
  readonly user: string
}

export interface Audit {
  /** Writes a line if the request changed something. */
  note(request: AuditedRequest): void
  /** Lines for which there was no room, since the start. */
  dropped(): number
  flush(): Promise<void>
  flushSync(): void
}

const changing = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** Opens log.audit (0600, appended to; throws when it cannot be): zot's lines about what was changed by whom. */
export function openAudit(file: string): Audit {
  const logger = openLogger('info', file)
  return {
    note: ({ method, path, status, hasChanged, client, user }) => {
      if (!(hasChanged || changing.has(method)) || status < 200 || status > 299) return
      logger.log('info', 'HTTP API Audit', {
        component: 'session',
        clientIP: client,
        subject: user,
        action: method,
        object: maskSecrets(path),
        status,
      })
    },
    dropped: logger.dropped,
    flush: () => logger.flush(),
    flushSync: () => logger.flushSync(),
  }
}
