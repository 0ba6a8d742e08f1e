import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readKeeper } from '../../lib/keeper-file.ts'
import { eventually } from '../fakes/eventually.ts'
import { KeeperRig, type KeptBy, keepers } from '../fakes/keepers/keeper-rig.ts'
import {
  type BuildOnDisk,
  clientOf,
  coreOf,
  isAlive,
  makeBuild,
  serves,
} from '../integration/hand-over/second-build.ts'
import { sampleOf } from './samples.ts'

let second: BuildOnDisk & { remove(): void }
beforeAll(() => {
  second = makeBuild('second')
})
afterAll(() => second.remove())
let rig: KeeperRig
afterEach(() => rig.end())

/** A core that was handed over: its pid, and that of the process which the keeper started. */
async function handedOver(by: KeptBy): Promise<{ core: number; started: number; registry: number }> {
  rig = await KeeperRig.make(by)
  await rig.start()
  expect(await clientOf(rig).app.handOver(second)).toMatchObject({ ok: true })
  const { app, process: state } = await serves(rig, 'second')
  expect(state).toMatchObject({ kind: 'serving', pid: rig.before.registry })
  return { core: app.pid, started: rig.before.core, registry: rig.before.registry }
}

/** The core that its keeper started again. */
const another = (than: number) =>
  eventually(async () => {
    const found = await coreOf(rig)
    return found && found.app.pid !== than && found.process.kind === 'serving' ? found : undefined
  })

describe.each(sampleOf(keepers))('after a hand-over of a core kept by %s', by => {
  it('a core that is killed is started again by its keeper alone, and the registry goes on', async () => {
    const { core, started, registry } = await handedOver(by)
    process.kill(core, 'SIGKILL')
    if (by === 'terminal') {
      await eventually(() => !isAlive(started))
      expect(await coreOf(rig)).toBeUndefined()
      expect(isAlive(registry)).toBe(true)
    } else expect((await another(core)).process).toMatchObject({ pid: registry })
  })

  // Of a core that an app keeps, nobody stands in for the one before.
  const standsIn = by === 'app' ? [] : ['stands in']
  it.each(standsIn)('the process that %s for it is killed: as if it were the core', async () => {
    const { core, started, registry } = await handedOver(by)
    process.kill(started, 'SIGKILL')
    await eventually(() => !isAlive(core))
    if (by === 'terminal') {
      expect(await coreOf(rig)).toBeUndefined()
      expect(isAlive(registry)).toBe(true)
    } else expect((await another(core)).process).toMatchObject({ pid: registry })
  })

  it('zotbar quit ends it and all that stands for it, and nobody starts it again', async () => {
    const { core, started, registry } = await handedOver(by)
    expect((await rig.rig.zotbar('quit')).code).toBe(0)
    await eventually(() => !isAlive(started) && rig.isSettled())
    expect([core, started, registry].filter(isAlive)).toEqual([])
    expect(readKeeper(rig.home)).toBeUndefined()
  })

  it('the end of the session ends it and the registry', async () => {
    const { core, started, registry } = await handedOver(by)
    rig.logOut()
    await eventually(() => ![core, started, registry].some(isAlive))
    expect(await coreOf(rig)).toBeUndefined()
  })
})
