import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { pushImage } from '../registry/client.ts'
import type { ToldLine } from '../upgrade/upgrade-rig.ts'
import { describeWithZots, realZots } from './real-zots.ts'
import { createSeededZotRig, type SeededZotRig } from './seeded-zot-rig.ts'

let rig: SeededZotRig
afterEach(() => rig.end())

describeWithZots('a leaked key of a real zot', ['next'], () => {
  it('is replaced and revoked, and what the thief did with it is told, without what the run did', async () => {
    rig = await createSeededZotRig(realZots.next)
    const sink = join(rig.folder, 'ci-key')
    const keyFile = join(rig.folder, 'passphrase')
    writeFileSync(keyFile, 'a passphrase of several words\n')
    chmodSync(keyFile, 0o600)
    await rig.set('secrets.keyFile', keyFile)
    const managed = await rig.zotbarGiven(
      rig.apiKey,
      'keys',
      'manage',
      'ci',
      '--key-stdin',
      '--sink',
      `file:${sink}`,
      '--prove-repository',
      'team/app',
    )
    expect(managed).toMatchObject({ code: 0 })
    const stolen = rig.byKey(rig.apiKey)
    const made = await stolen.ask('/zot/auth/apikey', { method: 'POST', body: '{"label":"of the thief"}' })
    expect(made.status).toBe(201)
    await pushImage(stolen, 'team/app', 'stolen', 'by the thief')
    const rotated = await rig.zotbar('keys', 'rotate', 'ci', '--leaked', '--yes', '--json')
    expect(rotated.code).toBe(0)
    const lines = rotated.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as ToldLine)
    const uses = lines.flatMap(({ step, part }) => (step === 'uses' && part ? [part.words ?? ''] : []))
    expect(uses[0]).toMatch(/^Created the key “of the thief”, .* which is revoked now/)
    expect(uses.join('\n')).toMatch(/Pushed to team\/app \(stolen/)
    expect((await stolen.ask('/zot/auth/apikey')).status).toBe(401)
    expect((await rig.byKey(JSON.parse(made.body.toString()).apiKey).ask('/zot/auth/apikey')).status).toBe(
      401,
    )
    expect((await rig.byKey(readFileSync(sink, 'utf8').trim()).ask('/zot/auth/apikey')).status).toBe(200)
  })
})
