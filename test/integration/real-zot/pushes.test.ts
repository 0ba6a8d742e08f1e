import { request } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { targetAt } from '../app/app-rig.ts'
import { basic } from '../registry/people.ts'
import { describeWithZots, realZots } from './real-zots.ts'
import { createSeededZotRig, type SeededZotRig } from './seeded-zot-rig.ts'

let rig: SeededZotRig
afterEach(() => rig.end())

/** Longer than a look at files that no longer grow may take for the end of a push. */
const pauseMs = 4000

describeWithZots('a push to a real zot during a restart', ['next'], () => {
  it('is waited for although it pauses, into a new repository, too', async () => {
    rig = await createSeededZotRig(realZots.next)
    const headers = { authorization: basic('ci') }
    const begun = await targetAt(rig.url).ask('/v2/team/new/blobs/uploads/', { method: 'POST', headers })
    const location = new URL(begun.headers.location ?? '', rig.url)
    const sending = request(location, { method: 'PATCH', headers: { ...headers, 'Content-Length': '2000' } })
    const status = new Promise<number | undefined>((resolve, reject) => {
      sending.on('error', reject)
      sending.on('response', answer => {
        answer.resume()
        resolve(answer.statusCode)
      })
    })
    sending.write('a'.repeat(1000))
    const restarted = rig.zotbar('restart')
    await eventually(async () => (await rig.status()).state === 'draining')
    setTimeout(() => sending.end('b'.repeat(1000)), pauseMs)
    expect(await status).toBe(202)
    expect((await restarted).code).toBe(0)
    expect((await rig.zotbar('status')).stdout).not.toContain('cut off')
  })
})
