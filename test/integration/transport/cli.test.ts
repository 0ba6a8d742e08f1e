import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fail, ok } from '../../../contract/result.ts'
import { type ControlSocket, openControlSocket } from '../../../core/transport/control-socket.ts'
import { httpApi } from '../../../core/transport/http-api.ts'
import { eventually } from '../../fakes/eventually.ts'
import {
  aKey,
  anImage,
  aSnapshot,
  coreHello,
  type FakeHost,
  fakeHost,
  restartStates,
} from '../../fakes/host.ts'

const entry = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
let home: string
let socket: ControlSocket | undefined
let env: NodeJS.ProcessEnv
const children: ChildProcess[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-home-'))
  env = {
    PATH: process.env['PATH'],
    HOME: home,
    ZOTBAR_HOME: home,
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
  }
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await socket?.close()
  socket = undefined
  await rm(home, { recursive: true })
})

async function serve(host: FakeHost): Promise<FakeHost> {
  const opened = await openControlSocket({
    path: join(home, 'control.sock'),
    home,
    api: httpApi(host),
    hello: coreHello,
  })
  if (!opened.ok) throw new Error(opened.error.code)
  socket = opened.value
  return host
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function begin(...args: string[]) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], { env })
  children.push(child)
  const seen = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (seen.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (seen.stderr += text))
  const ended = new Promise<Ended>(resolve => child.on('close', code => resolve({ code, ...seen })))
  return { child, seen, ended }
}
const zotbar = (...args: string[]): Promise<Ended> => begin(...args).ended

