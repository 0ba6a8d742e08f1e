import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { type AppProcess, targetAt } from '../app/app-rig.ts'
import { createUpgradeRig, type UpgradeRig } from '../upgrade/upgrade-rig.ts'
import { describeWithZots, realZots, zotVersionOf } from './real-zots.ts'

const { old, next } = realZots

let rig: UpgradeRig
let app: AppProcess
afterEach(() => rig.end())

describeWithZots('two real zot programs', ['old', 'next'], () => {
  async function running(): Promise<() => Promise<void>> {
    rig = await createUpgradeRig({ program: old })
    app = await rig.running()
    await rig.set('gate.readySeconds', '30')
    await rig.set('gate.stableSeconds', '3')
    expect(await rig.version()).toBe(zotVersionOf(old))
    return rig.pushed()
  }

  it('upgrade, serve the same bytes, take pushes, and go back with what was pushed meanwhile', async () => {
    const check = await running()
    const { code, plan } = await rig.plan('--from', next)
    expect({ code, from: plan.from, origin: plan.origin }).toEqual({
      code: 0,
      from: zotVersionOf(old),
      origin: 'unproven',
    })
    const done = await rig.upgrade('--from', next, '--yes')
    expect(done.last).toEqual({ runbook: 'upgrade', result: 'done' })
    expect(await rig.version()).toBe(zotVersionOf(next))
    await check()
    const again = await rig.pushed()
    const back = await rig.upgrade('--undo', '--yes')
    expect(back.last).toEqual({ runbook: 'upgrade', result: 'done' })
    expect(await rig.version()).toBe(zotVersionOf(old))
    await again()
  })

  it('come back by themselves when a check of the user fails', async () => {
    const check = await running()
    const broken = join(rig.folder, 'broken')
    await rig.set('gate.checks', `test ! -e ${broken}`)
    const failing = rig.upgrade('--from', next, '--yes')
    await rig.applying('stop')
    writeFileSync(broken, '')
    expect((await failing).last).toMatchObject({ result: 'rolled-back', error: { code: 'gate-failed' } })
    expect(await rig.version()).toBe(zotVersionOf(old))
    await check()
    expect((await targetAt(rig.url).ask('/v2/_catalog')).status).toBe(200)
  })

  it('go on to the end after a kill of the app in the verification', async () => {
    const check = await running()
    const upgrading = rig.upgrade('--from', next, '--yes').catch(() => undefined)
    await rig.applying('gate')
    app.kill('SIGKILL')
    await app.exited
    await upgrading
    const started = rig.start()
    await started.reach('serving')
    await eventually(async () => (await rig.version()) === zotVersionOf(next), 60_000)
    await eventually(async () =>
      (await rig.zotbar('runbooks', 'list', '--json')).stdout.includes('"result":"done"'),
    )
    await check()
  })
})
