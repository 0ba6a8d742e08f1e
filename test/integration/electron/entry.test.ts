import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { freePort } from '../../setup/free-port.ts'

const root = join(import.meta.dirname, '../../..')
let folder = ''
let port = 0
let configFile = ''
const running: ChildProcessByStdio<Writable, Readable, Readable>[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-entry-'))
  port = await freePort()
  configFile = join(folder, 'config.json')
  await writeFile(
    configFile,
    JSON.stringify({
      storage: { rootDirectory: join(folder, 'data') },
      http: { address: '127.0.0.1', port: String(port) },
    }),
  )
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
  }
  await rm(folder, { recursive: true, force: true })
})

/** The built entry on plain Node: everything is real but Electron itself. */
function start(args: string[] = ['--config', configFile], env: Record<string, string> = {}) {
  const child = spawn(
    process.execPath,
    ['--import', join(root, 'test/fakes/electron-hooks.mjs'), join(root, 'dist/main/main.mjs'), ...args],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, HOME: folder, ZOTBAR_HOME: join(folder, 'home'), ...env },
    },
  )
  running.push(child)
  const said: Record<string, unknown>[] = []
  let words = ''
  createInterface({ input: child.stdout }).on('line', line => {
    if (line.startsWith('{')) said.push(JSON.parse(line))
  })
  child.stderr.on('data', data => {
    words += String(data)
  })
  const ended = new Promise<number | null>(resolve => child.on('exit', resolve))
  return {
    child,
    ended,
    words: () => words,
    /** Waits for the first thing said of this kind, after `from` things, that fits. */
    saw: (key: string, value: unknown, from = 0) =>
      eventually(
        () => said.slice(from).find(each => JSON.stringify(each[key]) === JSON.stringify(value)),
        30_000,
      ),
    last: (key: string) => said.findLast(each => key in each)?.[key],
    count: () => said.length,
    say: (line: string) => child.stdin.write(`${line}\n`),
  }
}

const answers = () =>
  fetch(`http://127.0.0.1:${port}/v2/`).then(
    response => response.status,
    () => 0,
  )

it('serves with an icon that says so, follows Stop and Start, and takes the registry with it', async () => {
  const app = start()
  await app.saw('tooltip', 'Zotbar: Serving')
  expect(await answers()).toBe(200)
  expect(app.last('image')).toBe('fineTemplate.png')
  expect(app.last('menu')).toEqual(expect.arrayContaining(['Serving', `Copy 127.0.0.1:${port}`, 'Restart']))

  let from = app.count()
  app.say('choose Stop')
  await app.saw('tooltip', 'Zotbar: Not running', from)
  expect(app.last('image')).toBe('offTemplate.png')
  expect(await answers()).toBe(0)

  from = app.count()
  app.say('choose Start')
  await app.saw('tooltip', 'Zotbar: Serving', from)
  app.child.kill('SIGTERM')
  expect(await app.ended).toBe(0)
  expect(await answers()).toBe(0)
})

it('answers its pages over the bridge, and keeps Chromium inside its home', async () => {
  const app = start()
  await app.saw('path', join(folder, 'home', 'electron'))
  await app.saw('tooltip', 'Zotbar: Serving')
  app.say('choose Open Zotbar')
  app.say('page settings.get {"key":"notifications"}')
  const answer = await eventually(() => app.last('answer'))
  expect(answer).toMatchObject({ ok: true, value: { key: 'notifications', value: true } })
  expect(await readdir(join(folder, 'home'))).toContain('electron')
})

it('leaves the registry serving when it is killed, and adopts it at the next start', async () => {
  const first = start()
  await first.saw('tooltip', 'Zotbar: Serving')
  first.child.kill('SIGKILL')
  await first.ended
  expect(await answers()).toBe(200)
  const second = start()
  await second.saw('tooltip', 'Zotbar: Serving')
  second.say('choose Open Zotbar')
  second.say('page app.snapshot')
  expect(await eventually(() => second.last('answer'))).toMatchObject({
    value: { process: { kind: 'serving', adopted: true } },
  })
})

it('leaves to the copy that runs already, and is no crash to launchd', async () => {
  const second = start(['--config', configFile], { ZOTBAR_TEST_SECOND: '1' })
  expect(await second.ended).toBe(1)
  expect(second.words()).toContain('already running')
  const byLaunchd = start(['--login-agent'], { ZOTBAR_TEST_SECOND: '1' })
  expect(await byLaunchd.ended).toBe(0)
})

it('says in a window of its own why it cannot start', async () => {
  const app = start(['--config', join(folder, 'nothing.json')])
  await app.saw('errorBox', 'The config file is not there')
  expect(await app.ended).toBe(1)
})
