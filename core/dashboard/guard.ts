import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Failure } from '../../contract/failure.ts'

type Refusal = Extract<Failure, { code: 'not-authorised' }>['reason']

/** Sent with every response, pages and failures alike. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), serial=(), hid=(), payment=()',
}

/**
 * Whether a request may be answered at all, before any session is looked at. The Host must be this server's own
 * address, else a page of another site could reach it under its own name (DNS rebinding); an Origin, where the browser
 * sends one, must be this server too. Returns why not.
 */
export function refusal(headers: IncomingHttpHeaders, port: number): Refusal | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]
  if (!hosts.includes(headers.host ?? '')) return 'wrong-host'
  if (headers.origin !== undefined && !hosts.some(host => headers.origin === `http://${host}`))
    return 'wrong-origin'
  return undefined
}

/** For /api: a browser also says when a request that carries no Origin comes from another site or port. */
export function foreignSite(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  return site === 'cross-site' || site === 'same-site'
}

export interface ConnectionRoom {
  /** This answer belongs to a session: its connection stays until it is complete. */
  hold(response: ServerResponse): void
}

/**
 * Room for so many connections. One more takes the place of the one that is idle longest, as any user of the
 * computer can open them; what a session waits for (its event stream) never goes.
 */
export function limitConnections(server: Server, max: number): ConnectionRoom {
  const open = new Set<Socket>()
  /** Longest idle first; requests without a session do not count. */
  const idle = new Set<Socket>()
  const forget = (socket: Socket): void => {
    open.delete(socket)
    idle.delete(socket)
  }
  server.on('connection', socket => {
    if (open.size >= max) {
      const [longest] = idle
      if (longest === undefined) return void socket.destroy()
      forget(longest)
      longest.destroy()
    }
    open.add(socket)
    idle.add(socket)
    socket.once('close', () => forget(socket))
  })
  return {
    hold(response) {
      const { socket } = response
      if (socket === null) return
      idle.delete(socket)
      response.once('close', () => {
        if (open.has(socket)) idle.add(socket)
      })
    },
  }
}
