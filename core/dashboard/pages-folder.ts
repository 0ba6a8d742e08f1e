import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The built pages: dist/renderer, looked for beside and above the running code (bundle, chunk or source). */
export function pagesFolder(from = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    for (const pages of [join(folder, 'renderer'), join(folder, 'dist', 'renderer')])
      if (existsSync(join(pages, 'assets')) && existsSync(join(pages, 'window.html'))) return pages
    if (folder === dirname(folder)) throw new Error('The pages are not built. Run: npm run build')
  }
}
