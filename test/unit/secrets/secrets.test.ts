import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Keychain } from '../../../core/secrets/keychain.ts'
import { openSecrets } from '../../../core/secrets/secrets.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-secrets-'))
})
afterEach(() => rm(home, { recursive: true }))

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
  const secrets = openSecrets({ home, load: () => keychain })
  expect(await secrets.set('admin', 'word')).toEqual({ where: 'keychain' })
  expect([...keychain.all]).toEqual([['Zotbar/admin', 'word']])
  expect(await secrets.get('admin')).toBe('word')
  expect(await filesIn()).toEqual([])
  await secrets.delete('admin')
  expect(await secrets.get('admin')).toBeUndefined()
})

test('without a keychain: a file for this user alone, and why', async () => {
  const load = () => {
    throw new Error('Failed to load keytar native addon, checked ["../build/Release"]')
  }
  const secrets = openSecrets({ home, load })
  const kept = await secrets.set('admin in /etc/htpasswd', 'word')
  if (kept.where !== 'file') throw new Error('kept in a keychain')
  expect(kept.why).toBe('libsecret is not installed')
  expect((await lstat(kept.file)).mode & 0o777).toBe(0o600)
  expect((await lstat(join(home, 'secrets'))).mode & 0o777).toBe(0o700)
  expect(kept.file).not.toContain('admin')
  expect(await openSecrets({ home, load }).get('admin in /etc/htpasswd')).toBe('word')
  await secrets.delete('admin in /etc/htpasswd')
  expect(await filesIn()).toEqual([])
})

test('a keychain that says nothing is given up on', async () => {
  const silent: Keychain = { ...memory(), setPassword: () => new Promise(() => {}) }
  const secrets = openSecrets({ home, load: () => silent, limitMs: 20 })
  expect(await secrets.set('admin', 'word')).toMatchObject({ where: 'file', why: 'it does not answer' })
})

test('a keychain that forgets is found out by reading back', async () => {
  const forgetful: Keychain = { ...memory(), getPassword: async () => null }
  const secrets = openSecrets({ home, load: () => forgetful })
  expect(await secrets.set('admin', 'word')).toMatchObject({ where: 'file' })
  expect(await secrets.get('admin')).toBe('word')
})

test('a secret moves from its file to a keychain that came later', async () => {
  const load = () => {
    throw new Error('none')
  }
  await openSecrets({ home, load }).set('admin', 'old')
  const keychain = memory()
  const later = openSecrets({ home, load: () => keychain })
  expect(await later.get('admin')).toBe('old')
  await later.set('admin', 'new')
  expect(await filesIn()).toEqual([])
  expect(await later.get('admin')).toBe('new')
})

test('a link in place of the file is not followed', async () => {
  const load = () => {
    throw new Error('none')
  }
  const secrets = openSecrets({ home, load })
  const kept = await secrets.set('admin', 'word')
  const file = kept.where === 'file' ? kept.file : ''
  await rm(file)
  await mkdir(join(home, 'elsewhere'))
  await writeFile(join(home, 'elsewhere', 'file'), 'of somebody else')
  await symlink(join(home, 'elsewhere', 'file'), file)
  expect(await secrets.get('admin')).toBeUndefined()
  await secrets.set('admin', 'again')
  expect(await readFile(join(home, 'elsewhere', 'file'), 'utf8')).toBe('of somebody else')
})
