import { chmod, cp, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { prepareAdminSocket, prepareControlSocket, prepareHome } from '../../../core/platform/prepare-home.ts'
import { cacheCompiledCode } from '../../../lib/compile-cache.ts'
import { adminSocketPath, controlSocketPath, findControlSocket, resolveHome } from '../../../lib/home.ts'

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
  await mkdir(join(home, 'engines'))
  await writeFile(join(home, 'engines', 'program'), '')
  await chmod(join(home, 'engines', 'program'), 0o755)
  await writeFile(join(home, 'of-the-user'), '')
  await chmod(join(home, 'of-the-user'), 0o644)
  await writeFile(join(folder, 'outside'), '', { mode: 0o644 })
  await symlink(join(folder, 'outside'), join(home, 'keys.json'))
  await chmod(home, 0o755)
  expect((await prepareHome(home)).ok).toBe(true)
  expect(
    await Promise.all(
      ['.', 'logs', 'settings.json', 'logs/app.log', 'engines/program', 'of-the-user'].map(name =>
        modeOf(join(home, name)),
      ),
    ),
  ).toEqual([0o700, 0o700, 0o600, 0o600, 0o700, 0o644])
  expect(await modeOf(join(folder, 'outside'))).toBe(0o644)
})

test.each(['as it is', 'behind a link'])(
  'a folder of other things is refused, and nothing in it is changed: %s',
  async how => {
    const victim = join(folder, 'victim')
    await mkdir(join(victim, 'src'), { recursive: true })
    await mkdir(join(victim, 'cache'))
    const files = ['run.sh', 'src/a.sh', 'cache/page'].map(name => join(victim, name))
    for (const file of files) await writeFile(file, '')
    const all = [victim, join(victim, 'src'), join(victim, 'cache'), ...files]
    for (const path of all) await chmod(path, 0o755)
    const home = how === 'as it is' ? victim : join(folder, 'link')
    if (home !== victim) await symlink(victim, home)
    expect(await prepareHome(home)).toEqual({
      ok: false,
      error: {
        code: 'home-unusable',
        path: home,
        reason:
          'it holds other things (cache, run.sh, src) and nothing of Zotbar, so it was left as it is; ' +
          'Zotbar needs an empty folder, or one that is not there yet',
      },
    })
    cacheCompiledCode(home)
    expect(await Promise.all(all.map(modeOf))).toEqual(all.map(() => 0o755))
    expect((await readdir(victim, { recursive: true })).sort()).toEqual(
      ['cache', 'cache/page', 'run.sh', 'src', 'src/a.sh'].sort(),
    )
  },
)

test('a folder is a new home where it is empty, but for what a system and a start that broke off put into it', async () => {
  const home = join(folder, 'home')
  await mkdir(join(home, 'electron'), { recursive: true, mode: 0o700 })
  await mkdir(join(home, 'secrets'), { mode: 0o700 })
  await writeFile(join(home, 'admin.json'), '{}', { mode: 0o600 })
  await writeFile(join(home, '.DS_Store'), '')
  expect((await prepareHome(home)).ok).toBe(true)
})

test('a folder with nothing but a zot that was laid there by hand is a new home, and is closed', async () => {
  const home = join(folder, 'home')
  const version = join(home, 'engines', 'zot', '2.1.15')
  await mkdir(version, { recursive: true })
  await writeFile(join(version, 'zot'), '')
  const made = ['.', 'engines', 'engines/zot'].map(name => join(home, name))
  for (const path of [...made, version, join(version, 'zot')]) await chmod(path, 0o755)
  await writeFile(join(home, 'engines', '.DS_Store'), '')
  expect(await prepareHome(home)).toEqual({ ok: true, value: null })
  expect(await Promise.all(made.map(modeOf))).toEqual([0o700, 0o700, 0o700])
})

test.each([
  ['engines of something else', 'engines/v8', 'engines'],
  ['a file beside the zot', 'engines/zot/2.1.15/zot,notes', 'notes'],
  ['a zot that is a file', 'engines/zot', 'engines'],
])('a folder with %s is no new home, and stays as it is', async (_, files, others) => {
  const home = join(folder, 'home')
  for (const name of files.split(',')) {
    await mkdir(dirname(join(home, name)), { recursive: true })
    await writeFile(join(home, name), '')
  }
  for (const name of ['.', 'engines']) await chmod(join(home, name), 0o755)
  expect(await prepareHome(home)).toMatchObject({
    error: { code: 'home-unusable', reason: expect.stringContaining(`other things (${others})`) },
  })
  expect(await Promise.all(['.', 'engines'].map(name => modeOf(join(home, name))))).toEqual([0o755, 0o755])
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

test('a copy of a home with a long path does not lead to the sockets of the first', async () => {
  const home = join(folder, 'x'.repeat(100))
  await prepareHome(home)
  const env = { TMPDIR: folder }
  const planned = controlSocketPath(home, env)
  await prepareControlSocket(home, planned)
  const admin = await prepareAdminSocket(home, adminSocketPath(home, env))
  const copy = join(folder, 'y'.repeat(100))
  await cp(home, copy, { recursive: true })
  expect(findControlSocket(copy, env)).toEqual(controlSocketPath(copy, env))
  expect(controlSocketPath(copy, env)).not.toEqual(planned)
  const ofCopy = await prepareAdminSocket(copy, adminSocketPath(copy, env))
  expect(ofCopy).toEqual({ ok: true, value: adminSocketPath(copy, env) })
  expect(ofCopy).not.toEqual(admin)
  await symlink(home, join(folder, 'z'.repeat(100)))
  expect(findControlSocket(join(folder, 'z'.repeat(100)), { TMPDIR: '/elsewhere' })).toEqual(planned)
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
