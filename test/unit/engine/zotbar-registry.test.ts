import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packagedEngine, zotbarRegistry } from '../../../core/engine/zotbar-registry.ts'

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

describe('our own engine', () => {
  it('is found beside a bundle and the sources, and is run by the Node of the core', () => {
    const bundle = put('dist', 'registry', 'zotbar-registry.mjs')
    for (const folder of ['dist/core', 'dist/main', 'core/engine', 'core/app'])
      expect(packagedEngine(join(root, folder), '/bin/node')).toEqual({ node: '/bin/node', bundle })
  })

  it('is expected in dist where there is none', () => {
    expect(packagedEngine(join(root, 'dist', 'core'), '/bin/node').bundle).toBe(
      join(root, 'dist', 'registry', 'zotbar-registry.mjs'),
    )
  })

  it('keeps its compiled code in the home', () => {
    const files = { node: '/bin/node', bundle: '/z/zotbar-registry.mjs' }
    expect(zotbarRegistry({ home: '/home', version: '1.0.0', ...files })).toEqual({
      id: 'zotbar-registry',
      command: '/bin/node',
      args: ['/z/zotbar-registry.mjs', 'serve'],
      environment: { NODE_COMPILE_CACHE: join('/home', 'cache', 'node') },
      version: '1.0.0',
      drainsItself: true,
      livenessPath: '/livez',
    })
  })
})
