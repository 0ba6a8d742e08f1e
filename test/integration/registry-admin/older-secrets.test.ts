import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type CoreConnection, connectCore } from '../../../client/core-connection.ts'
import { clientHello } from '../../../client/hello.ts'
import { firstConfig } from '../../../core/first-run/first-run.ts'
import { establishAdmin } from '../../../core/registry-client/admin.ts'
import { systemClock } from '../../../lib/clock.ts'
import type { Keychain } from '../../../lib/keychain.ts'
import { handOverOlderSecrets } from '../../../main/older-secrets.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type Keyring, keychainIn, startKeyring } from '../../setup/keyring.ts'
import { describeWith } from '../../setup/need.ts'
import { type AppRig, createAppRig } from '../app/app-rig.ts'

const key = 'key/127.0.0.1:5050/zot-ci/current'
const keySecret = 'zak_0123456789abcdef0123456789abcdef'

describeWith(['gnome-keyring', 'dbus'], 'secrets in a keychain that an older Zotbar stored', () => {
  let folder: string
  let keyring: Keyring
  let rig: AppRig
  let password = ''
  let admin = ''
  const apps: CoreConnection[] = []
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zotbar-older-'))
    keyring = await startKeyring(folder)
    const { DBUS_SESSION_BUS_ADDRESS = '', XDG_RUNTIME_DIR = '' } = keyring.env
    rig = await createAppRig(undefined, { DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR })
    mkdirSync(join(rig.home, 'secrets'), { recursive: true, mode: 0o700 })
    writeFileSync(join(rig.home, 'settings.json'), '{}')
    const olderApp = keychainIn(keyring)
    const made = await establishAdmin({
      now: Date.now,
      report: () => {},
      home: rig.home,
      folder: join(rig.configFile, '..'),
      secrets: {
        get: async () => ({ ok: true, value: undefined }),
        async set(account, secret) {
          admin = account
          password = secret
          await olderApp.setPassword('Zotbar', account, secret)
          return { ok: true, value: { where: 'keychain' } }
        },
        delete: async () => ({ ok: true, value: null }),
      },
    })
    await made.stored
    await olderApp.setPassword('Zotbar', key, keySecret)
    writeFileSync(join(rig.home, 'secrets', 'place.json'), '{"kind":"keychain"}')
    writeFileSync(join(rig.home, 'keys.json'), JSON.stringify({ keys: [record] }))
    const config = JSON.parse(firstConfig(rig.data, made))
    config.http.port = String(rig.port)
    rig.configure(config)
    await rig.serving()
  })
  afterEach(async () => {
    for (const app of apps.splice(0)) app.close()
    await rig.end()
    await keyring.end()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  const connect = async (): Promise<CoreConnection> => {
    const app = connectCore({
      socketPath: join(rig.home, 'control.sock'),
      home: rig.home,
      hello: clientHello('app'),
      offers: ['question'],
      looking: false,
      clock: systemClock(),
      onAsk: async () => undefined,
    })
    apps.push(app)
    await eventually(() => app.state().kind === 'live')
    return app
  }
  /** An app with somebody before it. */
  async function handOver(agrees: boolean, keychain: Keychain = keychainIn(keyring)) {
    const asked: string[] = []
    const shown: string[] = []
    const questions = {
      async confirm({ title, body }: { title: string; body: string }) {
        asked.push(`${title}\n${body}`)
        return agrees
      },
      async show({ title, body }: { title: string; body: string }) {
        shown.push(`${title}\n${body}`)
      },
    }
    const connection = await connect()
    const result = await handOverOlderSecrets({
      connection,
      questions,
      keychain: () => keychain,
      platform: 'darwin',
    })
    return { result, asked, shown }
  }
  const stored = (account: string) => keychainIn(keyring).getPassword('Zotbar', account)
  const owned = (): unknown => JSON.parse(readFileSync(join(rig.home, 'home.json'), 'utf8')).secrets

  it('are the core’s after a question, and it reads them', async () => {
    const { result, asked, shown } = await handOver(true)
    expect(result).toBe('done')
    expect(asked.join()).toMatch(/^Take over 2\ssecrets of the older Zotbar\?/)
    expect(asked.join()).toContain('a key of zot-ci for 127.0.0.1:5050')
    expect(shown).toEqual([])
    expect(owned()).toBe('core')
    expect([await stored(admin), await stored(key)]).toEqual([password, keySecret])
    const { stdout } = await rig.zotbar('admin', 'show', '--json')
    expect(JSON.parse(stdout)).toEqual({ user: 'admin', password })
    expect((await handOver(true)).result).toBe('nothing')
    for (const text of textsIn(rig.home)) {
      expect(text).not.toContain(password)
      expect(text).not.toContain(keySecret)
    }
  })

  it('stay where they are when that is declined, and are asked for at the next start of the app', async () => {
    expect((await handOver(false)).result).toBe('declined')
    expect(owned()).toBeUndefined()
    expect([await stored(admin), await stored(key)]).toEqual([password, keySecret])
    expect((await handOver(true)).result).toBe('done')
  })

  it('are named where the keychain denies one to the app, and asked for again', async () => {
    const real = keychainIn(keyring)
    const denying: Keychain = {
      ...real,
      async getPassword(service, account) {
        if (account === key) throw new Error('User canceled the operation.\nsecond line')
        return real.getPassword(service, account)
      },
    }
    const { result, shown } = await handOver(true, denying)
    expect(result).toBe('failed')
    expect(shown.join()).toContain('a key of zot-ci for 127.0.0.1:5050: User canceled the operation.')
    expect(await stored(key)).toBe(keySecret)
    const again = await handOver(true)
    expect(again.asked.join()).toMatch(/^Take over 1\ssecret of/)
    expect(owned()).toBe('core')
  })

  it('are taken once from two apps at once', async () => {
    const both = await Promise.all([handOver(true), handOver(true)])
    expect(both.map(({ result }) => result)).toEqual(['done', 'done'])
    expect([await stored(admin), await stored(key)]).toEqual([password, keySecret])
    expect(owned()).toBe('core')
  })
})

const record = {
  registry: '127.0.0.1:5050',
  user: 'zot-ci',
  uuid: '0b7c3a5e-0000-4000-8000-000000000001',
  label: 'zotbar',
  createdAt: '2026-01-01T00:00:00.000Z',
  expirationDate: null,
  kept: 'keychain',
  sinks: [],
  retiring: [],
}

/** Every file below it, but the copy of the engine, which is made meanwhile. */
const textsIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.parentPath.includes('engines'))
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
