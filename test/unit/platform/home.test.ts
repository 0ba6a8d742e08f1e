import { chmod, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  controlSocketPath,
  findControlSocket,
  prepareControlSocket,
  prepareHome,
  resolveHome,
} from '../../../main/platform/home.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'home-'))
})
afterEach(() => rm(folder, { recursive: true }))

const modeOf = async (path: string) => (await lstat(path)).mode & 0o777

test.each([
  [{ env: { ZOTBAR_HOME: '/z' }, platform: 'darwin', homeOfUser: '/h' }, '/z'],
  [{ env: {}, platform: 'darwin', homeOfUser: '/h' }, '/h/Library/Application Support/Zotbar'],
  [{ env: {}, platform: 'linux', homeOfUser: '/h' }, '/h/.local/share/zotbar'],
  [{ env: { XDG_DATA_HOME: '/x', ZOTBAR_HOME: '' }, platform: 'linux', homeOfUser: '/h' }, '/x/zotbar'],
  [{ env: { XDG_DATA_HOME: 'relative' }, platform: 'linux', homeOfUser: '/h' }, '/h/.local/share/zotbar'],
] as const)('the home of %j is %s', (surroundings, home) => {
  expect(resolveHome(surroundings)).toBe(home)
})

test('a home is made, and what lies open in it is closed', async () => {
  const home = join(folder, 'a', 'b')
  expect(await prepareHome(home)).toEqual({ ok: true, value: null })
  await mkdir(join(home, 'logs'), { mode: 0o755 })
  await writeFile(join(home, 'settings.json'), '{}', { mode: 0o644 })
  await writeFile(join(home, 'logs', 'app.log'), '', { mode: 0o644 })
  await writeFile(join(home, 'program'), '')
  await chmod(join(home, 'program'), 0o755)
  await writeFile(join(folder, 'outside'), '', { mode: 0o644 })
  await symlink(join(folder, 'outside'), join(home, 'link'))
  await chmod(home, 0o755)
  expect((await prepareHome(home)).ok).toBe(true)
  expect(
    await Promise.all(
      ['.', 'logs', 'settings.json', 'logs/app.log', 'program'].map(name => modeOf(join(home, name))),
    ),
  ).toEqual([0o700, 0o700, 0o600, 0o600, 0o700])
  expect(await modeOf(join(folder, 'outside'))).toBe(0o644)
})

test("a home that is a file, or somebody else's", async () => {
  await writeFile(join(folder, 'file'), '')
  expect(await prepareHome(join(folder, 'file', 'home'))).toMatchObject({ error: { code: 'home-unusable' } })
  const uid = (await lstat(folder)).uid
  expect(await prepareHome(folder, uid + 1)).toEqual({
    ok: false,
    error: { code: 'home-unusable', path: folder, reason: 'it belongs to another user' },
  })
})

test('the control socket stays in the home while its path is short enough', async () => {
  expect(controlSocketPath('/h')).toEqual({ path: '/h/control.sock', elsewhere: false })
  const longest = `/${'x'.repeat(100 - '/'.length - '/control.sock'.length)}`
  expect(controlSocketPath(longest).elsewhere).toBe(false)
  expect(controlSocketPath(`${longest}x`).elsewhere).toBe(true)
  expect(controlSocketPath(`/${'é'.repeat(44)}`).elsewhere).toBe(true)
})

test('with a long home it goes to a closed folder, which a client with another temporary folder finds too', async () => {
  const home = join(folder, 'x'.repeat(100))
  await prepareHome(home)
  const planned = controlSocketPath(home, { TMPDIR: folder }, 501)
  expect(planned.path).toMatch(/\/zotbar-501-[0-9a-f]{16}\/control\.sock$/)
  expect(Buffer.byteLength(controlSocketPath(home, { TMPDIR: '/tmp' }).path)).toBeLessThan(100)
  expect(await prepareControlSocket(home, planned)).toEqual({ ok: true, value: planned })
  expect(await modeOf(dirname(planned.path))).toBe(0o700)
  expect(findControlSocket(home, { TMPDIR: '/elsewhere' })).toEqual(planned)
  expect((await prepareControlSocket(home, planned)).ok).toBe(true)
  expect((await readdir(home)).sort()).toEqual(['control.path'])
})

test('a trap in the temporary folder is not stepped into', async () => {
  const home = join(folder, 'x'.repeat(100))
  await prepareHome(home)
  const planned = controlSocketPath(home, { TMPDIR: folder })
  await mkdir(join(folder, 'trap'))
  await symlink(join(folder, 'trap'), dirname(planned.path))
  expect(await prepareControlSocket(home, planned)).toMatchObject({
    ok: false,
    error: { code: 'home-unusable' },
  })
})
