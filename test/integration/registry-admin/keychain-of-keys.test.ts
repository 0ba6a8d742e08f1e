import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith } from '../../setup/need.ts'

const fileOf = (name: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../../core/secrets/${name}.ts`, import.meta.url)))
let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-keychain-'))
})
afterEach(() => rmSync(home, { recursive: true }))

/** A program of its own, because a keychain belongs to the session that it runs in. */
const program = (body: string) => `
  import { execFileSync } from 'node:child_process'
  import { openKeyStore } from ${fileOf('key-store')}
  import { openSystemKeychain } from ${fileOf('system-keychain')}
  const open = () => openKeyStore({
    home: process.env.ZOTBAR_HOME,
    keychain: openSystemKeychain(),
    keyFile: () => '',
    plain: () => true,
  })
  const owner = { registry: '127.0.0.1:5050', user: 'zot-ci' }
  const code = result => (result.ok ? result.value : result.error.code)
  const lock = () => execFileSync('dbus-send', ['--session', '--print-reply', '--dest=org.freedesktop.secrets',
    '/org/freedesktop/secrets', 'org.freedesktop.Secret.Service.Lock',
    'array:objpath:/org/freedesktop/secrets/collection/login'])
  const said = []
  const say = result => said.push(code(result))
  ${body}
  console.log(JSON.stringify(said))
  process.exit(0)
`

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** What the program said, run in a session of its own. */
async function inSession(before: string, body: string): Promise<unknown> {
  const words = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e']
  const line = `${before}; exec ${[...words, program(body)].map(quoted).join(' ')}`
  const env = { PATH: process.env['PATH'], HOME: home, ZOTBAR_HOME: home, XDG_RUNTIME_DIR: home }
  const printed = await new Promise<string>((done, failed) =>
    execFile(
      'dbus-run-session',
      ['--', 'sh', '-c', line],
      { env, timeout: 50_000 },
      (error, stdout, stderr) => (error ? failed(new Error(stderr)) : done(stdout)),
    ),
  )
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '')
}

const unlocked = 'printf x | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1'

describeWith(['gnome-keyring', 'dbus'], 'keys in a real keychain', () => {
  it('are kept apart, promoted and forgotten', async () => {
    const body = `
      const store = open()
      said.push((await store.backend()).kind)
      say(await store.set(owner, 'current', 'zak_1'))
      say(await store.set(owner, 'next', 'zak_2'))
      say(await open().promote(owner))
      for (const slot of ['current', 'next', 'retiring']) say(await open().get(owner, slot))
      say(await store.delete(owner, 'retiring'))
      say(await store.get(owner, 'retiring'))
    `
    expect(await inSession(unlocked, body)).toEqual([
      'keychain',
      ...[null, null, null],
      ...['zak_2', null, 'zak_1'],
      ...[null, null],
    ])
  })

  it('are not there and not gone while it is locked', async () => {
    const body = `
      say(await open().set(owner, 'current', 'zak_1'))
      lock()
      const store = open()
      say(await store.get(owner, 'current'))
      say(await store.set(owner, 'next', 'zak_2'))
      say(await store.delete(owner, 'current'))
      said.push((await store.backend()).kind)
    `
    const locked = 'keychain-locked'
    expect(await inSession(unlocked, body)).toEqual([null, locked, locked, locked, 'keychain'])
    expect(existsSync(join(home, 'secrets', 'keys.plain.json'))).toBe(false)
  })

  it('are not looked for in a file when it is gone', async () => {
    await inSession(unlocked, `say(await open().set(owner, 'current', 'zak_1'))`)
    const body = `
      delete process.env.DBUS_SESSION_BUS_ADDRESS
      process.env.XDG_RUNTIME_DIR = '/nowhere'
      say(await open().get(owner, 'current'))
      say(await open().set(owner, 'next', 'zak_2'))
    `
    const gone = 'keychain-unavailable'
    expect(await inSession('true', body)).toEqual([gone, gone])
    expect(existsSync(join(home, 'secrets', 'keys.plain.json'))).toBe(false)
  })
})
