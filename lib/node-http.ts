import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { isPinned } from './pinned-certificate.ts'

/**
 * node:http without what comes with `import`: an ES import reads every export, and one of them (WebSocket) loads all
 * of Node's built-in fetch. That costs a process 13 MB and 40 ms before its first request.
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http')

/**
 * `request` for the registry's address, http or https. A question without a credential is put to whoever answers: the
 * certificate is made out for the name that clients use, and a registry that lives is not to be taken for dead because
 * of it. With `headers.authorization` nothing is sent before the other side has shown the certificate that config.json
 * names: another program on the port learns no password. The error's code is then ERR_TLS_NOT_PINNED.
 */
export function registryRequest(url: string, options: RequestOptions): ClientRequest {
  if (!url.startsWith('https:')) return request(url, options)
  // An agent of node:http would refuse an address of https, and one of node:https would connect by itself.
  const { agent: _, ...rest } = options
  const https = process.getBuiltinModule('node:https')
  const { hostname, port } = new URL(url)
  let socket: TLSSocket | undefined
  const { headers } = options
  const secret = headers !== undefined && 'authorization' in headers
  if (!secret) return https.request(url, { ...rest, agent: false, rejectUnauthorized: false })
  const outgoing = https.request(url, {
    ...rest,
    createConnection(_options, connected) {
      socket = connectPinned(url, hostname.replace(/^\[|\]$/g, ''), Number(port || 443), connected)
      return undefined
    },
  })
  outgoing.on('close', () => socket?.destroy())
  return outgoing
}

type Connected = (error: Error | null, socket: TLSSocket) => void

function connectPinned(url: string, host: string, port: number, connected: Connected): TLSSocket {
  const tls = process.getBuiltinModule('node:tls')
  const socket = tls.connect({ host, port, rejectUnauthorized: false })
  const failed = (error: Error): void => connected(error, socket)
  socket.once('error', failed)
  socket.once('secureConnect', () => {
    socket.off('error', failed)
    if (isPinned(url, socket.getPeerX509Certificate())) return connected(null, socket)
    socket.on('error', () => {})
    socket.destroy()
    failed(Object.assign(new Error('another certificate was shown'), { code: 'ERR_TLS_NOT_PINNED' }))
  })
  return socket
}

export type Body = { kind: 'whole'; bytes: Buffer } | { kind: 'too-large' } | { kind: 'broken' }

/** Reads a body of at most `limitBytes` into memory; stops reading as soon as it is longer. Never rejects. */
export function readBody(message: IncomingMessage, limitBytes: number): Promise<Body> {
  if (Number(message.headers['content-length'] ?? 0) > limitBytes)
    return Promise.resolve({ kind: 'too-large' })
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let size = 0
    const finish = (body: Body): void => {
      message.off('data', onData).off('end', onEnd).off('close', onClose)
      resolve(body)
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > limitBytes) finish({ kind: 'too-large' })
      else chunks.push(chunk)
    }
    // A copy of its own: the chunks are slices of larger buffers, which the caches would keep alive.
    const onEnd = (): void => finish({ kind: 'whole', bytes: joined(chunks, size) })
    const onClose = (): void => finish({ kind: 'broken' })
    message.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
    // Closed before anybody listened: no event will say so any more.
    if (message.destroyed) onClose()
  })
}

function joined(chunks: readonly Buffer[], size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const chunk of chunks) at += chunk.copy(bytes, at)
  return bytes
}