/** What was printed as JSON: whole lines, and nothing on stderr. */
function objects(ended: Ended): unknown[] {
  expect(ended.stderr).toBe('')
  return ended.stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

describe('without the app', () => {
  it.each([
    ['status'],
    ['stop'],
    ['restart', '--now'],
    ['logs'],
    ['logs', '-f'],
    ['settings', 'list'],
    ['settings', 'get', 'x'],
    ['settings', 'set', 'x', 'y'],
    ['open', '--print'],
    ['quit'],
    ['quit', '--keep-serving'],
  ])('%s %s %s exits 3 and says how to start it', async (...args) => {
    const [words, json] = await Promise.all([zotbar(...args), zotbar(...args, '--json')])
    expect(words.code).toBe(3)
    expect(words.stdout).toBe('')
    expect(words.stderr).toContain('zotbar start')
    expect(json.code).toBe(3)
    expect(objects(json)).toEqual([{ error: { code: 'app-not-running', home } }])
  })

  it('a socket that a killed app left changes nothing', async () => {
    const path = join(home, 'control.sock')
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    await new Promise(resolve => spawn(process.execPath, ['-e', script]).on('close', resolve))
    expect((await stat(path)).isSocket()).toBe(true)
    expect((await zotbar('status')).code).toBe(3)
  })
})

describe('wrong usage', () => {
  it.each([
    [['stauts'], 'status'],
    [['restrat'], 'restart'],
    [['settings', 'sett'], 'set'],
    [['status', '--josn'], '--json'],
    [['frobnicate'], undefined],
    [['doctor'], undefined],
    [['adopt'], undefined],
    [['upgrade', '--form', 'x'], '--from'],
    [['engine', 'lisst'], 'list'],
    [['status', 'extra'], undefined],
    [['runbooks', 'answer'], undefined],
    [['runbooks', 'answer', '--yes', '--no'], undefined],
    [['settings'], undefined],
    [['settings', 'get'], undefined],
    [['settings', 'set', 'k'], undefined],
    [['settings', 'set', 'k', 'v', '--default'], undefined],
    [['logs', '-n', '0'], undefined],
    [['logs', '-n', 'x'], undefined],
    [['start', '--dashboard-port', '65536'], undefined],
    [['start', '--config'], undefined],
    [[], undefined],
  ])('%j exits 2, with a hint where something was probably meant', async (args, near) => {
    const words = await zotbar(...args)
    expect([words.code, words.stdout]).toEqual([2, ''])
    expect(words.stderr).toContain('zotbar: ')
    if (near !== undefined) expect(words.stderr).toContain(`Did you mean ${near}?`)
  })

  it('is JSON with --json, and stderr stays empty', async () => {
    const [verb, flag, none] = await Promise.all([
      zotbar('stauts', '--json'),
      zotbar('restart', '--json', '--nwo'),
      zotbar('--json'),
    ])
    expect([verb.code, flag.code, none.code]).toEqual([2, 2, 2])
    expect(objects(verb)).toEqual([
      { error: { code: 'usage', message: "unknown command 'stauts'", near: 'status' } },
    ])
    expect(objects(flag)).toEqual([
      { error: { code: 'usage', message: "unknown option '--nwo'", near: '--now' } },
    ])
    expect(objects(none)).toMatchObject([{ error: { code: 'usage' } }])
  })

  it('help and version exit 0; help lists the verbs that exist and no others', async () => {
    const help = await zotbar('--help')
    expect([help.code, help.stderr]).toEqual([0, ''])
    const verbs = [...help.stdout.matchAll(/^ {2}([a-z]+) /gm)].map(match => match[1])
    expect(verbs).toEqual([
      'start',
      'status',
      'stop',
      'restart',
      'logs',
      'settings',
      'images',
      'keys',
      'engine',
      'data',
      'config',
      'admin',
      'upgrade',
      'runbooks',
      'open',
      'quit',
      'help',
    ])
    for (const verb of ['start', 'status', 'restart', 'logs', 'open']) {
      const one = await zotbar(verb, '--help')
      expect([one.code, one.stderr]).toEqual([0, ''])
      expect(one.stdout).toContain('--json')
    }
    const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'))
    expect(await zotbar('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

describe('status', () => {
  it('exits 0 for serving, with one object', async () => {
    await serve(fakeHost())
    const [words, json] = await Promise.all([zotbar('status'), zotbar('status', '--json')])
    expect([words.code, words.stderr]).toEqual([0, ''])
    expect(words.stdout).toContain('Serving')
    expect(json.code).toBe(0)
    expect(objects(json)).toEqual([
      {
        state: 'serving',
        headline: 'Serving',
        reason: expect.any(String),
        registry: { url: 'http://127.0.0.1:5050', engine: 'zotbar-registry', version: '0.1.0', pid: 4242 },
      },
    ])
  })

  it('exits 4 for any other state, stopped or degraded', async () => {
    const host = await serve(fakeHost())
    host.push('snapshot', aSnapshot({ process: { kind: 'stopped', since: 0, why: 'asked' } }))
    const stopped = await zotbar('status', '--json')
    expect(stopped.code).toBe(4)
    expect(objects(stopped)).toMatchObject([
      { state: 'stopped', registry: { url: 'http://127.0.0.1:5050', engine: 'zotbar-registry' } },
    ])
    host.push(
      'snapshot',
      aSnapshot({ service: { probes: [{ id: 'manifest', outcome: 'failed', tookMs: 1, detail: 'gone' }] } }),
    )
    expect((await zotbar('status')).code).toBe(4)
  })

  it('keeps compiled code in the home, closed to others', async () => {
    delete env['NODE_COMPILE_CACHE']
    await serve(fakeHost())
    await zotbar('status')
    // A folder that was never used may be somebody else's.
    expect(await readdir(home)).not.toContain('cache')
    await writeFile(join(home, 'settings.json'), '{}')
    await zotbar('status')
    expect((await stat(join(home, 'cache', 'code'))).mode & 0o777).toBe(0o700)
  })
})

describe('stop and restart', () => {
  it('return when the end state is reached and show the states on the way', async () => {
    const host = await serve(
      fakeHost({
        registry: {
          restart: async () => {
            for (const process of restartStates) {
              host.push('snapshot', aSnapshot({ process }))
              // Slower than snapshots are folded into one, so that each is seen.
              await new Promise(resolve => setTimeout(resolve, 50))
            }
            host.push('snapshot', aSnapshot())
            return ok(aSnapshot())
          },
        },
      }),
    )
    const words = await zotbar('restart')
    expect(words.code).toBe(0)
    expect(words.stdout).toMatch(/^Serving at http:\/\/127\.0\.0\.1:5050 again after \d+\.\d s\n$/)
    expect(words.stderr).toBe('Finishing pushes\nStopping\nStarting\n')
    const json = await zotbar('restart', '--now', '--json')
    expect(json.code).toBe(0)
    expect(objects(json)).toMatchObject([{ state: 'serving', tookMs: expect.any(Number) }])
    expect(host.calls.map(call => call.input)).toEqual([{ now: false }, { now: true }])
    expect((await zotbar('stop')).stdout).toContain('Stopped')
  })

  it('exit 1 with the failure', async () => {
    await serve(fakeHost({ registry: { restart: async () => fail({ code: 'data-read-only', path: '/d' }) } }))
    const words = await zotbar('restart')
    expect([words.code, words.stdout]).toEqual([1, ''])
    expect(words.stderr).toContain('The data folder is read-only')
    const json = await zotbar('restart', '--json')
    expect(json.code).toBe(1)
    expect(objects(json)).toEqual([{ error: { code: 'data-read-only', path: '/d' } }])
  })

  it('exit 3 when the app goes while they wait', async () => {
    const host = await serve(fakeHost({ registry: { stop: () => new Promise(() => undefined) } }))
    const waiting = begin('stop', '--json')
    await eventually(() => host.calls.some(call => call.name === 'registry.stop'))
    await socket?.close()
    socket = undefined
    const ended = await waiting.ended
    expect(ended.code).toBe(3)
    expect(objects(ended)).toMatchObject([{ error: { code: 'app-not-running' } }])
  })
})

describe('logs', () => {
  it('print the newest lines as they were written', async () => {
    const host = await serve(fakeHost())
    expect(await zotbar('logs', '-n', '2')).toEqual({ code: 0, stdout: 'one\ntwo\n', stderr: '' })
    expect(objects(await zotbar('logs', '--json'))).toEqual([{ line: 'one' }, { line: 'two' }])
    expect(host.calls.map(call => call.input)).toEqual([{ lines: 2 }, { lines: 200 }])
  })

  it('print all of what is more than a pipe holds', async () => {
    const lines = Array.from({ length: 2000 }, (_, number) => `${number} ${'x'.repeat(500)}`)
    await serve(fakeHost({ logs: { tail: async () => ok({ lines }) } }))
    expect((await zotbar('logs')).stdout.length).toBe(lines.join('\n').length + 1)
    expect(objects(await zotbar('logs', '--json'))).toHaveLength(2000)
  })

  it('follow across restarts of the registry until the app goes', async () => {
    const host = await serve(fakeHost())
    const following = begin('logs', '-f')
    await eventually(() => following.seen.stdout === 'one\ntwo\n' && host.listeners('log') === 1)
    host.push('log', { lines: ['three'] })
    host.push('snapshot', aSnapshot({ process: { kind: 'stopped', since: 0, why: 'asked' } }))
    host.push('log', { lines: ['four'] })
    await eventually(() => following.seen.stdout.endsWith('three\nfour\n'))
    await socket?.close()
    socket = undefined
    expect((await following.ended).code).toBe(3)
  })

  it('end quietly when nobody reads them any more', async () => {
    const host = await serve(fakeHost())
    const following = begin('logs', '-f')
    await eventually(() => following.seen.stdout === 'one\ntwo\n')
    following.child.stdout?.destroy()
    const code = new Promise(resolve => following.child.on('exit', resolve))
    const feed = setInterval(() => host.push('log', { lines: ['more'] }), 10)
    expect(await code).toBe(0)
    clearInterval(feed)
    expect(following.seen.stderr).toBe('')
  })
})

describe('settings', () => {
  it('are listed, read and changed, typed as the setting is', async () => {
    const host = await serve(fakeHost())
    expect((await zotbar('settings', 'list')).stdout).toContain('keepServing  false')
    expect(objects(await zotbar('settings', 'list', '--json'))).toMatchObject([
      { settings: [{ key: 'keepServing', value: false }] },
    ])
    expect(await zotbar('settings', 'get', 'keepServing')).toEqual({ code: 0, stdout: 'false\n', stderr: '' })
    const set = await zotbar('settings', 'set', 'keepServing', 'true', '--json')
    expect(objects(set)).toEqual([{ key: 'keepServing', value: true, takesEffect: 'now' }])
    await zotbar('settings', 'set', 'keepServing', '--default')
    expect(host.calls.filter(call => call.name === 'settings.set').map(call => call.input)).toEqual([
      { key: 'keepServing', value: true },
      { key: 'keepServing', value: null },
    ])
  })

  it('that do not exist fail with a hint', async () => {
    const unknown = { code: 'unknown-setting', key: 'keep', near: 'keepServing' } as const
    await serve(fakeHost({ settings: { get: async () => fail(unknown) } }))
    const words = await zotbar('settings', 'set', 'keep', 'true')
    expect(words.code).toBe(1)
    expect(words.stderr).toContain('Did you mean keepServing?')
    expect(objects(await zotbar('settings', 'get', 'keep', '--json'))).toEqual([{ error: unknown }])
  })
})

describe('images, keys and the admin', () => {
  it('print their objects', async () => {
    const host = await serve(fakeHost())
    expect(objects(await zotbar('images', 'list', '--json'))).toEqual([{ images: [anImage] }])
    expect(objects(await zotbar('images', 'show', 'team/app:1', '--json'))).toMatchObject([
      { repository: 'team/app', tag: '1', pullCommand: expect.any(String) },
    ])
    expect(objects(await zotbar('keys', 'list', '--json'))).toEqual([{ keys: [aKey] }])
    const made = await zotbar(
      'keys',
      'create',
      '--user',
      'ci',
      '--expires',
      '30d',
      '--scope',
      'a',
      '--scope',
      'b',
      '--json',
    )
    const { uuid, expirationDate } = aKey
    expect(objects(made)).toEqual([
      { uuid, user: 'ci', label: '', expirationDate, apiKey: expect.stringMatching(/^zak_/), warnings: [] },
    ])
    expect(host.calls.at(-1)).toEqual({
      name: 'keys.create',
      input: { user: 'ci', label: '', expires: '30d', scopes: ['a', 'b'] },
      caller: 'cli',
    })
    expect(objects(await zotbar('keys', 'revoke', uuid, '--json'))).toEqual([
      { revoked: [uuid], descendants: [] },
    ])
    expect(objects(await zotbar('admin', 'show', '--json'))).toEqual([
      { user: 'admin', password: 'secret-word' },
    ])
    expect(objects(await zotbar('admin', 'reset', '--json'))).toEqual([
      { user: 'admin', password: 'another-word' },
    ])
  })

  it('print a secret alone on standard output, for a pipe', async () => {
    await serve(fakeHost())
    expect(await zotbar('admin', 'show', '--password')).toEqual({
      code: 0,
      stdout: 'secret-word\n',
      stderr: '',
    })
    const made = await zotbar('keys', 'create', '--user', 'ci')
    expect(made.stdout).toMatch(/^zak_[0-9a-f]{32}\n$/)
    expect(made.stderr).not.toContain('zak_')
  })

  it('list pages until there are no more', async () => {
    const pages = ['a:1', 'b:1', undefined]
    const host = await serve(
      fakeHost({
        images: {
          list: async ({ after }) => {
            const next = pages[after === undefined ? 0 : pages.indexOf(after) + 1]
            return ok({ images: [anImage], timesKnown: true, ...(next === undefined ? {} : { next }) })
          },
        },
      }),
    )
    expect(objects(await zotbar('images', 'list', '--json'))).toEqual([
      { images: [anImage, anImage, anImage] },
    ])
    expect(host.calls).toHaveLength(3)
  })

  it.each([
    [['images', 'delete', 'team/app']],
    [['images', 'show']],
    [['keys', 'create']],
    [['keys', 'revoke']],
    [['images', 'show', '']],
    [['admin', 'shows']],
  ])('wrong usage is told: %j', async words => {
    const ended = await zotbar(...words, '--json')
    expect(ended.code).toBe(2)
    expect(objects(ended)).toMatchObject([{ error: { code: 'usage' } }])
  })

  it('failures are words, or data', async () => {
    const gone = { code: 'image-not-found', repository: 'team/app', reference: '9' } as const
    await serve(fakeHost({ images: { show: async () => fail(gone) } }))
    expect(objects(await zotbar('images', 'show', 'team/app:9', '--json'))).toEqual([{ error: gone }])
    expect((await zotbar('images', 'show', 'team/app:9')).stderr).toContain('team/app:9 is not there')
    // A name that is none never reaches a handler.
    expect(objects(await zotbar('images', 'show', '../etc:1', '--json'))).toMatchObject([
      { error: { code: 'bad-input', field: 'repository' } },
    ])
  })
})

describe('open', () => {
  it('prints a fresh link, or says that there is no dashboard', async () => {
    await serve(fakeHost())
    const link = 'http://127.0.0.1:7000/#token=abc'
    expect(await zotbar('open', '--print')).toEqual({ code: 0, stdout: `${link}\n`, stderr: '' })
    expect(objects(await zotbar('open', '--print', '--json'))).toEqual([{ url: link }])
    await socket?.close()
    await serve(fakeHost({ app: { dashboardLink: async () => fail({ code: 'dashboard-off' }) } }))
    const off = await zotbar('open', '--json')
    expect(off.code).toBe(1)
    expect(objects(off)).toEqual([{ error: { code: 'dashboard-off' } }])
  })

  it('names who has the port where there is no dashboard', async () => {
    const held = {
      code: 'port-taken',
      what: 'dashboard',
      port: 5051,
      pid: 7,
      command: '/x/other --y',
    } as const
    await serve(fakeHost({ app: { dashboardLink: async () => fail(held) } }))
    expect(objects(await zotbar('open', '--json'))).toEqual([{ error: held }])
    const { stderr } = await zotbar('open')
    expect(stderr).toContain('other (process 7) has it')
    expect(stderr).toContain('zotbar settings set dashboard.port N')
  })

  it('ends every session instead, and opens nothing', async () => {
    const host = fakeHost({ app: { revokeSessions: async () => ok({ sessions: 2 }) } })
    await serve(host)
    expect(objects(await zotbar('open', '--revoke-all', '--json'))).toEqual([{ sessions: 2 }])
    expect((await zotbar('open', '--revoke-all')).stdout).toContain('Ended 2 sessions')
    expect(host.calls.map(({ name }) => name)).toEqual(['app.revokeSessions', 'app.revokeSessions'])
    const both = await zotbar('open', '--print', '--revoke-all', '--json')
    expect([both.code, objects(both)]).toMatchObject([2, [{ error: { code: 'usage' } }]])
  })

  it('never puts the token on the command line of the browser', async () => {
    await serve(fakeHost())
    const bin = join(home, 'bin')
    await mkdir(bin)
    for (const name of ['xdg-open', 'open']) {
      await writeFile(join(bin, name), '#!/bin/sh\nprintf "%s\\n" "$@" > "$HOME/opened"\n')
      await chmod(join(bin, name), 0o700)
    }
    env['PATH'] = `${bin}:${process.env['PATH']}`
    const opened = await zotbar('open', '--json')
    expect(objects(opened)).toEqual([{ opened: true }])
    const page = (await readFile(join(home, 'opened'), 'utf8')).trim()
    expect(page).toBe(join(home, 'open.html'))
    expect((await stat(page)).mode & 0o777).toBe(0o600)
    expect(await readFile(page, 'utf8')).toContain('#token=abc')
  })

  it('gives the link where there is no browser', async () => {
    await serve(fakeHost())
    env['PATH'] = join(home, 'nothing')
    const words = await zotbar('open')
    expect(words.code).toBe(1)
    expect(words.stderr).toContain('#token=abc')
    expect(objects(await zotbar('open', '--json'))).toMatchObject([{ error: { code: 'no-browser' } }])
  })
})
