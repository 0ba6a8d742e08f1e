import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type AppRig, createAppRig } from './app-rig.ts'

let rig: AppRig
afterEach(() => rig.end())

it('a config.json that was changed and does not start is shown beside the one that did, which is brought back', async () => {
  rig = await createAppRig()
  const { home, configFile, standard, zotbar } = rig
  const app = await rig.serving()
  await eventually(() => statSync(join(home, 'last-config.json'), { throwIfNoEntry: false }))
  expect(statSync(join(home, 'last-config.json')).mode & 0o777).toBe(0o600)
  expect((await zotbar('config', 'show')).stdout).toContain('the one with which the registry last started')
  const good = readFileSync(configFile, 'utf8')
  const { mode, ino } = statSync(configFile)
  const client = controlClient({ socketPath: join(home, 'control.sock'), home }).zotbar
  const snapshot = async () => {
    const now = await client.app.snapshot({})
    if (!now.ok) throw new Error(now.error.code)
    return now.value
  }
  expect(await client.config.restore({})).toMatchObject({
    ok: false,
    error: { code: 'no-other-config', at: expect.any(Number) },
  })

  // Somebody changes it, and the registry ends.
  const bad = { ...standard, http: { ...standard.http, port: '70000', clientSecret: 'hush' } }
  rig.configure(bad)
  utimesSync(configFile, 0, 0)
  const told = app.lines.length
  const { process: serving } = await snapshot()
  process.kill('pid' in serving ? (serving.pid ?? 0) : 0, 'SIGKILL')
  await app.reach('failed', told)
  const offer = await eventually(async () => {
    const { process: state } = await snapshot()
    return state.kind === 'failed' ? state.lastConfig : undefined
  })
  expect(offer.diff).toContain('70000')
  expect(offer.diff).not.toContain('hush')
  expect((await rig.status()).reason).toContain('zotbar config show')
  const shown = JSON.parse((await zotbar('config', 'show', '--json')).stdout)
  expect(shown).toMatchObject({ file: configFile, engine: 'zotbar-registry', diff: offer.diff, id: offer.id })

  const asked = await zotbar('config', 'restore')
  expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('agree beforehand with --yes')])
  const restored = await zotbar('config', 'restore', '--yes', '--json')
  expect([restored.code, JSON.parse(restored.stdout)]).toMatchObject([0, { keptAs: expect.any(String) }])
  const { keptAs } = JSON.parse(restored.stdout) as { keptAs: string }
  expect(readFileSync(configFile, 'utf8')).toBe(good)
  expect(statSync(configFile)).toMatchObject({ mode, ino })
  expect(JSON.parse(readFileSync(keptAs, 'utf8'))).toEqual(bad)
  expect((await rig.status()).state).toBe('serving')

  // It is made anew where it is gone, and nothing of a write stays.
  rmSync(configFile)
  expect(await client.registry.restart({ now: false })).toMatchObject({ error: { code: 'config-missing' } })
  const gone = await client.config.last({})
  expect(await client.config.restore({ id: offer.id })).toMatchObject({
    error: { code: 'config-edited-meanwhile' },
  })
  expect(await client.config.restore({ id: gone.ok ? gone.value.id : '' })).toMatchObject({
    ok: true,
    value: { file: configFile },
  })
  expect(readFileSync(configFile, 'utf8')).toBe(good)
  expect(readdirSync(dirname(configFile)).filter(name => name.endsWith('.tmp'))).toEqual([])
  expect((await snapshot()).process.kind).toBe('serving')
})
