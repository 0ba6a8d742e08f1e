import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Keychain } from '../../../main/secrets/keychain.ts'
import { openKeyStore } from '../../../main/secrets/open-key-store.ts'

const owner = { registry: '127.0.0.1:5050', user: 'zot-ci' }
let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-keys-'))
})
afterEach(() => rmSync(home, { recursive: true }))

/** A keychain that does as it is told: it fails with these words, or loses what it takes. */
function keychain({ says }: { says?: string } = {}) {
  const items = new Map<string, string>()
  const at = (account: string) => {
    if (held.says !== undefined) throw new Error(held.says)
    return account
  }
  const held = {
    items,
    says,
    forgetful: false,
    locked: false,
    load: (): Keychain => ({
      getPassword: async (_service, account) => (held.locked ? null : (items.get(at(account)) ?? null)),
      setPassword: async (_service, account, secret) => {
        if (held.locked) throw new Error('Cannot create an item in a locked collection')
        if (!held.forgetful) items.set(at(account), secret)
      },
      deletePassword: async (_service, account) => !held.locked && items.delete(at(account)),
    }),
  }
  return held
}

const none = () => {
  throw new Error('Cannot autolaunch D-Bus without X11 $DISPLAY')
}
interface Settings {
  keyFile?: string
  plain?: boolean
  load?: () => Keychain
}
const open = ({ keyFile = '', plain = false, load = none }: Settings = {}) =>
  openKeyStore({ home, keyFile: () => keyFile, plain: () => plain, load, limitMs: 10_000 })
const sealed = () => join(home, 'secrets', 'keys.enc')

function keyFile(content = 'sixteen bytes and more', mode = 0o600): string {
  const file = join(home, 'key')
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}

/** Everything below the home, as one text. */
const everything = (folder = home): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')

const places = [
  ['the keychain', () => open({ load: keychain().load })],
  ['the encrypted file', () => open({ keyFile: keyFile() })],
  ['the plain file', () => open({ plain: true })],
] as const

describe.each(places)('in %s', (_name, make) => {
  it('keeps each slot apart, and forgets it', async () => {
    const store = make()
    expect(await store.get(owner, 'current')).toEqual({ ok: true, value: undefined })
    expect(await store.set(owner, 'current', 'zak_1')).toEqual({ ok: true, value: null })
    expect(await store.set(owner, 'next', 'zak_2')).toEqual({ ok: true, value: null })
    expect(await store.get(owner, 'current')).toEqual({ ok: true, value: 'zak_1' })
    expect(await store.get({ ...owner, user: 'zot' }, 'current')).toEqual({ ok: true, value: undefined })
    expect(await store.delete(owner, 'current')).toEqual({ ok: true, value: null })
    expect(await store.delete(owner, 'current')).toEqual({ ok: true, value: null })
    expect(await store.get(owner, 'current')).toEqual({ ok: true, value: undefined })
    expect(await store.get(owner, 'next')).toEqual({ ok: true, value: 'zak_2' })
  })

  it('moves, and moving again changes nothing', async () => {
    const store = make()
    await store.set(owner, 'current', 'zak_1')
    for (let time = 0; time < 2; time += 1) {
      expect(await store.move(owner, 'current', 'retiring')).toEqual({ ok: true, value: null })
      expect(await store.get(owner, 'current')).toEqual({ ok: true, value: undefined })
      expect(await store.get(owner, 'retiring')).toEqual({ ok: true, value: 'zak_1' })
    }
    expect(await store.move(owner, 'next', 'current')).toMatchObject({ error: { code: 'key-not-kept' } })
  })

  it('promotes, however often it is told to', async () => {
    const store = make()
    expect(await store.promote(owner)).toMatchObject({ error: { code: 'key-not-kept', slot: 'next' } })
    await store.set(owner, 'current', 'zak_1')
    await store.set(owner, 'next', 'zak_2')
    for (let time = 0; time < 2; time += 1) {
      expect(await store.promote(owner)).toEqual({ ok: true, value: null })
      expect(await store.get(owner, 'current')).toEqual({ ok: true, value: 'zak_2' })
      expect(await store.get(owner, 'next')).toEqual({ ok: true, value: undefined })
      expect(await store.get(owner, 'retiring')).toEqual({ ok: true, value: 'zak_1' })
    }
  })

  it('goes on with a promotion that was cut off after the switch', async () => {
    const store = make()
    await store.set(owner, 'retiring', 'zak_1')
    await store.set(owner, 'current', 'zak_2')
    await store.set(owner, 'next', 'zak_2')
    expect(await store.promote(owner)).toEqual({ ok: true, value: null })
    expect(await store.get(owner, 'retiring')).toEqual({ ok: true, value: 'zak_1' })
  })

  it('keeps a note beside the keys', async () => {
    const note = make().note('forgejo-token')
    await note.set('token')
    expect(await note.get()).toEqual({ ok: true, value: 'token' })
    await note.delete()
    expect(await note.get()).toEqual({ ok: true, value: undefined })
  })

  it('takes many at once', async () => {
    const store = make()
    const users = Array.from({ length: 12 }, (_, n) => `user-${n}`)
    await Promise.all(users.map(user => store.set({ ...owner, user }, 'current', `zak_${user}`)))
    const found = await Promise.all(users.map(user => store.get({ ...owner, user }, 'current')))
    expect(found).toEqual(users.map(user => ({ ok: true, value: `zak_${user}` })))
  })
})

