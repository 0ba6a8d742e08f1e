import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'

export interface StaticFile {
  body: Buffer
  type: string
  etag: string
  /** Vite puts a hash of the content into the names below /assets: those never change. */
  cacheControl: string
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

/**
 * Reads the pages into memory (a few hundred KB), by the exact path under which each is served: what is not in this
 * map does not exist, so no request path ever becomes a file path. A folder that is not there gives an empty map.
 */
export async function staticFiles(folder: string): Promise<ReadonlyMap<string, StaticFile>> {
  const files = new Map<string, StaticFile>()
  const readAsset = async (path: string, file: string): Promise<void> => {
    const type = types[extname(file)]
    if (type === undefined) return
    const body = await readFile(join(folder, file)).catch(() => undefined)
    if (!body) return
    files.set(path, {
      body,
      type,
      etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
      cacheControl: path.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-cache',
    })
  }
  const assets = await readdir(join(folder, 'assets')).catch(() => [])
  await Promise.all([
    readAsset('/window.html', 'window.html'),
    readAsset('/popover.html', 'popover.html'),
    ...assets.map(name => readAsset(`/assets/${name}`, join('assets', name))),
  ])
  const page = files.get('/window.html')
  if (page) files.set('/', page)
  return files
}

let pages: Promise<ReadonlyMap<string, StaticFile>> | undefined

/** The built pages, read at the first call only: a later core in this process may find its package gone. */
export function builtPages(): Promise<ReadonlyMap<string, StaticFile>> {
  pages ??= staticFiles(pagesFolder())
  return pages
}

/** The built pages: dist/renderer, looked for beside and above the running code (bundle, chunk or source). */
function pagesFolder(from = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    for (const pages of [join(folder, 'renderer'), join(folder, 'dist', 'renderer')])
      if (existsSync(join(pages, 'assets')) && existsSync(join(pages, 'window.html'))) return pages
    if (folder === dirname(folder)) throw new Error('The pages are not built. Run: npm run build')
  }
}
