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
import { openKeyStore } from '../../../core/secrets/key-store.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import type { Keychain } from '../../../lib/keychain.ts'
import { keychain } from './pretend-keychain.ts'

const owner = { registry: '127.0.0.1:5050', user: 'zot-ci' }
let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-keys-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const none = () => {
  throw new Error('Cannot autolaunch D-Bus without X11 $DISPLAY')
}
interface Settings {
  keyFile?: string
  plain?: boolean
  load?: () => Keychain
}
const open = ({ keyFile = '', plain = false, load = none }: Settings = {}) =>
  openKeyStore({ home, keyFile: () => keyFile, plain: () => plain, keychain: openSystemKeychain({ load }) })

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

  it('stores a named secret beside the keys', async () => {
    const note = make().secret('forgejo-token')
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
      expect(await store.backend()).toEqual({ kind: 'keychain' })
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
    expect(await store.backend()).toMatchObject({ kind: 'none', error: { code } })
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
})

describe('a promotion that is cut off', () => {
  it('leaves a key in use wherever it was, and is ended by the next call', async () => {
    for (let left = 0, whole = false; !whole; left += 1) {
      rmSync(join(home, 'secrets'), { recursive: true, force: true })
      const held = keychain()
      const before = open({ load: held.load })
      await before.set(owner, 'current', 'zak_1')
      await before.set(owner, 'next', 'zak_2')
      held.writesLeft = left
      whole = (await open({ load: held.load }).promote(owner)).ok
      held.writesLeft = Number.POSITIVE_INFINITY
      const after = open({ load: held.load })
      const current = await after.get(owner, 'current')
      expect(['zak_1', 'zak_2']).toContain(current.ok && current.value)
      expect(await after.promote(owner)).toEqual({ ok: true, value: null })
      const slots = ['current', 'next', 'retiring'] as const
      expect(await Promise.all(slots.map(slot => after.get(owner, slot)))).toEqual([
        { ok: true, value: 'zak_2' },
        { ok: true, value: undefined },
        { ok: true, value: 'zak_1' },
      ])
    }
  })
})

describe('without any safe backend', () => {
  it('refuses rather than writing a plain file', async () => {
    const store = open()
    const refused = { code: 'no-secret-store', reason: 'Cannot autolaunch D-Bus without X11 $DISPLAY' }
    expect(await store.backend()).toEqual({ kind: 'none', error: refused })
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
