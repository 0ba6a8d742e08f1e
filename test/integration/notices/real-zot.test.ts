import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { basic } from '../registry/people.ts'
import { createRotationRig, type RotationRig, serveZot } from '../rotation/rotation-rig.ts'

const programs = ['ZOTBAR_TEST_ZOT_OLD', 'ZOTBAR_TEST_ZOT_NEW', 'ZOTBAR_TEST_ZOT_MAIN']
const present = programs.filter(name => (process.env[name] ?? '') !== '')
const user = 'zot-ci'

let rig: RotationRig
afterEach(() => rig.end())

describe.skipIf(present.length === 0)('keys of real zot (needs ZOTBAR_TEST_ZOT_NEW)', () => {
  it.each(present)(
    'that are not managed get notices, where Zotbar holds a key of their user: %s',
    { timeout: 60_000 },
    async name => {
      rig = await createRotationRig({}, { image: false })
      await serveZot(rig, process.env[name] ?? '', user, 'other')
      async function create(owner: string, body: object): Promise<{ apiKey: string; uuid: string }> {
        const headers = { authorization: basic(owner) }
        const made = await fetch(`${rig.url}/zot/auth/apikey`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        })
        return (await made.json()) as { apiKey: string; uuid: string }
      }
      const { apiKey } = await create(user, { label: 'managed' })
      await rig.manage(apiKey)
      const expirationDate = new Date(Date.now() + 12 * 3_600_000).toISOString()
      await create('other', { label: 'hidden', expirationDate })
      const { uuid } = await create(user, { label: 'nightly', expirationDate })

      const told = await eventually(async () => {
        const snapshot = await rig.client.app.snapshot({})
        if (!snapshot.ok) return undefined
        const isTold = snapshot.value.notices.some(({ id }) => id === `key-expiring:${uuid}:1`)
        return isTold ? snapshot.value : undefined
      })
      expect(told.endingKeys).toMatchObject({ count: 1, keys: [{ user, label: 'nightly', uuid }] })
      expect((await rig.zotbar('status')).stdout).toMatch(
        /zot-ci \(nightly\): ends (today|tomorrow) \d\d:\d\d/,
      )
      expect((await rig.zotbar('keys', 'snooze', user)).code).toBe(0)
    },
  )
})
