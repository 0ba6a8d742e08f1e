import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import type {
  EngineRow,
  RunbookDetails,
  RunbookEnd,
  RunbookLine,
  RunbookPlan,
  RunbookProgress,
} from '../../../contract/runbook.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type Behaviour, makeZot, placeZot, tellZot } from '../../fakes/zot/build-zot.ts'
import { describeWith } from '../../setup/need.ts'
import { digestText } from '../../suites/image.ts'
import { type AppProcess, type AppRig, createAppRig, targetAt } from '../app/app-rig.ts'
import { pushImage } from '../registry/client.ts'

let rig: AppRig
beforeEach(async () => {
  rig = await createAppRig()
})
afterEach(() => rig.end())

const place = (behaviour: Behaviour) => {
  mkdirSync(rig.home, { recursive: true, mode: 0o700 })
  // A folder that holds nothing of Zotbar's is no home. Written here, as a command line each would take its time.
  const settings = { 'gate.stableSeconds': 1, 'gate.readySeconds': 3 }
  writeFileSync(join(rig.home, 'settings.json'), JSON.stringify(settings), { mode: 0o600 })
  return placeZot(join(rig.home, 'engines', 'zot', 'v2.1.15'), behaviour)
}
const use = async (engine: string, ...more: string[]) => {
  const { code, stdout, stderr } = await rig.zotbar('engine', 'use', engine, '--json', ...more)
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as RunbookLine & RunbookEnd)
  return { code, stderr, lines, last: lines.at(-1)! }
}
const start = (): Promise<AppProcess> => rig.serving()

/** Pushes two tags; gives what tells whether both come back byte for byte. */
async function pushed(): Promise<() => Promise<void>> {
  const target = targetAt(rig.url)
  const images = [
    await pushImage(target, 'team/app', '1', 'one'),
    await pushImage(target, 'team/app', '2', 'two'),
  ]
  return async () => {
    for (const [at, { bytes, digest }] of images.entries())
      for (const reference of [`${at + 1}`, digest]) {
        const got = await target.ask(`/v2/team/app/manifests/${reference}`)
        expect(got.status).toBe(200)
        expect(got.body.equals(bytes)).toBe(true)
      }
    const blob = await target.ask(`/v2/team/app/blobs/${digestText('two')}`)
    expect(String(blob.body)).toBe('two')
  }
}

