import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { freePort } from '../../setup/free-port.ts'
import { entryRig } from './entry-rig.ts'
import { filesBelow, type Packed, pack } from './pack.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'zotbar-packed-'))
let packed: Packed
beforeAll(async () => {
  packed = await pack(folder)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

const built = (name: string): string[] =>
  filesBelow(join(root, 'dist', name)).map(file => `dist/${name}/${file}`)

const commandOf = (pid: number | undefined): string =>
  spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout

describe('the packaged app', () => {
  it('has in its archive what Electron runs, and nothing else', () => {
    const expected = [
      ...built('main'),
      ...built('preload'),
      ...built('renderer'),
      'dist/build.json',
      'package.json',
    ]
    const images = packed.archived.filter(name => /^build\/tray\/\w+(@2x)?\.png$/.test(name))
    expect(images).toHaveLength(12)
    expect(packed.archived).toEqual([...expected, ...images].sort())
  })

  it('has outside of it what Node runs: core, command line, registry, pages, the addon of the keychain', () => {
    const files = filesBelow(packed.resources).filter(name => !name.startsWith('app.asar/'))
    const keytar = [
      'package.json',
      'lib/keytar.js',
      ...['arm64', 'x64'].map(arch => `prebuilds/darwin-${arch}/keytar.node`),
    ]
    expect(files.filter(name => !name.endsWith('.icns'))).toEqual(
      [
        ...['core', 'cli', 'chunks', 'registry', 'renderer'].flatMap(built),
        'dist/build.json',
        ...keytar.map(name => `node_modules/keytar/${name}`),
        'node/bin/node',
        'bin/zotbar',
        'README.md',
        'LICENSE',
      ].sort(),
    )
    for (const name of ['node/bin/node', 'bin/zotbar'])
      expect((statSync(join(packed.resources, name)).mode & 0o777).toString(8)).toBe('755')
  })

  it('can be run as nothing else, and has no key for cookies', () => {
    // As Electron numbers them: run as Node, encrypt cookies, NODE_OPTIONS, --inspect, integrity, only the archive ...
    expect(packed.fuses.slice(0, 6)).toBe('000011')
    // ... and privileges of file: pages.
    expect(packed.fuses[7]).toBe('0')
  })
})

describe('its command line', () => {
  it('starts a core, finds it and ends it, linked from a folder of the PATH on which there is no Node', async () => {
    const user = join(folder, 'user')
    mkdirSync(join(user, 'bin'), { recursive: true })
    symlinkSync(join(packed.resources, 'bin', 'zotbar'), join(user, 'bin', 'zotbar'))
    const options = {
      encoding: 'utf8',
      env: { HOME: user, ZOTBAR_HOME: join(user, 'home'), PATH: `${join(user, 'bin')}:/usr/bin:/bin` },
    } as const
    const zotbar = (...args: string[]) => spawnSync('zotbar', args, options)
    expect(zotbar('status').status).toBe(3)
    expect(zotbar('start', '--help').stdout).toContain('Usage: zotbar start')
    expect(zotbar('start', '--port', '1').status).toBe(2)

    const config = join(user, 'config.json')
    const http = { address: '127.0.0.1', port: String(await freePort()) }
    writeFileSync(config, JSON.stringify({ storage: { rootDirectory: join(user, 'data') }, http }))
    const args = ['start', '--json', '--config', config, '--dashboard-port', '0']
    const core = spawn('zotbar', args, { env: options.env, stdio: ['ignore', 'ignore', 'inherit'] })
    const ended = once(core, 'exit')
    try {
      await eventually(() => zotbar('status').status === 0)
      // It is the core itself, and no launcher before it.
      expect(commandOf(core.pid)).toContain('/dist/core/main.mjs start')
      expect(zotbar('quit').status).toBe(0)
      expect((await ended)[0]).toBe(0)
    } finally {
      core.kill('SIGKILL')
    }
  })
})

describe('its app', () => {
  const rig = entryRig()

  it('starts the core of the package, and quits it with the registry', async () => {
    const pretend = `data:text/javascript,${encodeURIComponent(
      `Object.defineProperty(process, 'resourcesPath', { value: ${JSON.stringify(packed.resources)} })
       Object.defineProperty(process, 'versions', { value: { ...process.versions, electron: '41.7.1' } })`,
    )}`
    const app = rig.start(undefined, {}, [
      '--import',
      pretend,
      '--import',
      join(root, 'test/fakes/electron-hooks.mjs'),
      join(packed.resources, 'app.asar/dist/main/main.mjs'),
    ])
    await app.saw('tooltip', 'Zotbar: Serving')
    const core = rig.corePid()
    const ran = commandOf(core)
    expect(ran).toContain(join(packed.resources, 'dist/core/main.mjs'))
    expect(ran.startsWith(join(packed.resources, 'node/bin/node'))).toBe(true)
    expect(await rig.answers()).toBe(200)
    app.say('quit')
    expect(await app.ended).toBe(0)
    expect(await eventually(async () => (await rig.answers()) === 0)).toBe(true)
  })
})
