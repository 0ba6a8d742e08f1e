import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'

const dist = join(import.meta.dirname, '..', '..', '..', 'dist')
const isBuiltin = (name: string): boolean => name.startsWith('node:') || builtinModules.includes(name)

/** Everything that a program loads by a name of its own choice, as text. */
function loads(file: string): { static: string[]; late: string[]; required: string[] } {
  const text = readFileSync(file, 'utf8')
  const { module, errors } = parseSync(file, text)
  expect(errors).toEqual([])
  const unquoted = (name: string): string => name.replaceAll(/["']/g, '')
  return {
    static: module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    late: module.dynamicImports.map(({ moduleRequest }) =>
      unquoted(text.slice(moduleRequest.start, moduleRequest.end)),
    ),
    required: [...text.matchAll(/(?:__require|createRequire\([^)]*\))\(([^)]*)\)/g)].map(([, name = '']) =>
      unquoted(name),
    ),
  }
}

it('the entry of the core loads the rest of it, and nothing else of its package', () => {
  const { static: imported, late, required } = loads(join(dist, 'core/main.mjs'))
  expect([...imported, ...required].filter(each => each !== '' && !isBuiltin(each))).toEqual([])
  expect(late).toEqual(['./core.mjs'])
})

describe.each([
  // The keychain's addon is loaded at the start (core/secrets); the others are ssh2's, which nobody builds.
  [
    'core/core.mjs',
    ['cpu-features', 'keytar', '../../node_modules/ssh2/lib/protocol/crypto/build/Release/sshcrypto.node'],
  ],
  ['registry/zotbar-registry.mjs', []],
])('%s', (name, addons) => {
  const { static: imported, late, required } = loads(join(dist, name))

  it('is one file, which imports nothing but what is in Node', () => {
    expect(imported.length).toBeGreaterThan(10)
    expect(imported.filter(each => !isBuiltin(each))).toEqual([])
    expect(late.filter(each => !isBuiltin(each))).toEqual([])
    expect(required.filter(each => each !== '' && !isBuiltin(each)).sort()).toEqual(addons.toSorted())
  })

  it('carries the texts of its threads', () => {
    const text = readFileSync(join(dist, name), 'utf8')
    expect(text).not.toContain('import.meta.threadTexts')
    // Of another text than ASCII the engine needs twice the memory.
    expect(/[^\0-\x7f]/.exec(text)).toBeNull()
  })
})
