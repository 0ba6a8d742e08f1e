import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import type { RunbookPart } from '../../../contract/runbook.ts'
import type { ToldLine } from '../upgrade/upgrade-rig.ts'
import { describeWithZots, realZots, zotVersionOf } from './real-zots.ts'
import { createSeededZotRig, type SeededZotRig } from './seeded-zot-rig.ts'

let rig: SeededZotRig
afterEach(() => rig.end())

/** Takes from config.json what lets people pull who are not signed in. */
function makePrivate(): void {
  const config = JSON.parse(readFileSync(rig.configFile, 'utf8')) as {
    http: { accessControl: { repositories: { '**': { anonymousPolicy?: string[] } } } }
  }
  delete config.http.accessControl.repositories['**'].anonymousPolicy
  writeFileSync(rig.configFile, JSON.stringify(config))
}

/** The result of each check of the verification. */
function checksIn(lines: readonly ToldLine[]): Record<string, RunbookPart['state']> {
  const parts = lines.flatMap(({ step, part }) => (step === 'gate' && part ? [part] : []))
  return Object.fromEntries(parts.map(({ id, state }) => [id, state]))
}

describeWithZots('the verification of a real zot', ['old', 'next'], () => {
  it('fails where what anybody could read asks for a password afterwards', async () => {
    rig = await createSeededZotRig(realZots.old)
    const failing = rig.upgrade('--from', realZots.next, '--yes')
    await rig.applying('stop')
    makePrivate()
    const { last, lines } = await failing
    expect(last).toMatchObject({ result: 'rolled-back', error: { code: 'config-edited-meanwhile' } })
    expect(last.error?.words).toContain('could be read without a password before, and is answered with 401')
    expect(checksIn(lines)).toMatchObject({ ready: 'passed', reads: 'failed' })
    expect(await rig.version()).toBe(zotVersionOf(realZots.old))
  })

  it('calls what nobody could ask for unproven, and not passed', async () => {
    rig = await createSeededZotRig(realZots.old)
    makePrivate()
    expect((await rig.zotbar('restart')).code).toBe(0)
    const { last, lines } = await rig.upgrade('--from', realZots.next, '--yes')
    expect(last).toMatchObject({
      result: 'done',
      unproven: [expect.stringContaining('0 of 15 tags'), expect.stringContaining('0 of 5 images')],
    })
    expect(checksIn(lines)).toMatchObject({ census: 'unproven', pulls: 'unproven', stable: 'passed' })
  })
})
