import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compare } from 'bcryptjs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connectCore } from '../../../client/core-connection.ts'
import { clientHello } from '../../../client/hello.ts'
import type { Notice, Snapshot } from '../../../contract/snapshot.ts'
import { firstConfig } from '../../../core/first-run/first-run.ts'
import { establishAdmin } from '../../../core/registry-client/admin.ts'
import { openSecrets } from '../../../core/secrets/secrets.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import { systemClock } from '../../../lib/clock.ts'
import { postToSocket } from '../../../lib/socket-request.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type Keyring, startKeyring } from '../../setup/keyring.ts'
import { describeWith } from '../../setup/need.ts'
import { type AppRig, cli, createAppRig } from '../app/app-rig.ts'

describeWith(['gnome-keyring', 'dbus', 'python3-gi'], 'a core whose keychain does not answer', () => {
  let folder: string
  let keyring: Keyring
  let rig: AppRig
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zotbar-keyring-'))
    keyring = await startKeyring(folder)
    const { DBUS_SESSION_BUS_ADDRESS = '', XDG_RUNTIME_DIR = '' } = keyring.env
    rig = await createAppRig(undefined, { DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR })
    mkdirSync(rig.home, { recursive: true, mode: 0o700 })
    // A first run, but for the port: its app was killed before the keychain had answered.
    const never = { ...openSecrets({ home: rig.home, keychain: openSystemKeychain() }), set: silence }
    const made = await establishAdmin({
      now: Date.now,
      report: () => {},
      home: rig.home,
      folder: join(rig.configFile, '..'),
      secrets: never,
    })
    const config = JSON.parse(firstConfig(rig.data, made))
    config.http.port = String(rig.port)
    rig.configure(config)
  })
  afterEach(async () => {
    keyring.goOn()
    await rig.end()
    await keyring.end()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  const snapshot = async (): Promise<Snapshot> => {
    const socketPath = join(rig.home, 'control.sock')
    const answer = await postToSocket({ socketPath, path: '/api/app.snapshot', input: {}, limitMs: 5_000 })
    if (answer.kind !== 'answered') throw new Error(answer.kind)
    return JSON.parse(answer.text).value as Snapshot
  }
  const asking = async (): Promise<Notice | undefined> =>
    (await snapshot()).notices.find(({ kind }) => kind === 'keychain-asks')
  const signIn = async ({ user, password }: { user: string; password: string }): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    return (await fetch(`${rig.url}/v2/`, { headers: { authorization } })).status
  }
  /** What an app of another build gets that asks the core to make way. */
  async function handOver(): Promise<unknown> {
    const app = connectCore({
      socketPath: join(rig.home, 'control.sock'),
      home: rig.home,
      hello: clientHello('app'),
      offers: [],
      looking: false,
      clock: systemClock(),
      onAsk: async () => undefined,
    })
    const to = { node: process.execPath, main: cli, build: 'another', version: '0.2.0' }
    const answer = await app.call('app.handOver', to, 'app')
    app.close()
    return answer
  }
  const filesOfSecrets = (): string[] => {
    try {
      return readdirSync(join(rig.home, 'secrets'))
    } catch {
      return []
    }
  }

  it('serves, says who asks, and answers the command that waited', async () => {
    keyring.silence()
    const app = await rig.serving()
    await eventually(asking, 20_000)
    let said = ''
    const gone = execFile(process.execPath, [cli, 'admin', 'show'], {
      env: { PATH: process.env['PATH'], HOME: rig.folder, ZOTBAR_HOME: rig.home },
    })
    gone.stderr?.on('data', text => {
      said += text
    })
    const waiting = rig.zotbar('admin', 'show', '--json')
    let answered = false
    void waiting.then(() => {
      answered = true
    })
    await eventually(() => said.includes('Your keychain asks to be unlocked. Answer it'))
    // One of them gives up: it disturbs neither the other nor the core.
    gone.kill('SIGKILL')
    expect((await rig.status()).state).toBe('serving')
    expect(await handOver()).toMatchObject({
      ok: false,
      error: { code: 'busy', with: 'a question of the keychain' },
    })
    expect(filesOfSecrets()).toEqual([])
    expect(answered).toBe(false)
    keyring.goOn()
    const { code, stdout } = await waiting
    expect(code).toBe(0)
    expect(await signIn(JSON.parse(stdout))).toBe(200)
    await eventually(async () => (await asking()) === undefined)
    expect(filesOfSecrets()).toEqual([])
    expect(app.error()).toBeUndefined()
  })

  it('makes a first run all the same, and another password where it was killed before the answer', async () => {
    const htpasswd = join(rig.configFile, '..', 'htpasswd')
    for (const path of [rig.configFile, htpasswd, rig.home]) rmSync(path, { recursive: true })
    // No engine: the first config.json names port 5050, which may be somebody else's.
    mkdirSync(rig.home, { mode: 0o700 })
    writeFileSync(join(rig.home, 'settings.json'), '{"engine":"zot","engine.path":"/nowhere/zot"}')
    keyring.silence()
    const first = rig.start()
    await first.reach('failed')
    const kinds = (await snapshot()).notices.map(({ kind }) => kind)
    expect(kinds).toEqual(expect.arrayContaining(['config-written', 'admin-created']))
    await eventually(asking, 20_000)
    expect(filesOfSecrets()).toEqual([])
    first.kill('SIGKILL')
    await first.exited
    const before = readFileSync(htpasswd, 'utf8')
    const second = rig.start()
    await second.reach('failed')
    const waiting = rig.zotbar('admin', 'show', '--json')
    await eventually(asking, 20_000)
    keyring.goOn()
    const { user, password } = JSON.parse((await waiting).stdout)
    const after = readFileSync(htpasswd, 'utf8')
    expect(await compare(password, after.trim().slice(`${user}:`.length))).toBe(true)
    // What the killed core had asked for may have been stored after all.
    expect([before === after, existsSync(`${htpasswd}.before-reset`)]).toSatisfy(
      ([isSame, isReplaced]) => isSame !== isReplaced,
    )
    expect(filesOfSecrets()).toEqual([])
  })

  it('ends when it is told to, with the code of its own', async () => {
    keyring.silence()
    const app = await rig.serving()
    await eventually(asking, 20_000)
    app.kill('SIGTERM')
    expect(await app.exited).toBe(0)
    expect(filesOfSecrets()).toEqual([])
  })

  it('waits for one that is locked, until it is unlocked', async () => {
    await rig.serving()
    const shown = await rig.zotbar('admin', 'show', '--json')
    await keyring.lock()
    const waiting = rig.zotbar('admin', 'show', '--json')
    await keyring.prompted()
    await eventually(asking, 20_000)
    await keyring.unlock()
    keyring.dismiss()
    expect(await waiting).toEqual(shown)
  })

  it('fails with what it says when nobody unlocks it', async () => {
    await rig.serving()
    await rig.zotbar('admin', 'show', '--json')
    await keyring.lock()
    const waiting = rig.zotbar('admin', 'show', '--json')
    // The question for the secret, and the one that tells an empty keychain from a locked one.
    const dismissing = setInterval(keyring.dismiss, 50)
    const { code, stdout } = await waiting
    clearInterval(dismissing)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'keychain-locked' } })
    expect(filesOfSecrets()).toEqual([])
  })
})

const silence = (): Promise<never> => new Promise(() => {})
