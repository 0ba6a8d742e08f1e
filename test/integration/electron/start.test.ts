import { spawn, spawnSync } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const from = join(import.meta.dirname, '../../..')
/** Root gets no Electron on Linux, so root runs this as nobody, where nobody can reach the Node it runs on. */
const asUser = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
const possible =
  process.platform === 'linux' && spawnSync(process.execPath, ['-v'], { cwd: '/', ...asUser }).status === 0
let root = ''

/** A copy of what `npm start` runs, with stand-ins for what it starts. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'zotbar-start-'))
  for (const name of [
    'start.mjs',
    'shell-choice.mjs',
    'bundle.mjs',
    'node-bundles.mjs',
    'bin/pinned-node.mjs',
  ])
    await cp(join(from, 'build', name), join(root, 'build', name))
  await put('dist/core/main.mjs', 'console.log("core", ...process.argv.slice(2)); process.exitCode = 5')
  await put('dist/built', '')
  await put(
    'dist/cli/main.mjs',
    `import { writeFileSync } from 'node:fs'
     writeFileSync(${JSON.stringify(join(root, 'said', 'cli'))}, process.argv.slice(2).join(' '))`,
  )
  // Newer than every source, so that nothing is built.
  const later = new Date(Date.now() + 60_000)
  await utimes(join(root, 'dist/built'), later, later)
  await mkdir(join(root, 'node_modules'), { recursive: true })
  await chmod(join(root, 'node_modules'), 0o777)
  await mkdir(join(root, 'said'))
  await chmod(join(root, 'said'), 0o777)
  await chmod(root, 0o755)
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function put(name: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true })
  await writeFile(join(root, name), text)
  await chmod(join(root, name), mode)
}

/** Electron's stand-in: a script in place of its program. */
const installElectron = async (script: string): Promise<void> => {
  await put('electron/electron', `#!/bin/sh\n${script}\n`, 0o755)
}

interface Ended {
  code: number | null
  signal: string | null
  out: string
  err: string
}

function start(args: string[], env: Record<string, string>, during?: (pid: number) => void): Promise<Ended> {
  const { DISPLAY: _, WAYLAND_DISPLAY: __, ...rest } = process.env
  const child = spawn(process.execPath, [join(root, 'build/start.mjs'), ...args], {
    cwd: '/',
    env: { ...rest, ...env },
    ...asUser,
  })
  let [out, err] = ['', '']
  child.stdout.on('data', data => {
    out += String(data)
    if (child.pid !== undefined) during?.(child.pid)
  })
  child.stderr.on('data', data => {
    err += String(data)
  })
  return new Promise(resolve => child.on('close', (code, signal) => resolve({ code, signal, out, err })))
}
const screen = { DISPLAY: ':77' }
const withElectron = () => ({ ...screen, ELECTRON_OVERRIDE_DIST_PATH: join(root, 'electron') })

describe.runIf(possible)('npm start', () => {
  it('runs headless without a screen, says why in one line, and ends as that ended', async () => {
    const ended = await start(['--config', '/c.json'], {})
    expect(ended).toMatchObject({ code: 5, out: 'core start --config /c.json\n' })
    expect(ended.err).toBe(
      'Running headless: there is no screen (neither DISPLAY nor WAYLAND_DISPLAY is set).\n',
    )
  })

  it('says in words that the build failed, with what the build said', async () => {
    await rm(join(root, 'dist'), { recursive: true })
    await chmod(root, 0o777)
    await put('node_modules/rolldown/package.json', '{"type":"module","exports":"./index.js"}')
    await put(
      'node_modules/rolldown/index.js',
      'export const build = async () => { throw new Error("main/x.ts:1: what") }',
    )
    await put('node_modules/vite/package.json', '{"type":"module","exports":"./index.js"}')
    await put('node_modules/vite/index.js', 'export const build = async () => {}')
    await put('package.json', '{"version":"1.0.0"}')
    for (const name of ['palette.css', 'page.css', 'page.js']) await put(`registry/signin/page/${name}`, '')
    expect(await start([], {})).toMatchObject({
      code: 1,
      out: '',
      err: 'Zotbar could not be built. The build says:\nmain/x.ts:1: what\n',
    })
  })

  it('runs headless without a word where that was asked for', async () => {
    await installElectron('exit 0')
    for (const args of [['--headless'], ['--json'], ['--dashboard-port', '0']])
      expect(await start(args, withElectron())).toMatchObject({ code: 5, err: '' })
  })

  it('runs Electron where it is, on the app, and ends as that ended', async () => {
    await installElectron('echo "electron $@ [$ELECTRON_RUN_AS_NODE]"; exit 7')
    const ended = await start(['--config', '/c.json'], { ...withElectron(), ELECTRON_RUN_AS_NODE: '1' })
    expect(ended).toMatchObject({ code: 7, err: '', out: `electron ${root} --config /c.json []\n` })
  })

  it('passes a signal on and waits for what it does', async () => {
    await installElectron('trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.02; done')
    let told = false
    const ended = await start([], withElectron(), pid => {
      if (!told) process.kill(pid, 'SIGTERM')
      told = true
    })
    expect(ended).toMatchObject({ code: 0, signal: null, out: 'ready\ntold\n' })
  })

  it('runs headless where Electron cannot run here, in place of a core that it left behind', async () => {
    await installElectron('kill -TRAP $$')
    const ended = await start([], withElectron())
    expect(await readFile(join(root, 'said', 'cli'), 'utf8')).toBe('quit --orphan --keep-serving')
    expect(ended).toMatchObject({ code: 5, out: 'core start\n' })
    expect(ended.err).toBe('Running headless: Electron cannot run here (it ended with SIGTRAP).\n')
  })

  it('gets Electron once where there is a screen, and then runs it', async () => {
    await put(
      'node_modules/electron/install.js',
      `const fs = require('node:fs'), path = require('node:path')
       fs.mkdirSync(path.join(__dirname, 'dist'), { recursive: true })
       fs.writeFileSync(path.join(__dirname, 'path.txt'), 'electron')
       fs.writeFileSync(path.join(__dirname, 'dist/electron'), '#!/bin/sh\\necho electron\\n', { mode: 0o755 })`,
    )
    await chmod(join(root, 'node_modules/electron'), 0o777)
    const first = await start([], screen)
    expect(first).toMatchObject({ code: 0, out: 'electron\n' })
    expect(first.err).toContain('Getting Electron')
    expect(await start([], screen)).toMatchObject({ code: 0, out: 'electron\n', err: '' })
  })

  it('remembers for a day that Electron could not be had', async () => {
    await put(
      'node_modules/electron/install.js',
      "require('node:fs').appendFileSync(__dirname + '/tries', 'x'); process.exit(1)",
    )
    await chmod(join(root, 'node_modules/electron'), 0o777)
    for (let i = 0; i < 2; i++) {
      const ended = await start([], screen)
      expect(ended).toMatchObject({ code: 5, out: 'core start\n' })
      expect(ended.err).toContain('Running headless: Electron could not be downloaded')
    }
    expect(await readFile(join(root, 'node_modules/electron/tries'), 'utf8')).toBe('x')
  })
})
