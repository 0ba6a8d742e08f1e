import { lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultConfigFile, firstConfig, firstRun } from '../../../core/first-run/first-run.ts'
import { createAccess } from '../../../registry/auth/access.ts'
import { parseConfig } from '../../../registry/config/config.ts'
import { unsupported } from '../../../registry/config/supported.ts'

let homeFolder: string
beforeEach(async () => {
  homeFolder = await mkdtemp(join(tmpdir(), 'first-run-'))
})
afterEach(() => rm(homeFolder, { recursive: true }))

const modeOf = async (path: string) => (await lstat(path)).mode & 0o777

test('an empty home: a closed config.json and a closed folder for the data', async () => {
  const configFile = join(homeFolder, '.config', 'zot', 'config.json')
  const dataFolder = join(homeFolder, 'zot')
  expect(await firstRun({ homeFolder })).toEqual({ ok: true, value: { configFile, wrote: { dataFolder } } })
  expect(await readFile(configFile, 'utf8')).toBe(firstConfig(dataFolder))
  expect([await modeOf(configFile), await modeOf(dataFolder), await modeOf(dirname(configFile))]).toEqual([
    0o600, 0o700, 0o700,
  ])
  expect(await firstRun({ homeFolder })).toEqual({ ok: true, value: { configFile } })
})

test('the first config.json is on loopback, and without accounts and upstreams', () => {
  expect(parseConfig(firstConfig('/home/ann/zot'))).toMatchObject({
    ok: true,
    warnings: [],
    config: {
      storage: { rootDirectory: '/home/ann/zot' },
      http: { address: '127.0.0.1', port: 5050, auth: undefined, accessControl: undefined },
      log: { level: 'info' },
      extensions: undefined,
    },
  })
})

test('an existing file is used as it is, even a broken one', async () => {
  const configFile = defaultConfigFile(homeFolder)
  await mkdir(dirname(configFile), { recursive: true })
  await writeFile(configFile, 'not JSON', { mode: 0o644 })
  expect(await firstRun({ homeFolder })).toEqual({ ok: true, value: { configFile } })
  expect(await readFile(configFile, 'utf8')).toBe('not JSON')
  expect(await modeOf(configFile)).toBe(0o644)
})

test('a link that leads nowhere is somebody’s intention', async () => {
  const configFile = defaultConfigFile(homeFolder)
  await mkdir(dirname(configFile), { recursive: true })
  await symlink(join(homeFolder, 'nowhere'), configFile)
  expect(await firstRun({ homeFolder })).toEqual({ ok: true, value: { configFile } })
})

test('data that is there already is left alone', async () => {
  await mkdir(join(homeFolder, 'zot'), { mode: 0o755 })
  expect(await firstRun({ homeFolder })).toMatchObject({ ok: true, value: { wrote: {} } })
  expect(await modeOf(join(homeFolder, 'zot'))).toBe(0o755)
})

test('a named file must exist, and nothing is written for it', async () => {
  const named = join(homeFolder, 'mine.json')
  expect(await firstRun({ homeFolder, named })).toEqual({
    ok: false,
    error: { code: 'config-missing', file: named },
  })
  await writeFile(named, '{}')
  expect(await firstRun({ homeFolder, named })).toEqual({ ok: true, value: { configFile: named } })
  await expect(lstat(join(homeFolder, '.config'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('of two first starts at once one writes', async () => {
  const both = await Promise.all([firstRun({ homeFolder }), firstRun({ homeFolder })])
  expect(both.every(result => result.ok)).toBe(true)
  expect(both.filter(result => result.ok && result.value.wrote)).toHaveLength(1)
})

test('a home without room for it', async () => {
  await writeFile(join(homeFolder, '.config'), '')
  expect(await firstRun({ homeFolder })).toMatchObject({ ok: false, error: { code: 'home-unusable' } })
})

const anAdmin = (discarded: string[]) => async (folder: string) => ({
  user: 'admin',
  htpasswd: join(folder, 'htpasswd'),
  discard: async () => void discarded.push(folder),
})

test('with an admin: pulls for everybody, everything else for the admins', async () => {
  const discarded: string[] = []
  const first = await firstRun({ homeFolder, makeAdmin: anAdmin(discarded) })
  expect(first).toMatchObject({ ok: true, value: { wrote: { admin: { user: 'admin' } } } })
  const configFile = defaultConfigFile(homeFolder)
  const read = parseConfig(await readFile(configFile, 'utf8'))
  if (!read.ok) throw new Error('refused')
  expect(unsupported(read)).toEqual([])
  expect(read.warnings).toEqual([])
  const { auth, accessControl } = read.config.http
  expect(auth).toMatchObject({ htpasswd: { path: join(dirname(configFile), 'htpasswd') }, apikey: true })
  expect(auth?.openid).toBeUndefined()
  const access = createAccess({ accessControl, authenticates: true })
  const known = (user: string) => ({ user, groups: [], origin: 'local', via: 'htpasswd' }) as const
  const mays = (user: string | undefined) =>
    (['read', 'create', 'update', 'delete'] as const).filter(action =>
      access.may(user === undefined ? undefined : known(user), action, 'team/app'),
    )
  expect(mays(undefined)).toEqual(['read'])
  expect(mays('somebody')).toEqual(['read'])
  expect(mays('admin')).toEqual(['read', 'create', 'update', 'delete'])
  expect(discarded).toEqual([])
})

test('an admin is made neither for a file that is there nor for one that is named', async () => {
  const never = async (): Promise<never> => {
    throw new Error('made')
  }
  const named = join(homeFolder, 'mine.json')
  await writeFile(named, '{}')
  expect(await firstRun({ homeFolder, named, makeAdmin: never })).toMatchObject({ ok: true })
  await firstRun({ homeFolder })
  expect(await firstRun({ homeFolder, makeAdmin: never })).toMatchObject({ ok: true })
})

test('the admin of the start that lost is taken back', async () => {
  const discarded: string[] = []
  const late = async (folder: string) => {
    await writeFile(defaultConfigFile(homeFolder), '{}')
    return anAdmin(discarded)(folder)
  }
  expect(await firstRun({ homeFolder, makeAdmin: late })).toEqual({
    ok: true,
    value: { configFile: defaultConfigFile(homeFolder) },
  })
  expect(discarded).toHaveLength(1)
})
