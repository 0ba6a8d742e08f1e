import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseShell, electronBinary, lastFailure, rememberFailure } from '../../../build/shell-choice.mjs'

const now = 1_800_000_000_000
const mac = { args: [], platform: 'darwin', env: {}, uid: 501, now }
const linux = { args: [], platform: 'linux', env: { DISPLAY: ':0' }, uid: 1000, now }

describe('which shell npm start runs', () => {
  it('is the menu bar where the binary is', () => {
    expect(chooseShell({ ...mac, binary: '/e' })).toEqual({ shell: 'electron', binary: '/e' })
    expect(chooseShell({ ...linux, binary: '/e' })).toEqual({ shell: 'electron', binary: '/e' })
    expect(chooseShell({ ...linux, env: { WAYLAND_DISPLAY: 'wayland-0' }, binary: '/e' }).shell).toBe(
      'electron',
    )
  })

  it('gets the binary where there is a screen and none was got in vain today', () => {
    expect(chooseShell(mac)).toEqual({ shell: 'download' })
    expect(chooseShell({ ...mac, failedAt: now - 25 * 3_600_000 })).toEqual({ shell: 'download' })
    expect(chooseShell({ ...mac, failedAt: now - 3_600_000 })).toMatchObject({
      shell: 'headless',
      why: expect.stringContaining('a day later'),
    })
  })

  it('is headless without a screen, and says so in one line', () => {
    const chosen = chooseShell({ ...linux, env: {}, binary: '/e' })
    expect(chosen).toMatchObject({ shell: 'headless', why: expect.stringContaining('DISPLAY') })
  })

  it('is headless for root on Linux, whose pages would run without the sandbox', () => {
    expect(chooseShell({ ...linux, uid: 0, binary: '/e' })).toMatchObject({
      shell: 'headless',
      why: expect.stringContaining('root'),
    })
  })

  it('is headless without a word where that was asked for', () => {
    for (const args of [['--headless'], ['--json'], ['--dashboard-port', '0'], ['--dashboard-port=0']])
      expect(chooseShell({ ...mac, binary: '/e', args })).toEqual({ shell: 'headless' })
  })

  it('downloads nothing where Electron was told not to', () => {
    expect(chooseShell({ ...mac, env: { ELECTRON_SKIP_BINARY_DOWNLOAD: '1' } }).shell).toBe('headless')
  })
})

describe('where the binary is', () => {
  let root = ''
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'zotbar-choice-'))
    await mkdir(join(root, 'node_modules', 'electron', 'dist'), { recursive: true })
  })
  afterEach(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))

  it('is unknown until the package has a path.txt and the file it names', async () => {
    expect(electronBinary(root, {})).toBeUndefined()
    await writeFile(join(root, 'node_modules/electron/path.txt'), 'electron')
    expect(electronBinary(root, {})).toBeUndefined()
    await writeFile(join(root, 'node_modules/electron/dist/electron'), '')
    expect(electronBinary(root, {})).toBe(join(root, 'node_modules/electron/dist/electron'))
  })

  it('is taken from ELECTRON_OVERRIDE_DIST_PATH', () => {
    const elsewhere = join(root, 'elsewhere')
    expect(electronBinary(root, { ELECTRON_OVERRIDE_DIST_PATH: elsewhere })).toBeUndefined()
    writeFileSync(join(root, 'electron'), '')
    expect(electronBinary(root, { ELECTRON_OVERRIDE_DIST_PATH: root })).toBe(join(root, 'electron'))
  })

  it('remembers a failed download until it is forgotten', () => {
    expect(lastFailure(root)).toBeUndefined()
    rememberFailure(root, now)
    expect(lastFailure(root)).toBe(now)
    rememberFailure(root, undefined)
    expect(lastFailure(root)).toBeUndefined()
  })
})
