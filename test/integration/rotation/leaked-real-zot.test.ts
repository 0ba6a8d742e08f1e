import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { pushImage } from '../registry/client.ts'
import { basic, passwordOf } from '../registry/people.ts'
import { createKey, createRotationRig, type RotationRig, serveZot, textsOf, thiefOf } from './rotation-rig.ts'

const program = process.env['ZOTBAR_TEST_ZOT_NEW'] ?? ''
const user = 'zot-ci'

let rig: RotationRig
afterEach(() => rig.end())

/** zot's log says neither which key it was nor which one was created. */
describe.skipIf(program === '')('a key of real zot that has leaked (needs ZOTBAR_TEST_ZOT_NEW)', () => {
  it('is reported with what the thief did first, and without what the run did', {
    timeout: 120_000,
  }, async () => {
    rig = await createRotationRig()
    await serveZot(rig, program, user, 'pusher')
    await pushImage(rig.asUser('pusher', passwordOf('pusher')), 'team/app', '1', 'one')
    const made = await fetch(`${rig.url}/zot/auth/apikey`, {
      method: 'POST',
      headers: { authorization: basic(user), 'user-agent': 'browser/1.0' },
      body: JSON.stringify({ label: 'ci' }),
    })
    const { apiKey: old, uuid } = (await made.json()) as { apiKey: string; uuid: string }
    await rig.manage(old, `file:${join(rig.folder, 'key')}`)

    const stolen = await createKey(rig.url, { user, key: old }, 'backdoor')
    const headers = thiefOf({ user, key: stolen.apiKey })
    await fetch(`${rig.url}/v2/team/app/manifests/1`, { headers })
    await fetch(`${rig.url}/v2/team/app/manifests/1`, { method: 'DELETE', headers })
    const told = await rig.rotate('--leaked', '--yes')
    expect(told.last).toEqual({ runbook: 'rotate', result: 'done' })
    expect(textsOf(told, 'others')).toEqual([
      expect.stringMatching(/^backdoor, created .* UTC from 127\.0\.0\.1 with thief\/1\.0, .*: Revoked$/),
    ])
    const uses = textsOf(told, 'uses')
    expect(uses.slice(0, 2)).toEqual([
      expect.stringContaining(
        `with thief/1.0: Created the key “backdoor”, ${stolen.uuid}, which is revoked now`,
      ),
      expect.stringContaining('with browser/1.0: Created the leaked key'),
    ])
    expect(uses.filter(text => text.includes('Tried to delete in team/app (1)'))).toHaveLength(1)
    expect(uses.filter(text => text.includes('with thief/1.0: Read team/app'))).toHaveLength(1)
    expect(uses.join('\n')).not.toContain('zotbar (run ')
    expect(uses.at(-2)).toContain('The log names zot-ci and not the key')
    expect(uses.at(-1)).toMatch(/^The log goes back to .*: The key is younger$/)
    for (const key of [old, stolen.apiKey]) expect(await rig.letsIn(key)).toBe(false)
    const { keys, onlyUser } = await rig.json<{ keys: { uuid: string }[]; onlyUser?: string }>('keys', 'list')
    expect(keys.map(key => key.uuid)).not.toContain(uuid)
    expect([keys.length, onlyUser]).toEqual([1, user])
  })
})
