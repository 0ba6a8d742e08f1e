import type { Exchange } from '../http/exchange.ts'
import { type RawHeaders, send, sendBytes, sendFailure } from '../http/responder.ts'
import { pageScript } from './page-script.ts'
import { pageIcon, pageStyle } from './page-style.ts'

/** Pages run only our own files, talk only to us and stand in nobody's frame. */
const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const safety: RawHeaders = [
  'Content-Security-Policy',
  policy,
  'X-Content-Type-Options',
  'nosniff',
  'Referrer-Policy',
  'same-origin',
]

const files = new Map<string, { readonly type: string; readonly body: Buffer }>([
  ['page.css', { type: 'text/css; charset=utf-8', body: Buffer.from(pageStyle) }],
  ['page.js', { type: 'text/javascript; charset=utf-8', body: Buffer.from(pageScript) }],
  ['icon.svg', { type: 'image/svg+xml', body: Buffer.from(pageIcon) }],
])

export function sendPage(
  exchange: Exchange,
  status: number,
  page: string,
  headers: RawHeaders = [],
): undefined {
  const all = [...safety, 'Cache-Control', 'no-store', ...headers]
  return sendBytes(exchange, status, 'text/html; charset=utf-8', Buffer.from(page), all)
}

/** Sends a file of the pages, or 404. */
export function sendPageFile(exchange: Exchange): undefined {
  const file = files.get(exchange.route.last)
  if (!file) return sendFailure(exchange, { name: 'route-unknown' })
  return sendBytes(exchange, 200, file.type, file.body, [...safety, 'Cache-Control', 'no-cache'])
}

export function redirect(exchange: Exchange, location: string, headers: RawHeaders = []): undefined {
  const all = ['Location', location, 'Content-Length', '0', 'Cache-Control', 'no-store', ...headers]
  return send(exchange, 302, [...all, 'Referrer-Policy', 'no-referrer'])
}

export const cookieHeaders = (lines: readonly string[]): string[] =>
  lines.flatMap(line => ['Set-Cookie', line])
