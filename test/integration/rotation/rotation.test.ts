import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { createRotationRig, partsOf, type RotationRig } from './rotation-rig.ts'

let rig: RotationRig
afterEach(() => rig.end())

describe('rotating a key', () => {
  it('replaces it everywhere, lets both work, and revokes the old one', { timeout: 60_000 }, async () => {
    rig = await createRotationRig()
    await rig.begin()
    const { apiKey, uuid } = await rig.newKey('zot-ci')
    const file = join(rig.folder, 'key')
    const managed = await rig.manage(apiKey, '--sink', `file:${file}`, '--prove-repository', 'team/app')
    expect(managed).toMatchObject({ user: 'zot-ci', uuid, kept: 'encrypted-file', drift: [], daysLeft: 89 })
    expect(managed.sinks).toMatchObject([{ spec: `file:${file}`, state: 'proven' }])
    expect(readFileSync(file, 'utf8')).toBe(apiKey)

    const told = await rig.rotate('--yes')
    expect(told.last).toMatchObject({ runbook: 'rotate', result: 'done' })
    expect(told.code).toBe(0)
    expect(told.stderr).toBe('')
    const fresh = readFileSync(file, 'utf8')
    expect(fresh).not.toBe(apiKey)
    expect(await rig.letsIn(fresh)).toBe(true)
    expect(await rig.letsIn(apiKey)).toBe(true)
    expect(partsOf(told, 'prove')).toEqual({
      authenticates: 'passed',
      pull: 'passed',
      upload: 'passed',
      overwrite: 'passed',
    })
    const keys = await rig.keys()
    expect(keys).toHaveLength(2)
    expect(keys.every(key => key.managed)).toBe(true)

    const retired = await rig.zotbar('keys', 'retire', 'zot-ci', '--json')
    expect(retired.code).toBe(0)
    expect(await rig.letsIn(apiKey)).toBe(false)
    expect(await rig.letsIn(fresh)).toBe(true)
    expect(await rig.keys()).toHaveLength(1)
    void eventually
  })
})