describe('with a keychain', () => {
  it('uses readable accounts, never the same for two owners', async () => {
    const held = keychain()
    const store = open({ load: held.load })
    await store.set(owner, 'current', 'a')
    await store.set({ registry: 'r', user: 'a/b' }, 'current', 'b')
    await store.set({ registry: 'r/a', user: 'b' }, 'current', 'c')
    expect([...held.items.keys()]).toEqual([
      'key/127.0.0.1:5050/zot-ci/current',
      'key/r/a%2Fb/current',
      'key/r%2Fa/b/current',
    ])
  })

  it('fails when it is locked later, and takes an empty answer for no proof', async () => {
    const held = keychain()
    const before = open({ load: held.load })
    await before.set(owner, 'current', 'zak_1')
    held.locked = true
    for (const store of [before, open({ load: held.load, plain: true })]) {
      for (const asked of [
        store.get(owner, 'current'),
        store.set(owner, 'next', 'zak_2'),
        store.delete(owner, 'current'),
        store.promote(owner),
      ])
        expect(await asked).toMatchObject({ error: { code: 'keychain-locked' } })
      expect(await store.where()).toEqual({ kind: 'keychain' })
    }
    expect(readdirSync(join(home, 'secrets'))).toEqual(['place.json'])
    held.locked = false
    expect(await before.get(owner, 'current')).toEqual({ ok: true, value: 'zak_1' })
  })

  it('never goes on in a file when it is gone', async () => {
    await open({ load: keychain().load }).set(owner, 'current', 'zak_1')
    const store = open({ plain: true, keyFile: keyFile() })
    expect(await store.get(owner, 'current')).toMatchObject({ error: { code: 'keychain-unavailable' } })
    expect(await store.set(owner, 'next', 'zak_2')).toMatchObject({ error: { code: 'keychain-unavailable' } })
    expect(everything()).not.toContain('zak_')
  })

  it.each([
    ['User interaction is not allowed.', 'keychain-locked'],
    ['User canceled the operation.', 'keychain-denied'],
    ['The user name or passphrase you entered is not correct.', 'keychain-denied'],
    ['The name org.freedesktop.secrets was not provided by any .service files', 'no-secret-store'],
  ])('says why it is of no use: %s', async (says, code) => {
    const store = open({ load: keychain({ says }).load })
    expect(await store.where()).toMatchObject({ kind: 'none', error: { code } })
    expect(await store.set(owner, 'current', 'zak_1')).toMatchObject({ error: { code } })
    expect(existsSync(join(home, 'secrets'))).toBe(false)
  })

  it('does not believe one that forgets', async () => {
    const held = keychain()
    held.forgetful = true
    expect(await open({ load: held.load }).set(owner, 'current', 'zak_1')).toEqual({
      ok: false,
      error: { code: 'secret-not-kept', where: 'the keychain' },
    })
  })

  it('gives up one that is silent, and asks it nothing more until it answers', async () => {
    let asked = 0
    const answers: (() => void)[] = []
    const load = (): Keychain => ({
      getPassword: () => Promise.resolve(null),
      setPassword: () => {
        asked += 1
        return new Promise(resolve => answers.push(() => resolve(undefined)))
      },
      deletePassword: () => Promise.resolve(false),
    })
    const store = openKeyStore({ home, keyFile: () => '', plain: () => false, load, limitMs: 20 })
    for (let time = 0; time < 5; time += 1)
      expect(await store.where()).toEqual({ kind: 'none', error: { code: 'keychain-silent', limitMs: 20 } })
    expect(asked).toBe(1)
    answers[0]?.()
    await new Promise(resolve => setImmediate(resolve))
    await store.where()
    expect(asked).toBe(2)
  })
})

