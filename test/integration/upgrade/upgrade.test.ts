import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { assetName } from '../../../core/releases/release.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type ReleaseServer, startReleaseServer } from '../../fakes/release-server.ts'
import { type Behaviour, makeZot } from '../../fakes/zot/build-zot.ts'
import { createPrograms } from '../../fakes/zot/programs.ts'
import { createUpgradeRig, type UpgradeRig } from './upgrade-rig.ts'

// Several upgrades each, with programs of 120 MB, beside whatever else runs.
vi.setConfig({ testTimeout: 240_000 })

const programs = createPrograms()
afterAll(programs.end)
let rig: UpgradeRig
let server: ReleaseServer | undefined
beforeEach(async () => {
  rig = await createUpgradeRig({ programs })
})
afterEach(async () => {
  await rig.end()
  await server?.close()
  server = undefined
})

const asset = assetName(process) ?? ''

async function serve(behaviour: Behaviour, version: string): Promise<ReleaseServer> {
  const file = rig.program(behaviour, version)
  server ??= await startReleaseServer()
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
  server.put(version, {
    notes: `What is new in ${version}`,
    assets: [
      { name: asset, data: { file } },
      { name: 'checksums.sha256.txt', data: `${sha256} *${asset}\n` },
    ],
  })
  await rig.set('releases.url', server.url)
  return server
}

