import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type AppRig, createAppRig } from '../app/app-rig.ts'
import {
  type BuildOnDisk,
  clientOf,
  coreOf,
  firstBuild,
  isAlive,
  keeperOf,
  makeBuild,
  serves,
} from './second-build.ts'

let second: BuildOnDisk & { remove(): void }
let third: BuildOnDisk & { remove(): void }
beforeAll(() => {
  second = makeBuild('second')
  third = makeBuild('third')
})
afterAll(() => {
  second.remove()
  third.remove()
})
let rig: AppRig
afterEach(async () => {
  const pid = (await coreOf(rig))?.app.pid
  await rig.end()
  if (pid !== undefined && pid !== process.pid && isAlive(pid)) process.kill(pid, 'SIGKILL')
})

describe.each(['terminal', 'service', 'app'] as const)('a core kept by %s', keeper => {
  it('hands over to another build, twice, and the registry never notices', async () => {
    rig = await createAppRig()
    const app = await rig.serving(['--keeper', keeper])
    const before = await serves(rig, firstBuild.build)
    const registry = before.process.kind === 'serving' ? before.process.pid : 0
    const answer = await clientOf(rig).app.handOver(second)
    expect(answer).toMatchObject({ ok: true, value: { build: 'second' } })
    const after = await serves(rig, 'second')
    expect(after.process).toMatchObject({ kind: 'serving', pid: registry, adopted: true })
    expect(answer).toMatchObject({ ok: true, value: { pid: after.app.pid } })
    expect(keeperOf(rig)).toMatchObject({ keeper, pid: after.app.pid, build: 'second' })
    expect(after.app.keeper).toBe(keeper)
    if (keeper === 'app') expect(await app.exited).toBe(0)
    else expect(isAlive(app.pid)).toBe(true)

    expect(await clientOf(rig).app.handOver(third)).toMatchObject({ ok: true })
    const last = await serves(rig, 'third')
    expect(last.process).toMatchObject({ kind: 'serving', pid: registry })
    expect(keeperOf(rig)).toMatchObject({ keeper, pid: last.app.pid, build: 'third' })
    await expect.poll(() => isAlive(after.app.pid)).toBe(false)
    if (keeper === 'app') process.kill(last.app.pid, 'SIGTERM')
    else {
      app.kill('SIGTERM')
      expect(await app.exited).toBe(0)
    }
    await expect.poll(() => isAlive(last.app.pid)).toBe(false)
    expect(isAlive(registry)).toBe(false)
  })
})
