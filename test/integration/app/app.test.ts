import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { pushImage } from '../registry/client.ts'
import { type AppRig, cli, createAppRig, targetAt } from './app-rig.ts'

let rig: AppRig
afterEach(() => rig.end())

const answers = async (url: string): Promise<boolean> =>
  fetch(`${url}/v2/`).then(
    response => response.status === 200,
    () => false,
  )

describe('the app in an empty home', () => {
  it('serves, and says so as one object a line', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    expect(await answers(rig.url)).toBe(true)
    expect(app.lines.map(line => line.state)).toEqual(['starting', 'serving'])
    const line = app.lines[1]!
    expect(line.registry).toMatchObject({
      url: rig.url,
      engine: 'zotbar-registry',
      version: expect.any(String),
    })
    expect(line.dashboard?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{40,}$/)
    expect(new Set(app.lines.map(each => each.dashboard?.url)).size).toBe(app.lines.length)
    const { code, stderr } = await rig.zotbar('status', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await eventually(async () => (await rig.status()).storage !== undefined)
    expect(await rig.status()).toMatchObject({
      state: 'serving',
      headline: 'Serving',
      storage: { repositories: 0, tags: 0 },
      registry: { pid: line.registry.pid },
      dashboard: { url: expect.not.stringContaining('token') },
    })
  })

  it('never changes a config.json that is there, and quits once however often it is told', async () => {
    rig = await createAppRig()
    const before = readFileSync(rig.configFile, 'utf8')
    const app = await rig.serving()
    app.kill('SIGTERM')
    app.kill('SIGTERM')
    expect(await app.exited).toBe(0)
    expect(readFileSync(rig.configFile, 'utf8')).toBe(before)
    expect(await answers(rig.url)).toBe(false)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('ends at a %s that comes while it starts', async name => {
    rig = await createAppRig()
    const app = rig.start()
    // It has its home, and neither its control socket nor a registry yet.
    await eventually(() => existsSync(join(rig.home, 'app.lock')))
    app.kill(name)
    expect(await app.exited).toBe(0)
    expect(await answers(rig.url)).toBe(false)
    expect(existsSync(join(rig.home, 'run', 'keeper.json'))).toBe(false)
    expect((await rig.zotbar('status', '--json')).code).toBe(3)
  })

  it('keeps everything in its home for this user alone', async () => {
    rig = await createAppRig()
    await rig.serving()
    await rig.zotbar('status')
    const open: string[] = []
    const walk = (path: string): void => {
      const { mode } = statSync(path)
      if ((mode & 0o077) !== 0) open.push(`${path} ${(mode & 0o777).toString(8)}`)
      if (statSync(path).isDirectory()) for (const name of readdirSync(path)) walk(join(path, name))
    }
    walk(rig.home)
    expect(open).toEqual([])
  })
})

describe('a registry that ends', () => {
  it('is back after kill -9, and the journal says why', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    const pid = app.lines.at(-1)!.registry.pid!
    const seen = app.lines.length
    process.kill(pid, 'SIGKILL')
    const back = await app.reach('serving', seen)
    expect(back.registry.pid).not.toBe(pid)
    const { stdout } = await rig.zotbar('status')
    expect(stdout).toMatch(/Crashed and restarted .* ended by signal SIGKILL/)
  })

  it('stops, starts and restarts when asked, and each returns at the end state', async () => {
    rig = await createAppRig()
    await rig.serving()
    expect((await rig.zotbar('stop', '--json')).code).toBe(0)
    expect(await answers(rig.url)).toBe(false)
    const stopped = await rig.zotbar('status', '--json')
    expect(stopped.code).toBe(4)
    expect(JSON.parse(stopped.stdout)).toMatchObject({ state: 'stopped', headline: 'Not running' })
    expect(JSON.parse(stopped.stdout).registry).not.toHaveProperty('pid')
    expect((await rig.zotbar('restart', '--json')).code).toBe(0)
    expect(await answers(rig.url)).toBe(true)
    const { pid } = (await rig.status()).registry
    expect((await rig.zotbar('restart')).code).toBe(0)
    expect((await rig.status()).registry.pid).not.toBe(pid)
  })

  it('goes on when the app is killed, and the next start adopts it', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    const pid = app.lines.at(-1)!.registry.pid
    app.kill('SIGKILL')
    await app.exited
    expect(await answers(rig.url)).toBe(true)
    expect((await rig.zotbar('status', '--json')).code).toBe(3)
    const next = await rig.serving()
    expect(next.lines.at(-1)!.registry.pid).toBe(pid)
    expect((await rig.zotbar('status')).stdout).toContain('Found running')
    next.kill('SIGINT')
    expect(await next.exited).toBe(0)
    expect(await answers(rig.url)).toBe(false)
  })

  it('is left running by Quit when it is to keep serving', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    expect((await rig.zotbar('settings', 'set', 'keepServing', 'true')).code).toBe(0)
    app.kill('SIGTERM')
    expect(await app.exited).toBe(0)
    expect(await answers(rig.url)).toBe(true)
  })

  it('is spoken of by zotbar quit as it fares: it goes on, or ends, or did not run', async () => {
    rig = await createAppRig()
    await rig.serving()
    await rig.zotbar('settings', 'set', 'keepServing', 'true')
    const left = await rig.zotbar('quit')
    expect(left.stderr + left.stdout).toMatch(/^Quitting; the registry goes on\.\n.* goes on as process \d+;/)
    await rig.serving()
    await rig.zotbar('settings', 'set', 'keepServing', 'false')
    expect((await rig.zotbar('quit')).stdout).toContain('Zotbar has ended, and the registry with it.\n')
    await rig.serving()
    await rig.zotbar('stop')
    expect((await rig.zotbar('quit')).stdout).toContain('Zotbar has ended.\n')
    expect(await answers(rig.url)).toBe(false)
  })
})

