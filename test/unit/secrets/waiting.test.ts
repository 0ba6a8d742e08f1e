import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noticeMessage } from '../../../contract/messages/notice-message.ts'
import { openKeyStore } from '../../../core/secrets/key-store.ts'
import { openSecrets } from '../../../core/secrets/secrets.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { silentKeychain } from './silent-keychain.ts'

const owner = { registry: '127.0.0.1:5050', user: 'zot-ci' }
let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-waiting-'))
})
afterEach(() => rmSync(home, { recursive: true }))

function rig(platform: NodeJS.Platform = 'darwin') {
  const clock = fakeClock()
  const held = silentKeychain()
  const keychain = openSystemKeychain({ load: held.load, clock, platform })
  const notices: (string | undefined)[] = []
  keychain.onNotice(() => {
    const notice = keychain.notice()
    notices.push(notice && noticeMessage(notice).title)
  })
  const store = openKeyStore({ home, keychain, keyFile: () => '', plain: () => true })
  return { clock, held, keychain, notices, store, secrets: openSecrets({ home, keychain }) }
}

describe.each([
  ['20 s', 20_000],
  ['3 minutes', 180_000],
])('a keychain that answers after %s', (_, ms) => {
  it('gets the password of the first admin, and no file is written meanwhile', async () => {
    const { clock, held, notices, secrets } = rig()
    const stored = secrets.set('admin in /etc/htpasswd', 'a word')
    await clock.advance(2_999)
    expect(notices).toEqual([])
    await clock.advance(ms - 2_999)
    expect(notices).toEqual(['macOS asks for your keychain'])
    expect(existsSync(join(home, 'secrets'))).toBe(false)
    await held.answer()
    expect(await stored).toEqual({ ok: true, value: { where: 'keychain' } })
    expect(notices).toEqual(['macOS asks for your keychain', undefined])
    expect([...held.items]).toEqual([['admin in /etc/htpasswd', 'a word']])
    expect(existsSync(join(home, 'secrets'))).toBe(false)
  })

  it('gets a managed key, though a plain file is allowed', async () => {
    const { clock, held, notices, store } = rig('linux')
    const stored = store.set(owner, 'current', 'zak_1')
    await clock.advance(ms)
    expect(notices).toEqual(['Your keychain asks to be unlocked'])
    await held.answer()
    expect(await stored).toEqual({ ok: true, value: null })
    expect(await store.backend()).toEqual({ kind: 'keychain' })
    expect(existsSync(join(home, 'secrets', 'keys.plain.json'))).toBe(false)
    expect(notices).toEqual(['Your keychain asks to be unlocked', undefined])
  })
})

describe('a keychain that has not answered', () => {
  it('is asked one question at a time, whoever asks', async () => {
    const { clock, held, store, secrets } = rig()
    const all = [
      secrets.set('admin', 'word'),
      store.secret('forgejo-token').set('token'),
      store.get(owner, 'current'),
      secrets.get('another'),
    ]
    await clock.advance(60_000)
    expect(held.asked.length).toBe(1)
    await held.answer()
    for (const answer of await Promise.all(all)) expect(answer.ok).toBe(true)
    expect(held.most).toBe(1)
  })

  it('is asked once for what two commands want, and again after a change', async () => {
    const { clock, held, secrets } = rig()
    held.items.set('admin', 'first')
    const both = [secrets.get('admin'), secrets.get('admin')]
    const changed = secrets.set('admin', 'second')
    const after = secrets.get('admin')
    await clock.advance(60_000)
    await held.answer()
    expect(await Promise.all(both)).toEqual([
      { ok: true, value: 'first' },
      { ok: true, value: 'first' },
    ])
    expect((await changed).ok).toBe(true)
    expect(await after).toEqual({ ok: true, value: 'second' })
    expect(held.asked).toEqual(['get admin', 'set admin', 'get admin', 'get admin'])
  })

  it('keeps nobody from hearing where keys are stored', async () => {
    const { store } = rig()
    void store.set(owner, 'current', 'zak_1')
    expect(await store.describe()).toBe('the keychain, under the service Zotbar')
  })

  it('has a notice of its own for each time that it asks', async () => {
    const { clock, held, keychain, secrets } = rig()
    void secrets.get('admin')
    await clock.advance(3_000)
    const first = keychain.notice()
    await held.answer()
    expect(keychain.notice()).toBeUndefined()
    held.open = false
    void secrets.get('admin')
    await clock.advance(3_000)
    expect(keychain.notice()?.id).not.toBe(first?.id)
    expect(first?.kind).toBe('keychain-asks')
  })
})

describe('the addon of the keychain', () => {
  it('is loaded before anything is asked, and again where that failed', async () => {
    let loads = 0
    const held = silentKeychain()
    held.open = true
    const load = () => {
      loads += 1
      if (loads === 1) throw new Error('Failed to load keytar native addon')
      return held.load()
    }
    const keychain = openSystemKeychain({ load, clock: fakeClock() })
    expect(loads).toBe(1)
    const secrets = openSecrets({ home, keychain })
    expect(await secrets.set('admin', 'word')).toEqual({ ok: true, value: { where: 'keychain' } })
    await secrets.get('admin')
    expect(loads).toBe(2)
  })
})
