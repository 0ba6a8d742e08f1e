import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
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
const program = `
  import { openSecrets } from ${fileOf('secrets')}
  import { openSystemKeychain } from ${fileOf('system-keychain')}
  const open = () => openSecrets({ home: process.env.ZOTBAR_HOME, keychain: openSystemKeychain() })
  const secrets = open()
  const kept = (await secrets.set('admin in /x/htpasswd', 'a word')).value
  const again = open()
  const read = (await again.get('admin in /x/htpasswd')).value
  await again.delete('admin in /x/htpasswd')
  console.log(JSON.stringify({ where: kept.where, why: kept.why, read, gone: (await again.get('admin in /x/htpasswd')).value === undefined }))
`

const run = (command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> =>
  new Promise((done, failed) =>
    execFile(command, args, { env, timeout: 30_000 }, (error, stdout, stderr) =>
      error ? failed(new Error(stderr)) : done(stdout.trim().split('\n').at(-1) ?? ''),
    ),
  )
const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program]
const quoted = (words: string[]): string => words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')

describeWith(['gnome-keyring', 'dbus'], 'a session with a keychain', () => {
  it('keeps the secret there, reads it back and forgets it', async () => {
    const env = { PATH: process.env['PATH'], HOME: home, ZOTBAR_HOME: home, XDG_RUNTIME_DIR: home }
    const unlock = 'printf x | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1'
    const said = await run('dbus-run-session', ['--', 'sh', '-c', `${unlock}; exec ${quoted(node)}`], env)
    expect(JSON.parse(said)).toEqual({ where: 'keychain', read: 'a word', gone: true })
  })
})

describeWith([], 'a session without one', () => {
  it.skipIf(process.platform === 'darwin')('keeps the secret in a file, and says why', async () => {
    const env = { PATH: process.env['PATH'], HOME: home, ZOTBAR_HOME: home }
    const [command = '', ...args] = node
    expect(JSON.parse(await run(command, args, env))).toEqual({
      where: 'file',
      why: expect.stringMatching(/D-Bus|libsecret/),
      read: 'a word',
      gone: true,
    })
  })
})
