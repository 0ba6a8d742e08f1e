import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import type { Finding } from '../../../contract/runbook.ts'
import type { UpgradePlan } from '../../../contract/upgrade.ts'
import { describeWithZots, realZots, zotVersionOf } from './real-zots.ts'
import { createSeededZotRig, type SeededZotRig } from './seeded-zot-rig.ts'

let rig: SeededZotRig
afterEach(() => rig.end())

describeWithZots('another engine or version in place of a real zot', ['next', 'main'], () => {
  it('is an upgrade where it is another zot, and names what ends where it is zotbar-registry', async () => {
    rig = await createSeededZotRig(realZots.next)
    const words = ['engine', 'use', 'zot', '--path', realZots.main]
    const dry = await rig.zotbar(...words, '--dry-run', '--json')
    // The scraper without a name needs another line from v2.1.18 on.
    expect(JSON.parse(dry.stdout) as UpgradePlan).toMatchObject({
      runbook: 'upgrade',
      from: zotVersionOf(realZots.next),
      to: zotVersionOf(realZots.main),
      edit: { diff: expect.stringContaining('anonymousPolicy') },
    })
    const run = await rig.zotbar(...words, '--yes', '--json')
    expect(JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '')).toEqual({
      runbook: 'upgrade',
      result: 'done',
    })
    expect(await rig.version()).toBe(zotVersionOf(realZots.main))
    expect(await rig.faults()).toEqual([])

    const config = JSON.parse(readFileSync(rig.configFile, 'utf8')) as { extensions: object }
    const content = [{ prefix: '**', destination: '/docker.io' }]
    const sync = { registries: [{ urls: ['http://127.0.0.1:1'], onDemand: true, content }] }
    writeFileSync(rig.configFile, JSON.stringify({ ...config, extensions: { ...config.extensions, sync } }))
    const own = await rig.zotbar('engine', 'use', 'zotbar-registry', '--dry-run', '--json')
    const { findings } = JSON.parse(own.stdout) as { findings: Finding[] }
    expect(findings.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['pull-through', 'api-keys', 'sessions', 'metrics']),
    )
  })
})
