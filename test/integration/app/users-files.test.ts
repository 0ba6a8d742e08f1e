import { execFile, execFileSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { pushImage } from '../registry/client.ts'
import { type AppRig, createAppRig, targetAt } from './app-rig.ts'

const hook = new URL('../../fakes/watch-changes.mjs', import.meta.url).href
const root = new URL('../../../', import.meta.url)

let outside: string
let written: string
let rig: AppRig | undefined
beforeEach(() => {
  outside = realpathSync(mkdtempSync(join(tmpdir(), 'zotbar-users-')))
  written = join(outside, 'watched')
})
afterEach(async () => {
  await rig?.end()
  rig = undefined
  rmSync(outside, { recursive: true, force: true })
})

const user = (name: string, text: string, mode: number): string => {
  const path = join(outside, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}
const factsOf = (path: string) => {
  const found = statSync(path)
  const { mode, uid, gid, ino, nlink } = found
  // A folder has one for each folder in it.
  return { mode, uid, gid, ino, ...(found.isFile() ? { nlink } : {}) }
}

interface Change {
  program: string
  call: string
  path: string
}

const changes = (): Change[] =>
  readFileSync(written, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [program = '', call = '', ...path] = line.split(' ')
      return { program, call, path: path.join(' ') }
    })

/** What docs/security.md says that may be changed outside the home, row by row, and where that is here. */
function listed(places: Record<string, (change: Change) => boolean>): (change: Change) => boolean {
  const docs = readFileSync(new URL('docs/security.md', root), 'utf8')
  const table = /\| outside `ZOTBAR_HOME` \|[^\n]*\n\| --- [^\n]*\n((?:\|[^\n]*\n)+)/.exec(docs)?.[1] ?? ''
  const rows = table
    .trim()
    .split('\n')
    .map(line => line.split('|')[1]?.trim() ?? '')
  expect(rows).toEqual(Object.keys(places))
  return change => rows.some(row => places[row]?.(change) ?? false)
}

const below = (folder: string, path: string): boolean => path === folder || path.startsWith(folder + sep)

describe("what is the user's", () => {
  it('keeps its mode, owner, links and length, whatever the app and the registry do', async () => {
    rig = await createAppRig(undefined, { NODE_OPTIONS: `--import ${hook}`, WATCH_CHANGES: written })
    const { home, data, configFile, standard, url } = rig
    mkdirSync(data)
    chmodSync(data, 0o755)
    const output = user('zot.log', 'lines of before\n', 0o664)
    const audit = user('audit.log', '', 0o644)
    const htpasswd = user('htpasswd', 'admin:x\n', 0o640)
    const key = user('key', 'an older key', 0o640)
    const authfile = user('auth.json', '{"auths":{}}', 0o600)
    for (const file of [htpasswd, authfile]) linkSync(file, `${file}.other-name`)
    const log = { level: 'info', output, audit }
    rig.configure({ ...standard, log })
    chmodSync(configFile, 0o640)
    // The home of somebody whose first account Zotbar made.
    mkdirSync(home, { mode: 0o700 })
    writeFileSync(join(home, 'settings.json'), '{"logs.maxMegabytes":"1"}')
    writeFileSync(join(home, 'admin.json'), JSON.stringify({ user: 'admin', htpasswd }))
    const files = [configFile, data, output, audit, htpasswd, key, authfile]
    const before = files.map(factsOf)

    const app = await rig.serving()
    await pushImage(targetAt(url), 'team/app', 'v1', 'a layer')
    rig.configure({ ...standard, log, http: { ...standard.http, auth: { htpasswd: { path: htpasswd } } } })
    expect((await rig.zotbar('restart')).code).toBe(0)
    expect((await rig.zotbar('admin', 'reset')).code).toBe(0)
    expect(readFileSync(htpasswd, 'utf8')).not.toContain('admin:x')
    expect((await rig.zotbar('settings', 'set', 'keepServing', 'false')).code).toBe(0)
    await firstRun()
    await edited(configFile)
    await handedOver(key, authfile)
    expect(files.map(factsOf)).toEqual(before)
    expect(readFileSync(output, 'utf8')).toMatch(/^lines of before\n\{/)

    // logrotate's way: the registry goes on in the file that was renamed.
    renameSync(output, `${output}.1`)
    writeFileSync(output, '')
    chmodSync(output, 0o664)
    await fetch(`${url}/v2/not/there/manifests/after-the-rotation`)
    const logs = async () => (await rig?.zotbar('logs'))?.stdout ?? ''
    await eventually(async () => (await logs()).includes('after-the-rotation'), 10_000)
    expect(statSync(`${output}.1`).mode & 0o777).toBe(0o664)

    app.kill('SIGTERM')
    expect(await app.exited).toBe(0)
    const allowed = listed({
      '`config.json`': ({ program, path }) => program === '-e' && path === configFile,
      '`htpasswd`': ({ program, path }) => program === 'main.mjs' && path.startsWith(htpasswd),
      '`storage.rootDirectory`, `subPaths`': ({ program, path }) =>
        program === 'zotbar-registry.mjs' && below(data, path) && path !== data,
      '`log.output`, `log.audit`': () => false,
      '`file:PATH`, `authfile:PATH`': ({ program, path }) =>
        program === '-e' && [key, authfile].includes(path),
      '`~/Library/LaunchAgents/`': () => false,
      'the folder of a build': () => false,
      'the temporary folder': () => false,
    })
    const seen = changes()
    expect(seen.filter(change => !below(home, change.path) && !allowed(change))).toEqual([])
    // They were watched, each of them.
    for (const program of ['main.mjs', 'zotbar-registry.mjs', '-e'])
      expect(seen.map(change => change.program)).toContain(program)
  }, 60_000)

  it.skipIf(process.getuid?.() !== 0)(
    'as a device stays as it is, and nothing is read from it (needs root, to make one)',
    async () => {
      const device = join(outside, 'null')
      execFileSync('mknod', [device, 'c', '1', '3'])
      chmodSync(device, 0o666)
      rig = await createAppRig()
      const { configure, standard, zotbar } = rig
      configure({ ...standard, log: { level: 'warn', output: device } })
      await rig.serving()
      expect((await zotbar('logs')).stdout).toBe(`(config.json discards the log: log.output is ${device})\n`)
      expect(statSync(device).mode & 0o777).toBe(0o666)
      expect(statSync(device).isCharacterDevice()).toBe(true)

      configure({ ...standard, log: { level: 'info', output: '/dev/stdout' } })
      expect((await zotbar('restart')).code).toBe(0)
      const { stdout } = await zotbar('logs')
      // The registry's lines, and not the app's, which hold links with a token.
      expect(stdout).toContain('"message":"serving"')
      expect(stdout).not.toContain('token')

      configure({ ...standard, log: { output: join(outside, 'no', 'zot.log') } })
      const refused = await zotbar('restart', '--json')
      expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'config-invalid' } })
      expect(refused.stdout).toContain(`the folder ${join(outside, 'no')} is not there`)
      expect((await zotbar('status')).code).toBe(0)
    },
    60_000,
  )
})

