import type { Socket } from 'node:net'
import { type ErrorName, errorTable } from '../oci/error-table.ts'
import type { RequestContext } from './request-context.ts'

/** What Node's parser says -> what the client hears. */
const failures: Readonly<Record<string, ErrorName>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'headers-too-slow',
}
/**
 * How long what still comes is thrown away, ms: closing at once would take the answer from a client that still sends.
 */
const lingerMs = 2000
const answered = new WeakSet<Socket>()

/**
 * Answers what could not be parsed, and ends the connection. Node does the first too, but closes under a client that
 * has not yet sent all of it, which then knows only that the connection was reset.
 */
export function answerUnreadable(
  error: NodeJS.ErrnoException,
  socket: Socket,
  context: RequestContext | undefined,
): void {
  // Every further piece of the same is unreadable, too, and thrown away by being reported here.
  if (answered.has(socket)) return
  const busy = context && !(context.isSettled && context.res.writableFinished) ? context : undefined
  if (error.code === 'ECONNRESET' || !socket.writable || busy?.res.headersSent) return void socket.destroy()
  answered.add(socket)
  const { code, status, message } = errorTable[failures[error.code ?? ''] ?? 'request-invalid']
  const body = JSON.stringify({ errors: [{ code, message, detail: {} }] })
  const { STATUS_CODES } = process.getBuiltinModule('node:http')
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Docker-Distribution-API-Version: registry/2.0',
    'Connection: close',
  ]
  const answer = `${head.join('\r\n')}\r\n\r\n${body}`
  if (busy) {
    // Whoever answers the request under way must find the connection gone, not half closed.
    socket.write(answer)
    return void socket.destroy()
  }
  socket.end(answer)
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
  socket.once('close', () => clearTimeout(timer))
}
