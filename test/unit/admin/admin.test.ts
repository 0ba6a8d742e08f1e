import { chmod, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compare } from 'bcryptjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fail, ok, type Result } from '../../../contract/result.ts'
import {
  createAdmin,
  establishAdmin,
  generatePassword,
  withUser,
} from '../../../core/registry-client/admin.ts'

describe('a line of htpasswd', () => {
  it.each([
    ['', 'admin:new\n'],
    ['admin:old\n', 'admin:new\n'],
    ['ci:x\nadmin:old\n# note\nbob:y\n', 'ci:x\nadmin:new\n# note\nbob:y\n'],
    ['ci:x', 'ci:x\nadmin:new\n'],
    ['administrator:x\n', 'administrator:x\nadmin:new\n'],
  ])('of a user is replaced in %j', (before, after) => {
    expect(withUser(before, 'admin', 'new')).toBe(after)
  })
})

it('passwords are 24 letters and digits, never the same', () => {
  const made = Array.from({ length: 200 }, generatePassword)
  expect(new Set(made).size).toBe(200)
  for (const word of made) expect(word).toMatch(/^[a-zA-Z2-9]{24}$/)
})

describe('the admin', () => {
  let home: string
  let folder: string
  const kept = new Map<string, string>()
  const secrets = {
    get: async (account: string) => ok(kept.get(account)),
    set: async (account: string, secret: string) => {
      kept.set(account, secret)
      return ok({ where: 'keychain' as const })
    },
    async delete(account: string) {
      kept.delete(account)
      return ok(null)
    },
  }
  const reading = { now: () => 0, report: () => {} }
  async function establish() {
    const made = await establishAdmin({ ...reading, home, folder, secrets })
    expect(await made.stored).toEqual({ ok: true, value: { where: 'keychain' } })
    return made
  }
  const adminOf = (htpasswd?: string) =>
    createAdmin({
      ...reading,
      home,
      secrets,
      registry: () => ({ configFile: '/c/config.json', ...(htpasswd === undefined ? {} : { htpasswd }) }),
    })
  beforeEach(async () => {
    kept.clear()
    home = await mkdtemp(join(tmpdir(), 'zotbar-admin-'))
    folder = join(home, 'config')
    await mkdir(folder)
  })
  afterEach(() => rm(home, { recursive: true }))

  it('gets an htpasswd of its own with the hash of the secret', async () => {
    const made = await establish()
    expect(made).toMatchObject({ user: 'admin', htpasswd: join(folder, 'htpasswd') })
    expect((await lstat(made.htpasswd)).mode & 0o777).toBe(0o600)
    const shown = await adminOf(made.htpasswd).show()
    if (!shown.ok) throw new Error(shown.error.code)
    const [user, hash = ''] = (await readFile(made.htpasswd, 'utf8')).trim().split(':')
    expect(user).toBe('admin')
    expect(hash).toMatch(/^\$2[aby]\$10\$/)
    expect(await compare(shown.value.password, hash)).toBe(true)
    expect(await readFile(join(home, 'admin.json'), 'utf8')).not.toContain(shown.value.password)
  })

  it('leaves an htpasswd that was there alone', async () => {
    await writeFile(join(folder, 'htpasswd'), 'bob:x\n')
    const made = await establish()
    expect(made.htpasswd).toBe(join(folder, 'zotbar.htpasswd'))
    expect(await readFile(join(folder, 'htpasswd'), 'utf8')).toBe('bob:x\n')
  })

  it('takes up its own file of a start that was cut off', async () => {
    const first = await establish()
    const second = await establish()
    expect(second.htpasswd).toBe(first.htpasswd)
    const others = `bob:x\n${await readFile(first.htpasswd, 'utf8')}`
    await writeFile(first.htpasswd, others)
    expect((await establish()).htpasswd).toBe(join(folder, 'zotbar.htpasswd'))
    expect(await readFile(first.htpasswd, 'utf8')).toBe(others)
  })

  it('can be taken back', async () => {
    const made = await establish()
    await made.discard()
    await expect(lstat(made.htpasswd)).rejects.toThrow('ENOENT')
    expect(kept.size).toBe(0)
  })

  it('gets a new password, and other users keep theirs', async () => {
    const { htpasswd } = await establish()
    await writeFile(htpasswd, `bob:y\n${await readFile(htpasswd, 'utf8')}`)
    await chmod(htpasswd, 0o640)
    const { ino } = await lstat(htpasswd)
    const text = await readFile(htpasswd, 'utf8')
    const admin = adminOf(htpasswd)
    const before = await admin.show()
    const after = await admin.reset()
    if (!before.ok || !after.ok) throw new Error('refused')
    expect(after.value.password).not.toBe(before.value.password)
    expect(await admin.show()).toEqual(after)
    expect(await admin.credential()).toEqual(after.value)
    const lines = (await readFile(htpasswd, 'utf8')).split('\n')
    expect(lines[0]).toBe('bob:y')
    const found = await lstat(htpasswd)
    expect([found.ino, found.mode & 0o777]).toEqual([ino, 0o640])
    expect(await readFile(`${htpasswd}.before-reset`, 'utf8')).toBe(text)
    expect(await compare(after.value.password, lines[1]?.split(':')[1] ?? '')).toBe(true)
  })

  it('is refused over a file that is not ours', async () => {
    const foreign = join(folder, 'theirs')
    await writeFile(foreign, 'admin:x\n')
    await establish()
    const refused = { code: 'admin-not-ours', configFile: '/c/config.json', htpasswd: foreign }
    expect(await adminOf(foreign).reset()).toEqual({ ok: false, error: refused })
    expect(await adminOf(foreign).show()).toEqual({ ok: false, error: refused })
    expect(await adminOf().show()).toMatchObject({ error: { code: 'admin-not-ours' } })
    expect(await adminOf(foreign).credential()).toBeUndefined()
    expect(await readFile(foreign, 'utf8')).toBe('admin:x\n')
  })

  it('gives its password to no registry with another htpasswd, and asks the keychain once for its own', async () => {
    const { htpasswd } = await establish()
    let asked = 0
    let named: { configFile: string; htpasswd?: string } = { configFile: '/c/config.json', htpasswd }
    const get = (account: string) => {
      asked++
      return secrets.get(account)
    }
    const admin = createAdmin({ ...reading, home, secrets: { ...secrets, get }, registry: () => named })
    expect(await admin.credential()).toMatchObject({ user: 'admin' })
    expect(await admin.credential()).toMatchObject({ user: 'admin' })
    expect(asked).toBe(1)
    named = { configFile: '/c/config.json', htpasswd: join(folder, 'theirs') }
    expect(await admin.credential()).toBeUndefined()
    named = { configFile: '/c/config.json' }
    expect(await admin.credential()).toBeUndefined()
  })

  it('whose secret is gone can only be reset', async () => {
    const { htpasswd } = await establish()
    kept.clear()
    expect(await adminOf(htpasswd).show()).toMatchObject({ error: { code: 'admin-password-unknown' } })
    expect(await adminOf(htpasswd).reset()).toMatchObject({ ok: true })
  })

  describe('while the keychain is silent', () => {
    const silent = () => ({ ...secrets, set: () => new Promise<never>(() => {}) })
    const unstored = async (): Promise<string> => {
      const made = await establishAdmin({ ...reading, home, folder, secrets: silent() })
      expect(kept.size).toBe(0)
      return made.htpasswd
    }

    it('is made all the same, and gets a new password in the next life of the app', async () => {
      const htpasswd = await unstored()
      const before = await readFile(htpasswd, 'utf8')
      const admin = adminOf(htpasswd)
      expect(await admin.settle()).toEqual({ ok: true, value: { where: 'keychain' } })
      const shown = await admin.show()
      if (!shown.ok) throw new Error(shown.error.code)
      const after = await readFile(htpasswd, 'utf8')
      expect(after).not.toBe(before)
      expect(await compare(shown.value.password, after.trim().split(':')[1] ?? '')).toBe(true)
      expect(await admin.settle()).toEqual({ ok: true, value: undefined })
      expect(await readFile(htpasswd, 'utf8')).toBe(after)
    })

    it('gets one when somebody asks for it', async () => {
      const htpasswd = await unstored()
      const admin = adminOf(htpasswd)
      const [one, two] = await Promise.all([admin.show(), admin.show()])
      expect(one.ok).toBe(true)
      expect(two).toEqual(one)
    })

    it('keeps a password that was changed by hand', async () => {
      const htpasswd = await unstored()
      await writeFile(htpasswd, 'admin:mine\n')
      const admin = adminOf(htpasswd)
      expect(await admin.show()).toMatchObject({ error: { code: 'admin-password-unknown' } })
      expect(await readFile(htpasswd, 'utf8')).toBe('admin:mine\n')
      expect(await admin.reset()).toMatchObject({ ok: true })
    })

    it('keeps the password that was stored just before a kill', async () => {
      const htpasswd = await unstored()
      kept.set(`admin in ${htpasswd}`, 'stored')
      const before = await readFile(htpasswd, 'utf8')
      const admin = adminOf(htpasswd)
      expect(await admin.show()).toEqual({ ok: true, value: { user: 'admin', password: 'stored' } })
      expect(await readFile(htpasswd, 'utf8')).toBe(before)
      expect(await readFile(join(home, 'admin.json'), 'utf8')).not.toContain('unstored')
    })

    it('can be taken back, and what the keychain says later changes nothing', async () => {
      const answer = Promise.withResolvers<Result<{ where: 'keychain' }>>()
      const made = await establishAdmin({
        ...reading,
        home,
        folder,
        secrets: { ...secrets, set: () => answer.promise },
      })
      await made.discard()
      answer.resolve(ok({ where: 'keychain' }))
      await made.stored
      await expect(lstat(join(home, 'admin.json'))).rejects.toThrow('ENOENT')
    })
  })

  it.each([
    ['keychain-denied', 1],
    ['keychain-locked', 2],
  ] as const)('is not asked for again and again after %s', async (code, asks) => {
    const { htpasswd } = await establish()
    let asked = 0
    let at = 0
    const get = async () => {
      asked += 1
      return fail({ code, reason: 'no' })
    }
    const admin = createAdmin({
      home,
      report: reading.report,
      now: () => at,
      secrets: { ...secrets, get },
      registry: () => ({ configFile: '/c/config.json', htpasswd }),
    })
    for (at of [0, 30_000, 59_999, 61_000, 90_000]) expect(await admin.credential()).toBeUndefined()
    expect(asked).toBe(asks)
    expect(admin.refusal()).toMatchObject({ code })
    expect(await admin.show()).toMatchObject({ error: { code } })
    expect(await admin.reset()).toMatchObject({ error: { code } })
  })

  it('keeps the old secret when the file cannot be written', async () => {
    const { htpasswd } = await establish()
    const before = [...kept]
    await rm(htpasswd)
    expect(await adminOf(htpasswd).reset()).toMatchObject({ error: { code: 'file-unusable' } })
    expect([...kept]).toEqual(before)
  })
})
