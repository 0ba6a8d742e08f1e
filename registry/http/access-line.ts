import type { Socket } from 'node:net'
import { timestamp } from '../log/logger.ts'
import { secretFree } from '../log/secret-free.ts'
import type { Exchange } from './exchange.ts'

const peers = new WeakMap<Socket, string>()
const quoted = new Map<string, string>()

/**
 * zot's line about a request, built by hand: it is written thousands of times a second. Of the headers it
 * has the two that help; credentials only as the fact that there were some, cookies never.
 */
export function accessLine(exchange: Exchange): string {
  const { req, method, status, bodySize, startedAt, identity } = exchange
  const { authorization, 'user-agent': agent, 'content-type': type } = req.headers
  let headers = ''
  if (authorization !== undefined) headers += ',"Authorization":["******"]'
  if (type !== undefined) headers += `,"Content-Type":[${quote(type)}]`
  if (agent !== undefined) headers += `,"User-Agent":[${quote(agent)}]`
  const latency = (performance.now() - startedAt).toFixed(3)
  return `{"time":"${timestamp(Date.now())}","level":"info","message":"HTTP API","component":"session","module":"http","clientIP":"${peerOf(req.socket)}","method":"${method}","path":${JSON.stringify(secretFree(req.url ?? ''))},"statusCode":${status},"latency":"${latency}ms","bodySize":${bodySize},"headers":{${headers.slice(1)}},"username":${identity ? quote(identity.user) : '""'}}`
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
    quoted.set(text, json)
  }
  return json
}
