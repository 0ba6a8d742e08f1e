import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { smallVolume } from '../../fakes/small-volume.ts'
import { type AppRig, createAppRig } from './app-rig.ts'

let rig: AppRig
let unmount = (): void => {}
afterEach(async () => {
  for (const app of started) app.kill('SIGKILL')
  await Promise.all(started.splice(0).map(app => app.exited))
  killRegistry()
  unmount()
  unmount = () => {}
  await rig.end()
})

async function onSmallVolume(within = ''): Promise<void> {
  rig = await createAppRig(undefined, {}, within)
  mkdirSync(dirname(rig.home), { recursive: true })
  const small = smallVolume(rig.home, '8m')
  expect(small.mounted).toBe(true)
  unmount = small.unmount
}

/** Small files at last, so that not one block is left. */
function fill(): void {
  for (const size of [262_144, 4096, 1])
    try {
      for (let number = 0; ; number += 1)
        writeFileSync(join(rig.home, `fill-${size}-${number}`), 'x'.repeat(size))
    } catch {
      // Full.
    }
}

const started: ReturnType<AppRig['start']>[] = []
async function serving() {
  const app = rig.start()
  started.push(app)
  const end = app.exited.then(() => {
    throw new Error(JSON.stringify(app.error()) + app.stderr())
  })
  await Promise.race([app.reach('serving'), end])
  return app
}
const recorded = (): number => JSON.parse(readFileSync(join(rig.home, 'run', 'registry.json'), 'utf8')).pid
function killRegistry(): void {
  try {
    process.kill(recorded(), 'SIGKILL')
  } catch {
    // It is gone.
  }
}

describe.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
  'a core that was killed on a full disk (needs root, to mount a small one)',
  () => {
    it.each([
      ['at a usual path', ''],
      ['too deep for a socket in it', 'x'.repeat(90)],
    ])('starts again and takes the registry over, as often as it is killed: %s', async (_, within) => {
      await onSmallVolume(within)
      let core = await serving()
      const registry = recorded()
      for (let times = 0; times < 3; times += 1) {
        fill()
        core.kill('SIGKILL')
        await core.exited
        core = await serving()
        expect((await rig.status()).registry).toMatchObject({ pid: registry })
        expect(JSON.parse(readFileSync(join(rig.home, 'run', 'keeper.json'), 'utf8')).pid).toBe(core.pid)
      }
    })

    it('starts its registry again where that ended too', async () => {
      await onSmallVolume()
      const core = await serving()
      fill()
      core.kill('SIGKILL')
      killRegistry()
      await core.exited
      const before = recorded()
      await serving()
      expect(recorded()).not.toBe(before)
    })

    it('says so where there is no room for its lock, and leaves what there is', async () => {
      await onSmallVolume()
      const core = await serving()
      fill()
      rmSync(join(rig.home, 'run', 'start.reserve'))
      fill()
      core.kill('SIGKILL')
      await core.exited
      const next = rig.start()
      expect(await next.exited).toBe(1)
      expect(next.error()).toEqual({ code: 'home-unusable', path: rig.home, reason: 'the volume is full' })
      rmSync(join(rig.home, 'fill-262144-0'))
      await serving()
    })
  },
)
