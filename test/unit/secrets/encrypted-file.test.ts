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
  passphrase?: string | undefined
}
const open = ({ keyFile = '', plain = false, load = none, ...more }: Settings = {}) =>
  openKeyStore({
    home,
    keyFile: () => keyFile,
    plain: () => plain,
    keychain: openSystemKeychain({ load }),
    ...more,
  })
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

describe('the encrypted file', () => {
  it('opens for a core that was handed the passphrase, and not for one that was not', async () => {
    const first = open()
    expect(first.passphrase()).toBeUndefined()
    await first.unlock('correct horse battery')
    await first.set(owner, 'current', 'zak_marker')
    const next = open({ passphrase: first.passphrase() })
    expect(await next.get(owner, 'current')).toEqual({ ok: true, value: 'zak_marker' })
    expect(await open().get(owner, 'current')).toMatchObject({ error: { code: 'secret-store-locked' } })
  })

  it('is 0600 and holds no secret and no name that can be read', async () => {
    const store = open({ keyFile: keyFile() })
    await store.set(owner, 'current', 'zak_marker')
    expect(statSync(sealed()).mode & 0o777).toBe(0o600)
    expect(statSync(join(home, 'secrets')).mode & 0o777).toBe(0o700)
    expect(everything()).not.toMatch(/zak_marker|zot-ci/)
    expect(await store.describe()).toBe(`${sealed()}, encrypted with the content of ${join(home, 'key')}`)
    expect(await store.backend()).toEqual({ kind: 'encrypted-file' })
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
      'others may write',
      () => keyFile('eight bytes and more', 0o620),
      /other users may write to it \(mode 0620\)/,
    ],
    ['is empty', () => keyFile(''), 'it is empty'],
    ['is short', () => keyFile('7 bytes'), 'it has 7 bytes, and needs 8 at least'],
    ['is a folder', () => home, 'it is not a file'],
  ])('wants a key file that is good: one that %s', async (_what, file, reason) => {
    const store = open({ keyFile: file() })
    const unusable = { code: 'key-file-unusable', reason: expect.stringMatching(reason) }
    expect(await store.backend()).toMatchObject({ kind: 'none', error: unusable })
    expect(await store.set(owner, 'current', 'zak_1')).toMatchObject({ error: unusable })
    expect(existsSync(sealed())).toBe(false)
  })

  it('takes a key file that others may read, as services are given it, and tells', async () => {
    const store = open({ keyFile: keyFile('a mounted secret', 0o444) })
    expect(await store.set(owner, 'current', 'zak_1')).toMatchObject({ ok: true })
    expect(await store.describe()).toMatch(/the content of .*\/key, which other users may read$/)
  })

  it('goes with its last key, and the backend is chosen anew', async () => {
    const store = open({ keyFile: keyFile() })
    await store.set(owner, 'current', 'zak_1')
    await store.delete(owner, 'current')
    expect(readdirSync(join(home, 'secrets'))).toEqual([])
    const plain = open({ plain: true })
    await plain.set(owner, 'current', 'zak_1')
    expect(await plain.backend()).toEqual({ kind: 'plain-file' })
  })

  it('goes on after a kill before its backend was recorded', async () => {
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
