import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSecrets } from '../../../core/secrets/secrets.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import type { Keychain } from '../../../lib/keychain.ts'
import { keychain as pretend } from './pretend-keychain.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-secrets-'))
})
afterEach(() => rm(home, { recursive: true }))

const open = (load: () => Keychain) => openSecrets({ home, keychain: openSystemKeychain({ load }) })

const filesIn = (): Promise<string[]> => readdir(join(home, 'secrets')).catch(() => [])

function memory(): Keychain & { all: Map<string, string> } {
  const all = new Map<string, string>()
  return {
    all,
    getPassword: async (service, account) => all.get(`${service}/${account}`) ?? null,
    setPassword: async (service, account, password) => {
      all.set(`${service}/${account}`, password)
    },
    deletePassword: async (service, account) => all.delete(`${service}/${account}`),
  }
}

test('a keychain keeps secrets under the service Zotbar, and no file is written', async () => {
  const keychain = memory()
  const secrets = open(() => keychain)
  expect(await secrets.set('admin', 'word')).toEqual({ ok: true, value: { where: 'keychain' } })
  expect([...keychain.all]).toEqual([['Zotbar/admin', 'word']])
  expect(await secrets.get('admin')).toEqual({ ok: true, value: 'word' })
  expect(await filesIn()).toEqual([])
  await secrets.delete('admin')
  expect(await secrets.get('admin')).toEqual({ ok: true, value: undefined })
})

test('without a keychain: a file for this user alone, and why', async () => {
  const load = () => {
    throw new Error('Failed to load keytar native addon, checked ["../build/Release"]')
  }
  const secrets = open(load)
  const kept = await secrets.set('admin in /etc/htpasswd', 'word')
  if (!kept.ok || kept.value.where !== 'file') throw new Error('kept in a keychain')
  const { file, why } = kept.value
  expect(why).toBe('libsecret is not installed')
  expect((await lstat(file)).mode & 0o777).toBe(0o600)
  expect((await lstat(join(home, 'secrets'))).mode & 0o777).toBe(0o700)
  expect(file).not.toContain('admin')
  expect(await open(load).get('admin in /etc/htpasswd')).toEqual({ ok: true, value: 'word' })
  await secrets.delete('admin in /etc/htpasswd')
  expect(await filesIn()).toEqual([])
})

test.each([
  ['User canceled the operation.', 'keychain-denied', false],
  ['User interaction is not allowed.', 'keychain-locked', true],
  ['The name org.freedesktop.secrets was not provided', 'keychain-unavailable', true],
])('a keychain that says %s: %s, a file: %s', async (says, code, file) => {
  const secrets = open(pretend({ says }).load)
  const stored = await secrets.set('admin', 'word')
  if (file) {
    expect(stored).toMatchObject({ ok: true, value: { where: 'file', why: says.replace(/\.$/, '') } })
    expect(await secrets.get('admin')).toEqual({ ok: true, value: 'word' })
  } else expect(stored).toMatchObject({ error: { code } })
  expect((await filesIn()).length).toBe(file ? 1 : 0)
  // Without a file it is not known whether there is a secret.
  expect(await secrets.get('another')).toMatchObject({ error: { code } })
})

test('a keychain that forgets is found out by reading back', async () => {
  const forgetful: Keychain = { ...memory(), getPassword: async () => null }
  const secrets = open(() => forgetful)
  expect(await secrets.set('admin', 'word')).toMatchObject({ value: { where: 'file' } })
  expect(await secrets.get('admin')).toEqual({ ok: true, value: 'word' })
})

test('a secret moves from its file to a keychain that came later', async () => {
  const load = () => {
    throw new Error('none')
  }
  await open(load).set('admin', 'old')
  const keychain = memory()
  const later = open(() => keychain)
  expect(await later.get('admin')).toEqual({ ok: true, value: 'old' })
  await later.set('admin', 'new')
  expect(await filesIn()).toEqual([])
  expect(await later.get('admin')).toEqual({ ok: true, value: 'new' })
})

test('a link in place of the file is not followed', async () => {
  const load = () => {
    throw new Error('none')
  }
  const secrets = open(load)
  const kept = await secrets.set('admin', 'word')
  const file = kept.ok && kept.value.where === 'file' ? kept.value.file : ''
  await rm(file)
  await mkdir(join(home, 'elsewhere'))
  await writeFile(join(home, 'elsewhere', 'file'), 'of somebody else')
  await symlink(join(home, 'elsewhere', 'file'), file)
  expect(await secrets.get('admin')).toMatchObject({ error: { code: 'keychain-unavailable' } })
  await secrets.set('admin', 'again')
  expect(await readFile(join(home, 'elsewhere', 'file'), 'utf8')).toBe('of somebody else')
})
