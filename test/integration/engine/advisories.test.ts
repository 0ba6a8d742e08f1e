import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { placeZot } from '../../fakes/zot/build-zot.ts'
import { type AppRig, createAppRig } from '../app/app-rig.ts'

let rig: AppRig
beforeEach(async () => {
  rig = await createAppRig()
})
afterEach(() => rig.end())

const accessControl = {
  repositories: {
    'shipyard/**': {
      policies: [{ users: ['zot-ci'], actions: ['read', 'create'] }],
      anonymousPolicy: ['read'],
    },
    '**': { anonymousPolicy: ['read'] },
  },
}

describe('advisories against the zot that serves', () => {
  it('are in the status, with their evidence, and the state stays serving', async () => {
    rig.configure({ ...rig.standard, http: { ...rig.standard.http, accessControl } })
    await rig.serving()
    placeZot(join(rig.home, 'engines', 'zot', 'v2.1.13'), 'good', 'v2.1.13')
    expect((await rig.status()).reason).not.toMatch(/advisor/)
    await rig.zotbar('settings', 'set', 'gate.stableSeconds', '0')
    expect((await rig.zotbar('engine', 'use', 'zot', '--yes')).code).toBe(0)
    const status = await eventually(async () => {
      const now = await rig.status()
      return now.reason?.includes('advisory') ? now : undefined
    })
    expect(status).toMatchObject({
      state: 'serving',
      headline: 'Serving',
      registry: { engine: 'zot', version: 'v2.1.13' },
    })
    expect(status.reason).toMatch(/^1 advisory affects v2\.1\.13\. /)
    const { stdout, code } = await rig.zotbar('status')
    expect(code).toBe(0)
    expect(stdout).toContain(
      `CVE-2026-31801: ${rig.configFile}: http.accessControl.repositories["shipyard/**"].policies[0].actions = ["read","create"]`,
    )
  })
})
