import { readFileSync } from 'node:fs'
import type { RequestContext } from '../http/request-context.ts'
import { type RawHeaders, send, sendBytes, sendFailure } from '../http/responder.ts'

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

declare global {
  interface ImportMeta {
    /** Texts of the files in page/, by name: a build puts them here (build/bundle.mjs). */
    readonly pageTexts?: Readonly<Record<string, string>>
  }
}

/** From the sources each file is read from its place. */
const bundled = import.meta.pageTexts
const textOf = (name: string): Buffer =>
  bundled ? Buffer.from(bundled[name] ?? '') : readFileSync(new URL(`page/${name}`, import.meta.url))

/** A lid on two layers, as in the menu bar. */
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 18 18"><g fill="none" stroke="#2a86a3" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"><path d="M2 9.6 9 13 16 9.6"/><path d="M2 13 9 16.4 16 13"/><path d="M9 1.9 16 5.6 9 9.3 2 5.6Z" fill="#2a86a3"/></g></svg>`

const files = new Map<string, { readonly type: string; readonly body: Buffer }>([
  [
    'page.css',
    { type: 'text/css; charset=utf-8', body: Buffer.concat([textOf('palette.css'), textOf('page.css')]) },
  ],
  ['page.js', { type: 'text/javascript; charset=utf-8', body: textOf('page.js') }],
  ['icon.svg', { type: 'image/svg+xml', body: Buffer.from(icon) }],
])

export function sendPage(
  context: RequestContext,
  status: number,
  page: string,
  headers: RawHeaders = [],
): undefined {
  const all = [...safety, 'Cache-Control', 'no-store', ...headers]
  return sendBytes(context, status, 'text/html; charset=utf-8', Buffer.from(page), all)
}

/** Sends a file of the pages, or 404. */
export function sendPageFile(context: RequestContext): undefined {
  const file = files.get(context.route.last)
  if (!file) return sendFailure(context, { name: 'route-unknown' })
  return sendBytes(context, 200, file.type, file.body, [...safety, 'Cache-Control', 'no-cache'])
}

export function redirect(context: RequestContext, location: string, headers: RawHeaders = []): undefined {
  const all = ['Location', location, 'Content-Length', '0', 'Cache-Control', 'no-store', ...headers]
  return send(context, 302, [...all, 'Referrer-Policy', 'no-referrer'])
}

export const cookieHeaders = (lines: readonly string[]): string[] =>
  lines.flatMap(line => ['Set-Cookie', line])
