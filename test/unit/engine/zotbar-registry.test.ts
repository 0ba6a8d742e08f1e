import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { locateZotbarRegistry } from '../../../core/engine/zotbar-registry.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-engine-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))

function put(...path: string[]): string {
  const file = join(root, ...path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, '')
  return file
}
const locate = (more: { codeFolder: string; isElectron?: boolean; resourcesPath?: string }) =>
  locateZotbarRegistry({ home: '/home', version: '1.0.0', execPath: '/bin/node', isElectron: false, ...more })

describe('our own engine', () => {
  it('is found beside a bundle, its chunks, and the sources', () => {
    const bundle = put('dist', 'registry', 'zotbar-registry.mjs')
    for (const folder of ['dist/core', 'dist/chunks', 'core/engine'])
      expect(locate({ codeFolder: join(root, folder) })).toEqual({
        ok: true,
        value: {
          id: 'zotbar-registry',
          command: '/bin/node',
          args: [bundle, 'serve'],
          environment: { NODE_COMPILE_CACHE: join('/home', 'cache', 'node') },
          version: '1.0.0',
          drainsItself: true,
          livenessPath: '/livez',
        },
      })
  })

  it('is found outside the archive of a packaged app, with the Node that is shipped with it', () => {
    const resourcesPath = join(root, 'Resources')
    const bundle = put('Resources', 'app.asar.unpacked', 'dist', 'registry', 'zotbar-registry.mjs')
    const node = put('Resources', 'node', 'bin', 'node')
    const found = locate({
      codeFolder: join(resourcesPath, 'app.asar', 'dist', 'main'),
      isElectron: true,
      resourcesPath,
    })
    expect(found).toMatchObject({ ok: true, value: { command: node, args: [bundle, 'serve'] } })
  })

  it('says which file is missing', () => {
    const missing = locate({ codeFolder: join(root, 'dist', 'main') })
    expect(missing).toEqual({
      ok: false,
      error: { code: 'engine-missing', path: join(root, 'dist', 'registry', 'zotbar-registry.mjs') },
    })
    put('dist', 'registry', 'zotbar-registry.mjs')
    expect(locate({ codeFolder: join(root, 'dist', 'main'), isElectron: true })).toMatchObject({
      ok: false,
      error: { code: 'engine-missing' },
    })
  })
})
