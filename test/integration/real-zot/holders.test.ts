import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Finding } from '../../../contract/runbook.ts'
import { eventually } from '../../fakes/eventually.ts'
import { createUpgradeRig, type ToldLine, type UpgradeRig } from '../upgrade/upgrade-rig.ts'
import { keepAlive } from '../users-own/keep-alive.ts'
import { describeWithZots, realZots, zotVersionOf } from './real-zots.ts'

let rig: UpgradeRig
let theirs: ReturnType<typeof keepAlive> | undefined
afterEach(async () => {
  await theirs?.end()
  theirs = undefined
  await rig.end()
})

describeWithZots("somebody's own zot that has the port", ['old', 'next'], () => {
  it('is named by every runbook before anything is touched, and goes on', async () => {
    rig = await createUpgradeRig({ program: realZots.old })
    mkdirSync(rig.data, { recursive: true })
    theirs = keepAlive(rig.folder, realZots.old, rig.configFile)
    const asked = () =>
      fetch(`${rig.url}/v2/`).then(
        ({ status }) => status,
        () => 0,
      )
    await eventually(async () => (await asked()) === 200)
    await rig.running('foreign')
    const pid = theirs.pid()
    const named = new RegExp(`${realZots.old} serve .* \\(process ${pid}\\)`)
    for (const words of [
      ['upgrade', '--from', realZots.next],
      ['engine', 'use', 'zotbar-registry'],
    ]) {
      const dry = await rig.zotbar(...words, '--dry-run', '--json')
      expect(dry.code).toBe(0)
      const { findings } = JSON.parse(dry.stdout) as { findings: Finding[] }
      const finding = findings.find(({ id }) => id === 'port-in-use')
      expect(`${finding?.severity}: ${finding?.advice}`).toMatch(/^error: /)
      expect(finding?.advice).toMatch(named)
      const run = await rig.zotbar(...words, '--yes', '--json')
      const lines = run.stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as ToldLine)
      expect(lines.at(-1)).toMatchObject({ result: 'failed', error: { code: 'port-in-use' } })
      expect(lines.at(-1)?.error?.detail).toMatch(named)
      expect(new Set(lines.flatMap(({ step = [] }) => step))).toEqual(new Set(['preflight']))
    }
    expect([theirs.pid(), await asked()]).toEqual([pid, 200])
  })
})

describeWithZots('a program that is no zot', ['old'], () => {
  it('is never given config.json, and is called what it is', async () => {
    rig = await createUpgradeRig({ program: realZots.old })
    await rig.running()
    const cutOff = join(rig.folder, 'cut-off')
    writeFileSync(cutOff, readFileSync(realZots.old).subarray(0, 1_000_000), { mode: 0o755 })
    for (const [path, reason] of [
      [process.execPath, 'another program, not the zot registry'],
      [cutOff, 'it is cut off'],
    ] as const) {
      const { code, stdout } = await rig.zotbar('engine', 'use', 'zot', '--path', path, '--yes', '--json')
      expect([code, JSON.parse(stdout)]).toMatchObject([
        1,
        {
          result: 'failed',
          error: { code: 'engine-unusable', path, reason: expect.stringContaining(reason) },
        },
      ])
    }
    expect(await rig.version()).toBe(zotVersionOf(realZots.old))
  })
})