describe('the encrypted file', () => {
  it('is 0600 and holds no secret and no name that can be read', async () => {
    const store = open({ keyFile: keyFile() })
    await store.set(owner, 'current', 'zak_marker')
    expect(statSync(sealed()).mode & 0o777).toBe(0o600)
    expect(statSync(join(home, 'secrets')).mode & 0o777).toBe(0o700)
    expect(everything()).not.toMatch(/zak_marker|zot-ci/)
    expect(await store.describe()).toBe(`${sealed()}, encrypted with the content of ${join(home, 'key')}`)
    expect(await store.where()).toEqual({ kind: 'encrypted-file' })
  })

  it('is opened by the next start with the same key file, and by no other', async () => {
    await open({ keyFile: keyFile() }).set(owner, 'current', 'zak_1')
    expect(await open({ keyFile: keyFile() }).get(owner, 'current')).toEqual({ ok: true, value: 'zak_1' })
    const before = readFileSync(sealed())
    const other = open({ keyFile: keyFile('another content, of another') })
    const wrong = { error: { code: 'secret-store-wrong-key', by: 'key-file' } }
    expect(await other.get(owner, 'current')).toMatchObject(wrong)
    expect(await other.set(owner, 'next', 'zak_2')).toMatchObject(wrong)
    expect(await other.delete(owner, 'current')).toMatchObject(wrong)
    expect(await open().get(owner, 'current')).toMatchObject({ error: { code: 'key-file-unusable' } })
    expect(readFileSync(sealed())).toEqual(before)
  })

  it('uses a nonce once', async () => {
    const store = open({ keyFile: keyFile() })
    const nonces = new Set<string>()
    for (let time = 0; time < 5; time += 1) {
      await store.set(owner, 'current', 'zak_1')
      nonces.add(JSON.parse(readFileSync(sealed(), 'utf8')).header.nonce)
    }
    expect(nonces.size).toBe(5)
  })

  it('is never written over when it is damaged', async () => {
    await open({ keyFile: keyFile() }).set(owner, 'current', 'zak_1')
    const whole = readFileSync(sealed(), 'utf8')
    const parts = JSON.parse(whole)
    const other = (text: string) => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`
    const damages: [string, string][] = [
      ['cut off', whole.slice(0, 100)],
      ['empty', ''],
      ['other data', JSON.stringify({ ...parts, data: other(parts.data) })],
      ['another tag', JSON.stringify({ ...parts, tag: other(parts.tag) })],
      [
        'another nonce',
        JSON.stringify({ ...parts, header: { ...parts.header, nonce: other(parts.header.nonce) } }),
      ],
      ['another version', JSON.stringify({ ...parts, header: { ...parts.header, zotbarKeys: 2 } })],
      [
        'greedy parameters',
        JSON.stringify({ ...parts, header: { ...parts.header, kdf: { ...parts.header.kdf, N: 2 ** 30 } } }),
      ],
    ]
    for (const [what, text] of damages) {
      writeFileSync(sealed(), text)
      const store = open({ keyFile: keyFile() })
      const damaged = { error: { code: 'secret-store-damaged', file: sealed() } }
      expect(await store.get(owner, 'current'), what).toMatchObject(damaged)
      expect(await store.set(owner, 'next', 'zak_2'), what).toMatchObject(damaged)
      expect(readFileSync(sealed(), 'utf8')).toBe(text)
    }
    writeFileSync(sealed(), JSON.stringify({ ...parts, header: { ...parts.header, by: 'passphrase' } }))
    expect(await open({ keyFile: keyFile() }).get(owner, 'current')).toMatchObject({
      error: { code: 'secret-store-locked' },
    })
    rmSync(sealed())
    expect(await open({ keyFile: keyFile() }).get(owner, 'current')).toMatchObject({
      error: { code: 'secret-store-damaged', reason: 'it is gone' },
    })
  })

  it.each([
    ['is not there', () => join(home, 'nothing'), 'it does not exist'],
    [
      'others may read',
      () => keyFile('sixteen bytes and more', 0o644),
      /other users may open it \(mode 0644\)/,
    ],
    ['is empty', () => keyFile(''), 'it is empty'],
    ['is short', () => keyFile('too short'), 'it has 9 bytes, and needs 16 at least'],
    ['is a folder', () => home, 'it is not a file'],
  ])('wants a key file that is good: one that %s', async (_what, file, reason) => {
    const store = open({ keyFile: file() })
    const unusable = { code: 'key-file-unusable', reason: expect.stringMatching(reason) }
    expect(await store.where()).toMatchObject({ kind: 'none', error: unusable })
    expect(await store.set(owner, 'current', 'zak_1')).toMatchObject({ error: unusable })
    expect(existsSync(sealed())).toBe(false)
  })

  it('goes with its last key, and where keys are kept is decided anew', async () => {
    const store = open({ keyFile: keyFile() })
    await store.set(owner, 'current', 'zak_1')
    await store.delete(owner, 'current')
    expect(readdirSync(join(home, 'secrets'))).toEqual([])
    const plain = open({ plain: true })
    await plain.set(owner, 'current', 'zak_1')
    expect(await plain.where()).toEqual({ kind: 'plain-file' })
  })

  it('goes on after a kill before its place was written down', async () => {
    await open({ keyFile: keyFile() }).set(owner, 'current', 'zak_1')
    rmSync(join(home, 'secrets', 'place.json'))
    const again = open({ keyFile: keyFile(), load: keychain().load })
    expect(await again.get(owner, 'current')).toEqual({ ok: true, value: 'zak_1' })
  })

  it('takes a passphrase, in memory only', async () => {
    const store = open()
    expect(await store.unlock('short')).toMatchObject({ error: { code: 'bad-input' } })
    expect(await store.unlock('a long passphrase')).toEqual({ ok: true, value: null })
    expect(await store.set(owner, 'current', 'zak_1')).toEqual({ ok: true, value: null })
    expect(everything()).not.toContain('passphrase that')
    expect(everything()).not.toContain('a long passphrase')
    const next = open()
    expect(await next.get(owner, 'current')).toMatchObject({ error: { code: 'secret-store-locked' } })
    expect(await next.unlock('another passphrase')).toMatchObject({
      error: { code: 'secret-store-wrong-key', by: 'passphrase' },
    })
    expect(await next.get(owner, 'current')).toMatchObject({ error: { code: 'secret-store-locked' } })
    await next.unlock('a long passphrase')
    expect(await next.get(owner, 'current')).toEqual({ ok: true, value: 'zak_1' })
  })
})

describe('without any safe place', () => {
  it('refuses rather than writing a plain file', async () => {
    const store = open()
    const refused = { code: 'no-secret-store', reason: 'Cannot autolaunch D-Bus without X11 $DISPLAY' }
    expect(await store.where()).toEqual({ kind: 'none', error: refused })
    expect(await store.set(owner, 'current', 'zak_1')).toEqual({ ok: false, error: refused })
    expect(await store.get(owner, 'current')).toEqual({ ok: true, value: undefined })
    expect(everything()).toBe('')
  })

  it('writes one only when told to, 0600, and says so', async () => {
    const store = open({ plain: true })
    await store.set(owner, 'current', 'zak_1')
    expect(statSync(join(home, 'secrets', 'keys.plain.json')).mode & 0o777).toBe(0o600)
    expect(await store.describe()).toContain('NOT encrypted')
  })

  it('tells what it cannot write', async () => {
    writeFileSync(join(home, 'secrets'), 'a file in its place')
    expect(await open({ plain: true }).set(owner, 'current', 'zak_1')).toMatchObject({ ok: false })
  })
})
