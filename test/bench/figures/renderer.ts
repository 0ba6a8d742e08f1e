import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Figure, rows, skipped } from '../figure.ts'
import { summary } from '../stats.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'dist', 'renderer')

/** Bytes of the packed renderer: as they are, and as gzip would send them. */
export const renderer: Figure = {
  name: 'renderer',
  about: 'bytes of the packed renderer',
  async run() {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    const files = await Promise.all(
      entries.filter(entry => entry.isFile()).map(entry => readFile(join(entry.parentPath, entry.name))),
    )
    if (files.length === 0) return skipped('the renderer is not built (npm run build)')
    const kilobytes = (sizes: number[]) => summary([sizes.reduce((sum, size) => sum + size, 0) / 1000])
    const common = { unit: 'kB', better: 'less', note: `${files.length} files of dist/renderer` } as const
    return rows(
      { name: 'packed renderer', ...common, ours: kilobytes(files.map(file => file.length)) },
      {
        name: 'packed renderer, gzip',
        ...common,
        ours: kilobytes(files.map(file => gzipSync(file, { level: 9 }).length)),
      },
    )
  },
}