describe('an upgrade of zot', () => {
  it('plans without changing, upgrades from a release, and goes back on the same data', async () => {
    await rig.running()
    const check = await rig.pushed()
    await serve('good', 'v2.1.15')

    const { code, plan } = await rig.plan()
    expect(code).toBe(0)
    expect(plan).toMatchObject({ runbook: 'upgrade', from: 'v2.1.13', to: 'v2.1.15', origin: 'published' })
    expect(plan.steps.map(({ id }) => id)).toEqual([
      'preflight',
      'download',
      'verify',
      'stage',
      'config',
      'consent',
      'stop',
      'snapshot',
      'census',
      'swap',
      'start',
      'gate',
      'commit',
    ])
    expect(plan.findings.map(({ id }) => id)).toContain('CVE-2026-31801')
    expect(existsSync(join(rig.home, 'engines', 'zot', 'v2.1.15'))).toBe(false)
    expect(await rig.version()).toBe('v2.1.13')

    const done = await rig.upgrade('--yes')
    expect(done).toMatchObject({ code: 0, stderr: '', last: { runbook: 'upgrade', result: 'done' } })
    expect(done.steps).toMatchObject({ consent: 'skipped', gate: 'done', commit: 'done' })
    expect(await rig.version()).toBe('v2.1.15')
    expect(readlinkSync(join(rig.home, 'engines', 'zot', 'current'))).toBe('v2.1.15')
    expect(await rig.setting('engine.path')).toBe(join(rig.home, 'engines', 'zot', 'current', 'zot'))
    await check()

    const again = await rig.upgrade('--yes')
    expect(again).toMatchObject({ code: 0, last: { result: 'done' } })
    expect(new Set(Object.values(again.steps))).toEqual(new Set(['skipped']))

    // The network is gone; the version before is here.
    await server?.close()
    const back = await rig.upgrade('--undo', '--yes')
    expect(back).toMatchObject({ code: 0, last: { result: 'done' } })
    expect(await rig.version()).toBe('v2.1.13')
    await check()
    expect((await rig.upgrade('--undo', '--yes')).last).toMatchObject({
      result: 'failed',
      error: { code: 'no-earlier-version' },
    })
    // It is still here, and the list cannot be had.
    const forth = await rig.upgrade('--to', 'v2.1.15', '--yes')
    expect(forth.last).toMatchObject({ result: 'done' })
    expect(await rig.version()).toBe('v2.1.15')
  })

  it.each<[Behaviour, string]>([
    ['exits-0', 'start-failed'],
    ['never-ready', 'not-ready'],
    ['loses-tag', 'gate-failed'],
    ['dies-later', 'not-stable'],
  ])('goes back by itself from a version that %s, and does not take it again', async (behaviour, code) => {
    await rig.running()
    await rig.set('gate.stableSeconds', '5')
    if (behaviour === 'never-ready') await rig.set('gate.readySeconds', '6')
    const check = await rig.pushed()
    await serve(behaviour, 'v2.1.15')
    const { code: exit, last } = await rig.upgrade('--yes')
    expect({ exit, last }).toMatchObject({ exit: 1, last: { result: 'rolled-back', error: { code } } })
    expect(await rig.version()).toBe('v2.1.13')
    expect(rig.bad()['v2.1.15']?.reason).toBeTruthy()
    expect(existsSync(join(rig.home, 'engines', 'zot', 'v2.1.15'))).toBe(false)
    await check()
    const again = await rig.upgrade('--yes')
    expect(again.last).toMatchObject({ result: 'failed', error: { code: 'version-bad' } })
    expect(again.steps).toEqual({ preflight: 'failed' })
    expect(await rig.version()).toBe('v2.1.13')
  })

  it('puts the databases back, where the version had changed them', async () => {
    await rig.running()
    const check = await rig.pushed()
    const meta = join(rig.data, 'meta.db')
    const before = readFileSync(meta)
    await rig.set('gate.readySeconds', '6')
    const { last } = await rig.upgrade('--from', rig.program('new-format-never-ready', 'v2.1.15'), '--yes')
    expect(last).toMatchObject({ result: 'rolled-back', error: { code: 'not-ready' } })
    expect(readFileSync(meta).equals(before)).toBe(true)
    expect(await rig.version()).toBe('v2.1.13')
    await check()
  })

  it('keeps as what it is what a package manager put into the place of the program that runs', async () => {
    await rig.running()
    const check = await rig.pushed()
    renameSync(rig.program('good', 'v2.1.14'), rig.old)
    expect(await rig.version()).toBe('v2.1.13')
    expect((await rig.upgrade('--from', rig.program('good', 'v2.1.15'), '--yes')).last.result).toBe('done')
    expect(readdirSync(join(rig.home, 'engines', 'zot'))).toContain('v2.1.14')
    expect((await rig.upgrade('--undo', '--yes')).last.result).toBe('done')
    expect(await rig.version()).toBe('v2.1.14')
    expect(readlinkSync(join(rig.home, 'engines', 'zot', 'current'))).toBe('v2.1.14')
    await check()
  }, 240_000)

  it('knows the version that runs where it does not tell it and its file was exchanged', async () => {
    renameSync(rig.program('no-search', 'v2.1.13'), rig.old)
    const app = await rig.running()
    expect(await rig.version()).toBe('v2.1.13')
    renameSync(rig.program('no-search', 'v2.1.14'), rig.old)
    app.kill('SIGKILL')
    await app.exited
    await rig.serving()
    await eventually(async () => (await rig.version()) === 'v2.1.13', 20_000)
    expect((await rig.plan('--from', rig.program('good', 'v2.1.15'))).plan.from).toBe('v2.1.13')
    expect((await rig.zotbar('restart')).code).toBe(0)
    expect(await rig.version()).toBe('v2.1.14')
  }, 240_000)

  it('asks, and keeps the newer version, where the older one cannot start on what is there now', async () => {
    await rig.running()
    const check = await rig.pushed()
    expect((await rig.upgrade('--from', rig.program('new-format', 'v2.1.15'), '--yes')).last.result).toBe(
      'done',
    )
    const back = await rig.upgrade('--undo', '--yes')
    expect(back.code).toBe(1)
    expect(back.lines.find(line => line.question)?.question?.id).toBe('old-cannot-start')
    expect(await rig.version()).toBe('v2.1.15')
    expect(rig.bad()).toEqual({})
    await check()
  })

  it('takes a file without the network and says that its origin is unproven', async () => {
    await rig.running()
    await rig.set('releases.url', 'http://127.0.0.1:9')
    const file = rig.program('good', 'v2.1.15')
    const { plan } = await rig.plan('--from', file)
    expect(plan).toMatchObject({ from: 'v2.1.13', to: 'v2.1.15', origin: 'unproven' })
    const asked = await rig.upgrade('--from', file)
    expect(asked).toMatchObject({ code: 1, last: { result: 'cancelled' } })
    const question = asked.lines.find(line => line.question)?.question
    expect(question).toMatchObject({ id: 'vouch' })
    expect(question?.body).toContain('Nobody published a digest')
    expect(asked.steps).not.toHaveProperty('stage', 'done')
    expect(await rig.version()).toBe('v2.1.13')
    expect(await rig.setting('engine.path')).toBe(rig.old)
    expect((await rig.upgrade('--from', file, '--yes')).last.result).toBe('done')
    expect(await rig.version()).toBe('v2.1.15')
    const same = await rig.upgrade('--from', file, '--yes')
    expect(same.steps).toMatchObject({ stage: 'done', config: 'skipped', stop: 'skipped', commit: 'skipped' })
    const older = await rig.upgrade('--from', rig.program('good', 'v2.1.14'), '--yes')
    expect(older.last).toMatchObject({ result: 'rolled-back', error: { code: 'version-older' } })
    const agreed = await rig.upgrade('--from', rig.program('good', 'v2.1.14'), '--yes', '--allow-downgrade')
    expect(agreed.last.result).toBe('done')
    expect(await rig.version()).toBe('v2.1.14')
  })

  it('stops nothing for a program that is not to be trusted, or refuses the config', async () => {
    await rig.running()
    const { pid } = (await rig.status()).registry
    const script = join(rig.folder, 'script')
    writeFileSync(script, '#!/bin/sh\nexit 0\n', { mode: 0o700 })
    const foreign = makeZot(join(rig.folder, 'foreign'), 'good', 'v2.1.15', { wrongArch: true })
    const refusals: [string[], string][] = [
      [['--from', script], 'not-a-program'],
      [['--from', foreign], 'not-a-program'],
      [['--from', join(rig.folder, 'nowhere')], 'file-unusable'],
      [['--from', rig.program('rejects-config', 'v2.1.15')], 'config-invalid'],
    ]
    for (const [words, code] of refusals) {
      const { last, lines } = await rig.upgrade(...words, '--yes')
      expect({ words, result: last.result, code: last.error?.code }).toEqual({
        words,
        result: 'rolled-back',
        code,
      })
      expect(lines.some(line => line.step === 'stop')).toBe(false)
    }
    await serve('good', 'v2.1.16')
    // The release of another version has this one's program.
    server?.put('v2.1.17', { assets: [{ name: asset, data: { file: rig.program('good', 'v2.1.16') } }] })
    const wrong = await rig.upgrade('--to', 'v2.1.17', '--yes')
    expect(wrong.last).toMatchObject({ result: 'rolled-back', error: { code: 'version-differs' } })
    expect((await rig.upgrade('--to', 'v9.9.9', '--yes')).last).toMatchObject({
      result: 'failed',
      error: { code: 'release-not-found' },
    })
    expect((await rig.status()).registry.pid).toBe(pid)
  })

  it('is refused for the engine that comes with Zotbar', async () => {
    await rig.serving()
    const refused = await rig.upgrade('--yes')
    expect(refused).toMatchObject({
      code: 1,
      last: { result: 'failed', error: { code: 'upgrade-needs-zot' } },
    })
    const { code, plan } = await rig.plan()
    expect({ code, from: plan.from, findings: plan.findings }).toEqual({
      code: 0,
      from: undefined,
      findings: [
        {
          id: 'upgrade-needs-zot',
          severity: 'error',
          evidence: '',
          advice: expect.stringContaining('Only zot is'),
        },
      ],
    })
  })
})
