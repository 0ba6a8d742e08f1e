import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { KeeperRig } from '../../fakes/keepers/keeper-rig.ts'
import { halfUpload } from '../registry/client.ts'
import { ask, connectTo } from '../registry/registry-process.ts'

let rig: KeeperRig | undefined
afterEach(() => rig?.end())

/** Everything up, and a push that waits for its second half while the user logs out. */
async function logOutDuringPush(by: 'app' | 'launchd') {
  const made = await KeeperRig.make(by)
  rig = made
  await made.start()
  const { port } = made.rig
  const push = await halfUpload(
    { ask: (path, options) => ask(port, path, options), connect: () => connectTo(port) },
    'team/app',
  )
  made.logOut()
  await eventually(async () => (await made.rig.status()).state !== 'serving')
  return { made, push }
}
const nothing = { core: 'none', registry: 'none' }

describe.each(['app', 'launchd'] as const)('a logout during a push, with a core kept by %s', by => {
  it('waits for a push that ends soon', async () => {
    const { made, push } = await logOutDuringPush(by)
    expect(await push.finish()).toBe(201)
    await eventually(async () => (await made.observe()).core === 'none')
    await eventually(() => made.isSettled())
    expect(await made.observe()).toEqual(nothing)
  })

  it('cuts off one that does not, and leaves nothing behind', async () => {
    const { made } = await logOutDuringPush(by)
    await eventually(async () => (await made.observe()).core === 'none')
    await eventually(() => made.isSettled())
    expect(await made.observe()).toEqual(nothing)
  })
})
