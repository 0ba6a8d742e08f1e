import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseShell } from '../../../cli/start.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'zotbar-shell-'))
})
afterEach(() => rm(root, { recursive: true }))

async function installElectron(): Promise<string> {
  const package_ = join(root, 'node_modules', 'electron')
  await mkdir(join(package_, 'dist'), { recursive: true })
  await writeFile(join(package_, 'path.txt'), 'electron')
  await writeFile(join(package_, 'dist', 'electron'), '')
  return join(package_, 'dist', 'electron')
}
const choose = (over: Partial<Parameters<typeof chooseShell>[0]>) =>
  chooseShell({ headless: false, root, env: { DISPLAY: ':0' }, platform: 'linux', uid: 1000, ...over })

describe('the choice of the shell', () => {
  it('is Electron where its program is and there is a screen', async () => {
    const binary = await installElectron()
    expect(choose({})).toEqual({ kind: 'electron', binary })
    expect(choose({ env: { WAYLAND_DISPLAY: 'wayland-0' } })).toEqual({ kind: 'electron', binary })
    expect(choose({ env: {}, platform: 'darwin' })).toEqual({ kind: 'electron', binary })
    expect(choose({ headless: true })).toEqual({ kind: 'headless' })
  })

  it('is headless otherwise, with the reason', async () => {
    expect(choose({})).toMatchObject({ kind: 'headless', reason: expect.stringContaining('not installed') })
    await installElectron()
    expect(choose({ env: {} })).toMatchObject({ kind: 'headless', reason: expect.stringContaining('screen') })
    expect(choose({ uid: 0 })).toMatchObject({ kind: 'headless', reason: expect.stringContaining('root') })
  })

  it('takes a program from another folder where one is named', async () => {
    const folder = join(root, 'elsewhere')
    await mkdir(folder)
    expect(choose({ env: { DISPLAY: ':0', ELECTRON_OVERRIDE_DIST_PATH: folder } }).kind).toBe('headless')
    await writeFile(join(folder, 'electron'), '')
    await chmod(join(folder, 'electron'), 0o700)
    expect(choose({ env: { DISPLAY: ':0', ELECTRON_OVERRIDE_DIST_PATH: folder } })).toEqual({
      kind: 'electron',
      binary: join(folder, 'electron'),
    })
  })
})