describe('switching the engine', () => {
  it('lists what there is, plans without changing, switches, and switches back on the same data', async () => {
    const path = place('good')
    await start()
    const check = await pushed()
    const listed = JSON.parse((await rig.zotbar('engine', 'list', '--json')).stdout) as {
      engines: EngineRow[]
    }
    expect(listed.engines).toMatchObject([
      { id: 'zotbar-registry', current: true, usable: true },
      { id: 'zot', version: 'v2.1.15', path, current: false, usable: true },
    ])

    const dry = await rig.zotbar('engine', 'use', 'zot', '--dry-run', '--json')
    const plan = JSON.parse(dry.stdout) as RunbookPlan
    expect(dry.code).toBe(0)
    expect(plan.runbook).toBe('engine-use')
    expect(plan.steps.map(step => step.id)).toEqual([
      'preflight',
      'ask',
      'stop',
      'census',
      'switch',
      'start',
      'gate',
      'commit',
    ])
    expect(plan.steps.every(step => !step.holds)).toBe(true)
    expect((await rig.status()).registry.engine).toBe('zotbar-registry')

    const there = await use('zot', '--yes')
    expect(there).toMatchObject({ code: 0, stderr: '', last: { runbook: 'engine-use', result: 'done' } })
    expect(there.lines).toContainEqual({ runbook: 'engine-use', step: 'ask', phase: 'skipped' })
    expect(await rig.status()).toMatchObject({
      state: 'serving',
      registry: { engine: 'zot', version: 'v2.1.15' },
    })
    await check()

    const again = await use('zot', '--yes')
    expect(again.last.result).toBe('done')
    expect(again.lines.slice(0, -1).every(line => ['check', 'skipped'].includes(line.phase))).toBe(true)

    // Another version of zot is a matter for an upgrade, which knows the way back.
    const newer = makeZot(join(rig.home, '..', 'newer', 'zot'), 'good', 'v2.1.16')
    const versions = JSON.parse(
      (await rig.zotbar('engine', 'use', 'zot', '--path', newer, '--dry-run', '--json')).stdout,
    ) as RunbookPlan
    expect(versions).toMatchObject({ runbook: 'upgrade', from: 'v2.1.15', to: 'v2.1.16' })
    expect(versions.findings?.[0]).toMatchObject({ id: 'another-version', evidence: newer })
    const upgraded = await use('zot', '--path', newer, '--yes')
    expect(upgraded.last).toMatchObject({ runbook: 'upgrade', result: 'done' })
    expect((await rig.status()).registry).toMatchObject({ engine: 'zot', version: 'v2.1.16' })
    const state = JSON.parse((await rig.zotbar('upgrade', '--undo', '--dry-run', '--json')).stdout)
    expect(state).toMatchObject({ from: 'v2.1.16', to: 'v2.1.15' })

    const back = await use('zotbar-registry', '--yes')
    expect(back).toMatchObject({ code: 0, last: { result: 'done' } })
    expect(await rig.status()).toMatchObject({ state: 'serving', registry: { engine: 'zotbar-registry' } })
    await check()

    // An older zot than the one that served last.
    const older = await rig.zotbar('engine', 'use', 'zot', '--path', path, '--dry-run', '--json')
    const findings = (JSON.parse(older.stdout) as RunbookPlan).findings ?? []
    expect(findings.find(({ id }) => id === 'zot-older')?.advice).toContain(
      'zot v2.1.16 served this folder last',
    )
  })

  it('keeps zot over a restart of the app, and refuses a second run and a restart meanwhile', async () => {
    place('good')
    const app = await start()
    const check = await pushed()
    await rig.zotbar('settings', 'set', 'gate.stableSeconds', '4')
    const going = use('zot', '--yes')
    await rig.zotbar('engine', 'list')
    const refused = await use('zotbar-registry', '--yes')
    expect(refused).toMatchObject({ code: 1, last: { result: 'failed', error: { code: 'busy' } } })
    const restarted = await rig.zotbar('restart', '--json')
    expect(JSON.parse(restarted.stdout)).toMatchObject({ error: { code: 'busy' } })
    expect((await going).last.result).toBe('done')
    app.kill('SIGTERM')
    await app.exited
    await rig.serving()
    expect((await rig.status()).registry.engine).toBe('zot')
    await check()
  })

  it.each<[Behaviour, string]>([
    ['exits-0', 'start-failed'],
    ['never-ready', 'not-ready'],
    ['loses-tag', 'gate-failed'],
    ['dies-later', 'not-stable'],
  ])('goes back by itself from a zot that %s', async (behaviour, code) => {
    place(behaviour)
    await start()
    await rig.zotbar('settings', 'set', 'gate.stableSeconds', '5')
    const check = await pushed()
    const { code: exit, last } = await use('zot', '--yes')
    expect({ exit, last }).toMatchObject({ exit: 1, last: { result: 'rolled-back', error: { code } } })
    expect(await rig.status()).toMatchObject({ state: 'serving', registry: { engine: 'zotbar-registry' } })
    expect(JSON.parse((await rig.zotbar('settings', 'get', 'engine', '--json')).stdout)).toMatchObject({
      value: 'zotbar-registry',
    })
    await check()
  })

  it('does not stop anything for a zot that refuses the config, or is no program', async () => {
    place('rejects-config')
    await start()
    const { pid } = (await rig.status()).registry
    const refused = await use('zot', '--yes')
    expect(refused).toMatchObject({ code: 1, last: { result: 'failed', error: { code: 'config-invalid' } } })
    expect(refused.last.error?.detail).toContain('teapot')
    const script = join(rig.folder, 'script')
    writeFileSync(script, '#!/bin/sh\nexit 0\n', { mode: 0o700 })
    const noProgram = await use('zot', '--yes', '--path', script)
    expect(noProgram).toMatchObject({ code: 1, last: { error: { code: 'engine-unusable', path: script } } })
    const unasked = await use('zot')
    expect(unasked).toMatchObject({ code: 1 })
    expect((await rig.status()).registry.pid).toBe(pid)
  })

  it('verifies the config before every start of zot, and says what it refuses', async () => {
    const path = place('good')
    await start()
    expect((await use('zot', '--yes')).last.result).toBe('done')
    tellZot(dirname(path), 'rejects-config')
    const refused = JSON.parse((await rig.zotbar('restart', '--json')).stdout) as { error: object }
    expect(refused.error).toMatchObject({ code: 'config-invalid' })
    const { state, registry } = await rig.status()
    expect(state).toBe('serving')
    process.kill(registry.pid!, 'SIGKILL')
    const failed = await eventually(async () => {
      const now = await rig.status()
      return now.state === 'failed' && now
    })
    expect(failed.reason).toContain('teapot')
    tellZot(dirname(path), 'good')
    expect((await rig.zotbar('restart')).code).toBe(0)
  })

  it('plans for a zot that is not there, and is not gone around by the settings', async () => {
    await start()
    const dry = await rig.zotbar('engine', 'use', 'zot', '--dry-run', '--json')
    const plan = JSON.parse(dry.stdout) as RunbookPlan
    expect(dry).toMatchObject({ code: 0, stderr: '' })
    expect(plan.steps.map(step => step.id)).toContain('gate')
    expect(plan.findings[0]).toMatchObject({ id: 'engine-missing', severity: 'error' })
    expect(plan.findings[0]?.advice).toContain('engines/zot/VERSION/zot')
    expect(await use('zot', '--yes')).toMatchObject({ code: 1, last: { error: { code: 'engine-missing' } } })

    const set = (...args: string[]) => rig.zotbar('settings', 'set', ...args)
    const refused = await set('engine', 'zot', '--json')
    expect([refused.code, JSON.parse(refused.stdout)]).toEqual([
      1,
      { error: { code: 'setting-by-runbook', key: 'engine', use: 'zotbar engine use zot' } },
    ])
    expect((await set('engine', 'zot')).stderr).toContain('zotbar engine use zot')
    expect(JSON.parse((await set('engine', 'tea', '--json')).stdout)).toMatchObject({
      error: { code: 'bad-setting' },
    })
    for (const same of [['zotbar-registry'], ['--default']])
      expect((await set('engine', ...same)).code).toBe(0)
  })

  it('is seen and answered from another command line', async () => {
    place('good')
    await start()
    const client = controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home })
    const begun = await client.zotbar.engine.use({ engine: 'zot', yes: false, dryRun: false })
    expect(begun).toMatchObject({ ok: true })
    const current = await eventually(async () => {
      const listed = JSON.parse((await rig.zotbar('runbooks', 'list', '--json')).stdout) as {
        current?: RunbookProgress
      }
      return listed.current?.question ? listed.current : undefined
    })
    expect(current.steps.find(step => step.id === 'ask')).toMatchObject({ state: 'working' })
    expect((await rig.zotbar('runbooks', 'list')).stdout).toContain('step 2 of 8')
    const answered = await rig.zotbar('runbooks', 'answer', '--no', '--json')
    expect(JSON.parse(answered.stdout)).toEqual({ question: 'consent', agreed: false })
    const shown = await eventually(async () => {
      const details = JSON.parse((await rig.zotbar('runbooks', 'show', '--json')).stdout) as RunbookDetails
      return details.result ? details : undefined
    })
    expect(shown).toMatchObject({ run: current.run, result: 'cancelled' })
    const again = await rig.zotbar('runbooks', 'cancel', '--json')
    expect([again.code, JSON.parse(again.stdout)]).toEqual([1, { error: { code: 'nothing-to-cancel' } }])
  })

  it('is cancelled where nobody can agree', async () => {
    place('good')
    await start()
    const { last, lines } = await use('zot')
    expect(lines).toContainEqual(expect.objectContaining({ step: 'ask', phase: 'wait' }))
    expect(last.result).toBe('cancelled')
    expect((await rig.status()).registry.engine).toBe('zotbar-registry')
  })

  it('is gone on with after a quit in the middle', async () => {
    place('good')
    const app = await start()
    const check = await pushed()
    await rig.zotbar('settings', 'set', 'gate.stableSeconds', '3')
    const going = use('zot', '--yes')
    await eventually(async () => (await rig.status()).registry.engine === 'zot')
    app.kill('SIGTERM')
    expect(await app.exited).toBe(0)
    await going.catch(() => {})
    await rig.serving()
    await eventually(async () => (await rig.status()).headline === 'Serving', 20_000)
    expect((await rig.status()).registry.engine).toBe('zot')
    await check()
  })

  it('says at the start that a zot is gone, and can go back then', async () => {
    place('good')
    const app = await start()
    expect((await use('zot', '--yes')).last.result).toBe('done')
    app.kill('SIGTERM')
    await app.exited
    rmSync(join(rig.home, 'engines'), { recursive: true })
    const next = rig.start()
    await next.reach('failed')
    expect((await use('zotbar-registry', '--yes')).last.result).toBe('done')
    expect((await rig.status()).state).toBe('serving')
    expect(readFileSync(join(rig.home, 'settings.json'), 'utf8')).toContain('zotbar-registry')
  })
})

describeWith(['skopeo'], 'switching the engine under skopeo', () => {
  it('pulls the same bytes before and after', async () => {
    place('good')
    await start()
    const check = await pushed()
    const run = promisify(execFile)
    const image = `docker://127.0.0.1:${rig.port}/team/app:1`
    const raw = (name: string) => run('skopeo', ['inspect', '--tls-verify=false', '--raw', name])
    const copy = `docker://127.0.0.1:${rig.port}/team/copy:9`
    await run('skopeo', ['copy', '--src-tls-verify=false', '--dest-tls-verify=false', image, copy])
    const before = [(await raw(image)).stdout, (await raw(copy)).stdout]
    expect((await use('zot', '--yes')).last.result).toBe('done')
    expect([(await raw(image)).stdout, (await raw(copy)).stdout]).toEqual(before)
    await check()
  })
})
