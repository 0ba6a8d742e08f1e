import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { entry, run, startRegistry, temporaryFolder, writeConfig } from './registry-process.ts'

const folder = temporaryFolder()
afterAll(() => folder.dispose())
let count = 0
const freshRoot = (): string => join(folder.path, `root-${count++}`)
const asRoot = process.getuid?.() === 0

describe('the command line', () => {
  it.each([[[]], [['dance']], [['serve']], [['verify']], [['serve', 'a', 'b']], [['serve', '--port']]])(
    '%j is wrong usage',
    async args => {
      const { code, stderr, stdout } = await run(...args)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('Usage:')
    },
  )

  it('prints help', async () => {
    const { code, stdout } = await run('--help')
    expect(code).toBe(0)
    expect(stdout).toContain('zotbar-registry serve <config.json>')
  })

  it.each(['--version', '-v'])("%s prints the version in zot's form", async flag => {
    const { code, stdout } = await run(flag)
    expect(code).toBe(0)
    expect(stdout.split('\n')).toHaveLength(2)
    expect(JSON.parse(stdout)).toMatchObject({
      level: 'info',
      message: 'version',
      'distribution-spec': '1.1.1',
      commit: expect.stringMatching(/^v/),
      'binary-type': 'zotbar-registry',
      'node version': process.version,
    })
  })
})

describe('verify', () => {
  it('says that a good file is good', async () => {
    const { code, stdout } = await run('verify', writeConfig(freshRoot()))
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ level: 'info', message: 'config file is valid' })
  })

  it('reads YAML', async () => {
    const file = `${freshRoot()}.yaml`
    writeFileSync(file, `storage: {rootDirectory: ${freshRoot()}}\nhttp:\n  port: "0"\n  prt: 1\n`)
    const { code, stderr } = await run('verify', file)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(`${file}:4:3: http.prt: unknown key; did you mean "port"?`),
    })
  })

  it('creates nothing', async () => {
    const root = freshRoot()
    await run('verify', writeConfig(root))
    expect(existsSync(root)).toBe(false)
  })

  it('names every problem', async () => {
    const file = writeConfig(freshRoot(), { http: { port: '99999', addres: 'x' } })
    const { code, stdout, stderr } = await run('verify', file)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ level: 'error', message: 'invalid config file' })
    expect(stderr).toContain('http.port')
    expect(stderr).toContain('http.addres')
  })
})

describe('serve refuses', () => {
  const refused = async (file: string): Promise<string> => {
    const { code, stdout, stderr } = await run('serve', file)
    expect(code).toBe(1)
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({
      level: 'error',
      error: expect.any(String),
    })
    return stderr
  }

  it('a missing, an empty and a broken file', async () => {
    expect(await refused(join(folder.path, 'none.json'))).toContain('does not exist')
    const file = join(folder.path, 'bad.json')
    writeFileSync(file, '')
    expect(await refused(file)).toContain('empty')
    writeFileSync(file, '{\n  "storage": }')
    expect(await refused(file)).toContain('bad.json:2:')
  })

  it.each([
    ['http.auth.htpasswd.path', { http: { auth: { htpasswd: { path: '/x' } } } }],
    ['http.auth.ldap', { http: { auth: { ldap: { address: 'x' } } } }],
    ['http.auth.bearer', { http: { auth: { bearer: { realm: 'x', service: 'y', cert: '/z' } } } }],
    ['http.auth.mtls', { http: { auth: { mtls: {} } } }],
    ['http.tls', { http: { tls: { cert: '/a', key: '/b' } } }],
    ['http.address', { http: { address: '0.0.0.0', port: '0' } }],
    ['storage.rootDirectory', { storage: {} }],
  ])('%s', async (key, config) => {
    expect(await refused(writeConfig(freshRoot(), config))).toContain(key)
  })

  it('a folder whose parent is missing: its volume may not be mounted', async () => {
    const root = join(folder.path, 'volume', 'zot')
    mkdirSync(join(folder.path, 'elsewhere'))
    const file = join(folder.path, 'volume.json')
    writeFileSync(file, JSON.stringify({ storage: { rootDirectory: root }, http: { port: '0' } }))
    expect(await refused(file)).toContain('volume mounted')
    expect(existsSync(root)).toBe(false)
    writeFileSync(
      file,
      JSON.stringify({ storage: { rootDirectory: '/mnt/no-such-volume' }, http: { port: '0' } }),
    )
    expect(await refused(file)).toContain('volume mounted')
  })

  it('a file in the place of the folder', async () => {
    const root = freshRoot()
    writeFileSync(root, '')
    expect(await refused(writeConfig(root))).toContain('not a folder')
  })

  it.skipIf(asRoot)('a folder that it may not write (needs another user than root)', async () => {
    const root = freshRoot()
    mkdirSync(root)
    chmodSync(root, 0o500)
    expect(await refused(writeConfig(root))).toContain('access is denied')
    chmodSync(root, 0o700)
  })

  it('a log that it cannot write', async () => {
    const log = { output: join(folder.path, 'none', 'log') }
    expect(await refused(writeConfig(freshRoot(), { log }))).toContain('log.output')
  })

  it('a port that is taken, and says which', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => other.once('listening', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : 0
    const http = { address: '127.0.0.1', port: String(port) }
    const stderr = await refused(writeConfig(freshRoot(), { http }))
    expect(stderr).toContain(`127.0.0.1:${port}: the address is already in use`)
    other.close()
  })

  it('a folder that another one serves, and names it', async () => {
    const root = freshRoot()
    const first = await startRegistry(root)
    const inUse = `in use by another zotbar-registry (pid ${first.pid})`
    expect(await refused(writeConfig(root))).toContain(inUse)
    const below = join(root, 'below')
    mkdirSync(below)
    const within = `${below} lies within ${realpathSync(root)}, which is ${inUse}`
    const file = writeConfig(root, { storage: { rootDirectory: below } })
    expect(await refused(file)).toContain(within)
    expect((await first.ask('/readyz')).status).toBe(200)
    first.signal('SIGKILL')
    await first.ended
    const second = await startRegistry(root)
    expect((await second.stop()).code).toBe(0)
  })
})

describe('serve', () => {
  it('creates the folder for its owner only, and logs to a file', async () => {
    const root = freshRoot()
    const output = join(folder.path, 'registry.log')
    const file = writeConfig(root, { log: { output } })
    const child = spawn(process.execPath, [entry, 'serve', file])
    const logged = await eventually(
      () => existsSync(output) && readFileSync(output, 'utf8').includes('"serving"'),
    )
    expect(logged).toBe(true)
    expect((statSync(root).mode & 0o777).toString(8)).toBe('700')
    expect((statSync(output).mode & 0o777).toString(8)).toBe('600')
    child.kill('SIGTERM')
    await new Promise(resolve => child.once('exit', resolve))
    expect(readFileSync(output, 'utf8').trim().split('\n').at(-1)).toContain('"stopped"')
  })

  it('on ::1 and localhost', async () => {
    for (const address of ['::1', 'localhost']) {
      const registry = await startRegistry(freshRoot(), { http: { address, port: '0' } })
      expect((await registry.stop()).code).toBe(0)
    }
  })
})