/** A program that imports parts of the app, watched like it. */
function watched(script: string): Promise<void> {
  return new Promise((done, failed) => {
    const env = { ...process.env, NODE_OPTIONS: `--import ${hook}`, WATCH_CHANGES: written }
    const whole = `const part = path => import(new URL(path, ${JSON.stringify(root.href)}).href);${script}`
    execFile(process.execPath, ['--input-type=module', '-e', whole], { env }, (error, _out, stderr) =>
      error ? failed(new Error(stderr)) : done(),
    )
  })
}

/** A first run in a home that has folders of those names already, with an htpasswd of somebody else. */
async function firstRun(): Promise<void> {
  const homeFolder = join(outside, 'somebody')
  const folders = ['.config', '.config/zot', 'zot', 'zotbar'].map(name => join(homeFolder, name))
  for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o755 })
  writeFileSync(join(homeFolder, '.config', 'zot', 'htpasswd'), 'bob:x\n')
  const before = folders.map(factsOf)
  await watched(`
    const { firstRun } = await part('core/first-run/first-run.ts')
    const { establishAdmin } = await part('core/registry-client/admin.ts')
    const homeFolder = ${JSON.stringify(homeFolder)}
    const secrets = { get: async () => undefined, set: async () => ({}), delete: async () => {} }
    const more = { secrets, now: Date.now, report: () => {}, hash: async () => 'hash' }
    const makeAdmin = folder => establishAdmin({ ...more, home: homeFolder + '/zotbar', folder })
    const first = await firstRun({ homeFolder, makeAdmin })
    if (!first.ok || !first.value.wrote) throw new Error(JSON.stringify(first))`)
  expect(folders.map(factsOf)).toEqual(before)
}

/** The edit of an upgrade and its way back, as the runbook makes them. */
const edited = (file: string) =>
  watched(`
    const { applyEdit, revertEdit } = await part('core/advisories/apply-edit.ts')
    const { readFileSync } = await import('node:fs')
    const file = ${JSON.stringify(file)}
    const before = readFileSync(file, 'utf8')
    const edit = { file, before, after: before.replace('info', 'debug') }
    for (const result of [await applyEdit(edit, 'v2.1.18'), await revertEdit(edit)])
      if (!result.ok || !result.value.changed) throw new Error(JSON.stringify(result))`)

const handedOver = (key: string, authfile: string) =>
  watched(`
    const { fileSink } = await part('core/sinks/file-sink.ts')
    const { authfileSink } = await part('core/sinks/authfile-sink.ts')
    const secret = { user: 'ci', key: 'zak_1', registryHost: '127.0.0.1:5050' }
    const { signal } = new AbortController()
    for (const sink of [fileSink('f', ${JSON.stringify(key)}), authfileSink('a', ${JSON.stringify(authfile)})]) {
      const delivered = await sink.deliver(secret, signal)
      if (!delivered.ok) throw new Error(JSON.stringify(delivered))
    }`)
