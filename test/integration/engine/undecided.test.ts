import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import type { ProcessState } from '../../../contract/registry-state.ts'
import type { EngineRow, RunbookEnd } from '../../../contract/runbook.ts'
import { eventually } from '../../fakes/eventually.ts'
import { makeZot } from '../../fakes/zot/build-zot.ts'
import { type AppRig, createAppRig, targetAt } from '../app/app-rig.ts'
import { pushImage } from '../registry/client.ts'

let rig: AppRig
let zot: ChildProcess | undefined
beforeEach(async () => {
  rig = await createAppRig()
  mkdirSync(rig.data)
})
afterEach(async () => {
  zot?.kill('SIGKILL')
  zot = undefined
  await rig.end()
})

const answers = () =>
  fetch(`${rig.url}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  )
const client = () => controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home }).zotbar
async function state(): Promise<ProcessState> {
  const now = await client().app.snapshot({})
  if (!now.ok) throw new Error(now.error.code)
  return now.value.process
}
const own = 'zotbar engine use zotbar-registry'
/** The engines that `engine list` marks. */
async function current(): Promise<EngineRow[]> {
  const listed = await client().engine.list({})
  if (!listed.ok) throw new Error(listed.error.code)
  return listed.value.engines.filter(engine => engine.current)
}
/** The user's own zot, as a LaunchAgent would start it. */
async function ownZot(program: string): Promise<void> {
  zot = spawn(program, ['serve', rig.configFile], {
    stdio: 'ignore',
    env: { HOME: rig.folder, PATH: '/bin' },
  })
  await eventually(async () => (await answers()) || undefined, 10_000)
}
const killed = (): Promise<unknown> => {
  const gone = new Promise(done => zot?.once('exit', done))
  zot?.kill('SIGKILL')
  return gone
}
const use = async (...words: string[]) => {
  const { code, stdout } = await rig.zotbar('engine', 'use', ...words, '--yes', '--json')
  const lines = stdout.trim().split('\n')
  return { code, last: JSON.parse(lines.at(-1) ?? '{}') as RunbookEnd }
}
const quickly = async (): Promise<void> => {
  await rig.zotbar('settings', 'set', 'gate.stableSeconds', '1')
}

describe("somebody else's zot that leaves the port", () => {
  it('is followed by nothing until somebody has chosen, then by the program that was chosen', async () => {
    const program = makeZot(join(rig.folder, 'own', 'zot'), 'good', 'v2.1.13')
    await ownZot(program)
    const { digest } = await pushImage(targetAt(rig.url), 'team/app', '1', 'one')
    // What a CI key of zot lies in.
    const key = join(rig.data, 'meta.db')
    writeFileSync(key, 'a key of CI')
    const app = rig.start()
    await app.reach('foreign')
    expect(await state()).toMatchObject({
      kind: 'foreign',
      port: rig.port,
      pid: zot?.pid,
      zot: { version: 'v2.1.13', program },
      open: { why: 'store-of-another-engine', commands: [`zotbar engine use zot --path ${program}`, own] },
    })
    expect(app.lines.at(-1)?.reason).toContain('nothing is started until you have chosen')
    expect(await current()).toEqual([])
    const entries = readdirSync(rig.data).sort()
    await killed()
    await client().registry.lookAgain({})
    const line = await app.reach('undecided')
    expect(line.headline).toBe('A zot wrote these images')
    expect(await current()).toEqual([])
    expect((await rig.zotbar('status')).stdout).toContain('Engine     none is chosen yet')
    // The folder is the one that it was: what is open is the engine.
    const accepted = JSON.parse((await rig.zotbar('data', 'accept', '--json')).stdout)
    expect(accepted).toMatchObject({
      error: { code: 'nothing-to-accept', commands: [expect.any(String), own] },
    })
    // KeepAlive brings it back after a while: the port stays free for it.
    for (let look = 0; look < 3; look++) {
      await client().registry.lookAgain({})
      expect([(await state()).kind, await answers()]).toEqual(['undecided', false])
    }
    expect(existsSync(join(rig.home, 'run', 'registry.json'))).toBe(false)
    expect(readFileSync(key, 'utf8')).toBe('a key of CI')
    expect(readdirSync(rig.data).sort()).toEqual(entries)
    const status = await rig.zotbar('status')
    expect([status.code, status.stdout]).toEqual([
      4,
      expect.stringContaining(`engine use zot --path ${program}`),
    ])
    const restarted = await rig.zotbar('restart', '--json')
    expect([restarted.code, JSON.parse(restarted.stdout)]).toMatchObject([
      1,
      { error: { code: 'undecided', why: 'store-of-another-engine' } },
    ])
    const told = app.lines.length
    await ownZot(program)
    await client().registry.lookAgain({})
    await app.reach('foreign', told)
    await killed()
    await client().registry.lookAgain({})
    await app.reach('undecided', told)
    await quickly()
    // The one that served is meant, also where nobody can name a program.
    expect(await use('zot')).toMatchObject({ code: 0, last: { result: 'done' } })
    const chosen = JSON.parse(readFileSync(join(rig.home, 'engines.json'), 'utf8')) as { choices: unknown[] }
    expect(chosen.choices).toMatchObject([
      { folder: rig.data, engine: 'zot', program, by: 'cli', why: 'asked' },
    ])
    expect(statSync(join(rig.home, 'engines.json')).mode & 0o777).toBe(0o600)
    expect(await state()).toMatchObject({ kind: 'serving', adopted: false })
    const got = await fetch(`${rig.url}/v2/team/app/manifests/1`, { method: 'HEAD' })
    expect(got.headers.get('docker-content-digest')).toBe(digest)
    const { engines } = JSON.parse((await rig.zotbar('engine', 'list', '--json')).stdout) as {
      engines: EngineRow[]
    }
    expect(engines.filter(engine => engine.choice)).toMatchObject([
      { id: 'zot', path: program, current: true },
    ])
  })
})

describe('a store of zot that nobody has chosen an engine for', () => {
  it('waits, is decided by a run that stops nothing, and is not asked about again', async () => {
    writeFileSync(join(rig.data, 'meta.db'), 'bolt')
    const app = rig.start()
    await app.reach('undecided')
    expect(readdirSync(rig.data)).toEqual(['meta.db'])
    await quickly()
    expect(await use('zotbar-registry')).toMatchObject({ code: 0, last: { result: 'done' } })
    await app.reach('serving')
    app.kill('SIGTERM')
    await app.exited
    const second = await rig.serving()
    expect(second.lines.map(({ state: name }) => name)).not.toContain('undecided')
    second.kill('SIGTERM')
    await second.exited
    // A damaged file of choices is kept aside, said, and nothing is guessed in its place.
    writeFileSync(join(rig.home, 'engines.json'), '{"torn')
    const third = rig.start()
    await third.reach('undecided')
    expect((await rig.zotbar('status')).stdout).toContain('engines.json could not be read')
  })

  it('goes on being served by who served it before there were choices', async () => {
    const app = await rig.serving()
    app.kill('SIGTERM')
    await app.exited
    rmSync(join(rig.home, 'engines.json'))
    rmSync(join(rig.home, 'folder.json'))
    writeFileSync(join(rig.data, 'cache.db'), 'bolt')
    await rig.serving()
    const { choices } = JSON.parse(readFileSync(join(rig.home, 'engines.json'), 'utf8')) as {
      choices: unknown[]
    }
    expect(choices).toMatchObject([{ engine: 'zotbar-registry', why: 'served-before', by: 'zotbar' }])
  })
})

describe('a config.json that asks for more than zotbar-registry does', () => {
  const sync = {
    registries: [{ urls: ['https://registry.example'], onDemand: true, content: [{ prefix: '**' }] }],
  }

  it('is not served without its upstreams unless somebody accepts that', async () => {
    rig.configure({ ...rig.standard, extensions: { sync } })
    const app = rig.start()
    const line = await app.reach('undecided')
    expect(line.reason).toMatch(
      /line \d+, column \d+, extensions\.sync: zotbar-registry does not pull through/,
    )
    await quickly()
    expect(await use('zotbar-registry')).toMatchObject({ code: 0, last: { result: 'done' } })
    // No engine is left for it: none had been chosen.
    expect((await rig.zotbar('runbooks', 'list')).stdout).toMatch(/ {2}Use zotbar-registry /)
    await app.reach('serving')
  })

  it('is refused with its keys when zotbar-registry is chosen all the same', async () => {
    const http = {
      ...rig.standard.http,
      auth: { ldap: { address: 'ldap.example', port: 389, baseDN: 'dc=x' } },
    }
    rig.configure({ ...rig.standard, http })
    const app = rig.start()
    const line = await app.reach('undecided')
    expect(line.reason).toContain('http.auth.ldap')
    expect(await use('zotbar-registry')).toMatchObject({ code: 1, last: { result: 'failed' } })
    expect((await state()).kind).toBe('undecided')
    // Search and the like are no reason to ask.
    rig.configure({ ...rig.standard, extensions: { search: { enable: true }, metrics: { enable: true } } })
    await client().registry.lookAgain({})
    await app.reach('serving')
  })
})