describe('faults, told and survived', () => {
  it.each<[string, string, RegExp, 'failed' | 'undecided']>([
    ['a syntax error', '{ "storage": {\n  "rootDirectory" "/x" } }', /line 2/, 'failed'],
    [
      'an unknown key',
      '{"storage":{"rootDirectory":"/tmp/x"},"http":{"prot":"1"}}',
      /http\.prot/,
      'undecided',
    ],
    ['a wrong type', '{"storage":{"rootDirectory":{"a":7}}}', /storage\.rootDirectory/, 'failed'],
    ['no rootDirectory', '{"storage":{}}', /storage\.rootDirectory/, 'failed'],
    [
      'a port out of range',
      '{"storage":{"rootDirectory":"/tmp/x"},"http":{"port":"70000"}}',
      /http\.port.*65535/,
      'failed',
    ],
    [
      'an address open to others',
      '{"storage":{"rootDirectory":"/tmp/x"},"http":{"address":"0.0.0.0"}}',
      /http\.address/,
      // Nobody has chosen zotbar-registry, and zot would serve it.
      'undecided',
    ],
  ])('config.json with %s is a state with words, not an exit', async (_, config, words, state) => {
    rig = await createAppRig()
    rig.configure(config)
    utimesSync(rig.configFile, 0, 0)
    const app = rig.start()
    const line = await app.reach(state)
    expect(line.reason).toMatch(words)
    expect(line.reason).toContain(rig.configFile)
    rig.configure(rig.standard)
    expect((await rig.zotbar('restart', '--json')).code).toBe(0)
    expect(await answers(rig.url)).toBe(true)
  })

  it('a config that broke while serving stops no restart half way: it is refused, and the registry goes on', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    const pid = app.lines.at(-1)!.registry.pid
    rig.configure('{ "storage": ')
    // It is not being written any more.
    utimesSync(rig.configFile, 0, 0)
    const refused = await rig.zotbar('restart', '--json')
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: 'config-invalid', file: rig.configFile },
    })
    expect(await answers(rig.url)).toBe(true)
    expect((await rig.status()).registry.pid).toBe(pid)
    // One that is being written is waited for.
    rig.configure('{ "storage": ')
    const restarted = rig.zotbar('restart', '--json')
    setTimeout(() => rig.configure(rig.standard), 700)
    expect((await restarted).code).toBe(0)
  })

  it('a config that was named and is not there ends the start with its name', async () => {
    rig = await createAppRig()
    const app = rig.start(['--config', join(rig.folder, 'other.json')])
    expect(await app.exited).toBe(1)
    expect(app.error()).toMatchObject({ code: 'config-missing', file: join(rig.folder, 'other.json') })
    expect(app.stderr()).toBe('')
  })

  it('a data volume that is not there is waited for, and nothing is made in its place', async () => {
    rig = await createAppRig()
    const volume = join(rig.folder, 'volume')
    rig.configure({ ...rig.standard, storage: { rootDirectory: join(volume, 'deep', 'zot') } })
    const app = rig.start()
    const line = await app.reach('failed')
    expect(line.headline).toBe('The data volume is missing')
    expect(existsSync(volume)).toBe(false)
  })

  it('a port that another program has is named, left alone, and taken when it is free', async () => {
    rig = await createAppRig()
    const other = createServer((_, response) => response.end('mine')).listen(rig.port, '127.0.0.1')
    await new Promise(done => other.once('listening', done))
    const app = rig.start()
    const line = await app.reach('foreign')
    expect(line.headline).toBe(`Port ${rig.port} is taken`)
    expect(line.registry).not.toHaveProperty('pid')
    expect(await fetch(rig.url).then(response => response.text())).toBe('mine')
    other.closeAllConnections()
    other.close()
    await app.reach('serving')
  })

  it('a second start is refused with the pid of the first', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    const second = rig.start()
    expect(await second.exited).toBe(1)
    expect(second.error()).toMatchObject({ code: 'already-running', pid: app.pid })
    // A service manager would start it again after a failure.
    const managed = rig.start(['--keeper', 'service'])
    expect(await managed.exited).toBe(0)
    expect(managed.error()).toMatchObject({ code: 'already-running', pid: app.pid })
    expect(await answers(rig.url)).toBe(true)
  })

  it('files of ours that cannot be read are kept aside and told', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    app.kill('SIGTERM')
    await app.exited
    for (const name of ['settings.json', 'samples.json', 'journal.jsonl'])
      writeFileSync(join(rig.home, name), '\u0000{"torn')
    await rig.serving()
    const names = readdirSync(rig.home)
    for (const name of ['settings.json', 'samples.json', 'journal.jsonl'])
      expect(
        names.some(each => each.startsWith(`${name}.corrupt-`)),
        name,
      ).toBe(true)
    const told = (await rig.zotbar('status')).stdout
    for (const name of ['settings.json', 'samples.json', 'journal.jsonl'])
      expect(told).toContain(`Note       ${name} could not be read. It was kept as ${name}.corrupt-`)
    expect((await rig.zotbar('settings', 'list', '--json')).code).toBe(0)
  })

  it('a log that goes to a file of its own is followed all the same', async () => {
    rig = await createAppRig()
    const output = join(rig.folder, 'zot.log')
    rig.configure({ ...rig.standard, log: { level: 'info', output } })
    await rig.serving()
    await pushImage(targetAt(rig.url), 'team/app', '1', 'a layer')
    await eventually(async () => (await rig.status()).storage?.tags === 1)
    expect((await rig.zotbar('logs', '-n', '50')).stdout).toContain('/v2/team/app/manifests/1')
  })

  it('a stale socket is replaced', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    app.kill('SIGKILL')
    await app.exited
    expect(existsSync(join(rig.home, 'control.sock'))).toBe(true)
    expect((await rig.zotbar('status')).code).toBe(3)
    await rig.serving()
    expect((await rig.zotbar('status')).code).toBe(0)
  })

  it('the app goes on when nobody reads its output any more', async () => {
    rig = await createAppRig()
    const command = `'${process.execPath}' '${cli}' start --headless --json --dashboard-port 0 | head -n 1`
    const env = { PATH: process.env['PATH'], HOME: rig.folder, ZOTBAR_HOME: rig.home }
    const shell = spawn('/bin/sh', ['-c', command], { env, stdio: 'ignore' })
    await eventually(async () => (await rig.zotbar('status', '--json')).code === 0, 20_000)
    expect((await rig.zotbar('restart')).code).toBe(0)
    expect((await rig.zotbar('restart')).code).toBe(0)
    expect((await rig.status()).state).toBe('serving')
    expect(readFileSync(join(rig.home, 'logs', 'app.log'), 'utf8')).not.toContain('"level":"error"')
    const { pid } = JSON.parse(readFileSync(join(rig.home, 'app.lock'), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGTERM')
    await eventually(async () => (await rig.zotbar('status', '--json')).code === 3, 20_000)
    shell.kill('SIGKILL')
  })

  it('a fault that ends the app stands in its log, and the registry goes on', async () => {
    const bug = "process.on('SIGUSR2', () => Promise.reject(new Error('a bug of ours')))"
    rig = await createAppRig(undefined, { NODE_OPTIONS: `--import data:text/javascript,${encodeURI(bug)}` })
    const app = await rig.serving()
    process.kill(app.pid, 'SIGUSR2')
    expect(await app.exited).not.toBe(0)
    const log = readFileSync(join(rig.home, 'logs', 'app.log'), 'utf8')
    const told = JSON.parse(log.trim().split('\n').at(-1) ?? '')
    expect(told).toMatchObject({ level: 'error', message: 'a fault ended the core' })
    expect(told.error).toMatch(/a bug of ours\n +at /)
    // Nor is the registry left alone silently: whoever started the app hears of it.
    expect(app.error()).toMatchObject({ code: 'unexpected' })
    expect(app.stderr()).toBe('')
    expect(await answers(rig.url)).toBe(true)
  })

  it.skipIf(process.getuid?.() === 0)('a data folder that cannot be read is a state with words', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    await rig.zotbar('stop')
    chmodSync(rig.data, 0o000)
    await rig.zotbar('restart')
    expect((await app.reach('failed')).headline).toBe('The data folder cannot be read')
    chmodSync(rig.data, 0o700)
  })
})
