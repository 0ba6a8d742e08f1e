import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'vite'

/** Builds the renderer as it is now into a folder of its own, whatever dist/ holds. */
export default async function buildRenderer(): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-e2e-'))
  process.env['ZOTBAR_TEST_RENDERER'] = folder
  await build({
    configFile: join(import.meta.dirname, '..', '..', 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true },
  })
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
