import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

export const pageScheme = 'app'
/** The only origin a window of ours ever has. */
export const pageOrigin = `${pageScheme}://zotbar`
export const pageUrl = (page: 'popover' | 'window'): string => `${pageOrigin}/${page}.html`

/** Pages load their own scripts and styles and make no requests: their data comes over the bridge. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), usb=(), serial=(), hid=()',
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

export type PageServer = (request: { url: string; method: string }) => Promise<Response>

/**
 * Serves the built renderer under app://zotbar/. The files are listed once, at start: a request is looked
 * up in that list and never becomes a path, so no name can reach out of `folder`.
 */
export async function createPageServer(folder: string): Promise<PageServer> {
  const files = await listFiles(folder, '/')
  return async ({ url, method }) => {
    if (method !== 'GET') return refuse(405)
    const requested = URL.parse(url)
    if (requested?.protocol !== `${pageScheme}:` || requested.host !== 'zotbar') return refuse(404)
    const path = files.get(requested.pathname)
    if (path === undefined) return refuse(404)
    return new Response(await readFile(path), {
      headers: { ...headers, 'content-type': types[extname(path)] ?? 'application/octet-stream' },
    })
  }
}

/** Walked by hand: reading a folder recursively is not dependable inside an asar archive. */
async function listFiles(folder: string, under: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      for (const [name, file] of await listFiles(path, `${under}${entry.name}/`)) files.set(name, file)
    else if (entry.isFile() && extname(entry.name) in types) files.set(`${under}${entry.name}`, path)
  }
  return files
}

const refuse = (status: number): Response => new Response(null, { status, headers })
