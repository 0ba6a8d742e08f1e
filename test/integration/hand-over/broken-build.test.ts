import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { type AppRig, createAppRig } from '../app/app-rig.ts'
import {
  type BuildOnDisk,
  clientOf,
  firstBuild,
  isAlive,
  keeperOf,
  makeBroken,
  makeBuild,
  serves,
} from './second-build.ts'

let second: BuildOnDisk & { remove(): void }
let headless: BuildOnDisk & { remove(): void }
beforeAll(() => {
  second = makeBuild('second')
  headless = makeBuild('headless')
  rmSync(join(dirname(headless.main), '..', 'registry'), { recursive: true })
})
afterAll(() => {
  second.remove()
  headless.remove()
})
let rig: AppRig
afterEach(() => rig.end())

const serving = async (args: string[] = []) => {
  rig = await createAppRig(undefined, { ZOTBAR_ENGINE_COPY: 'on' })
  const first = await rig.serving(args)
  const { process: state } = await serves(rig, firstBuild.build)
  return { first, registry: state.kind === 'serving' ? state.pid : 0 }
}

describe('a build that does not come up', () => {
  it('is refused with the reason, and costs nothing', async () => {
    const { first, registry } = await serving()
    const broken: [build: BuildOnDisk, reason: RegExp][] = [
      [makeBroken(rig.folder, 'ends', 'process.exit(7)'), /exit code 7/],
      [makeBroken(rig.folder, 'dies', "process.kill(process.pid, 'SIGKILL')"), /signal SIGKILL/],
      [makeBroken(rig.folder, 'other', "say({ hello: 'there' })"), /not a core/],
      [makeBroken(rig.folder, 'text', "channel.write('hello\\n')"), /not a core/],
      [makeBroken(rig.folder, 'contract', 'say({ ...loaded, contract: 99 })'), /contract is 99/],
      [makeBroken(rig.folder, 'format', 'say({ ...loaded, home: 99 })'), /format 99/],
      [{ ...second, build: 'another' }, /its build is second, not another/],
      [{ ...second, node: join(rig.folder, 'no-node') }, /cannot be run/],
    ]
    for (const [build, reason] of broken) {
      expect(await clientOf(rig).app.handOver(build)).toEqual({
        ok: false,
        error: { code: 'hand-over-refused', reason: expect.stringMatching(reason) },
      })
      const core = await serves(rig, firstBuild.build)
      expect(core.app).toMatchObject({ pid: first.pid })
      expect(core.process).toMatchObject({ pid: registry })
    }
    // Nothing was given up: the next one may come.
    expect(await clientOf(rig).app.handOver(second)).toMatchObject({ ok: true })
    expect((await serves(rig, 'second')).process).toMatchObject({ pid: registry })
    first.kill('SIGTERM')
    expect(await first.exited).toBe(0)
  })

  it.each(['service', 'app'])(
    'is no reason to need the files of the one from before: its package may be gone (kept by %s)',
    async keeper => {
      const { first, registry } = await serving(['--keeper', keeper])
      const removed = makeBuild('removed')
      await clientOf(rig).app.handOver(removed)
      const { app } = await serves(rig, 'removed')
      // Its engine is copied in the first moments that it serves.
      const copies = join(rig.home, 'engines', 'own')
      await eventually(() => readdirSync(copies).some(name => name.startsWith('removed-')))
      removed.remove()
      const dies = makeBroken(rig.folder, 'dies', "say(loaded); await heard; throw new Error('no')")
      expect(await clientOf(rig).app.handOver(dies)).toMatchObject({ ok: true })
      await eventually(() =>
        readFileSync(join(rig.home, 'logs', 'app.log'), 'utf8').includes('the next build did not serve'),
      )
      const again = await serves(rig, 'removed')
      expect(again.app.pid).toBe(app.pid)
      expect(again.process).toMatchObject({ pid: registry })
      // And the next one, from a build whose files are gone.
      expect(await clientOf(rig).app.handOver(second)).toMatchObject({ ok: true })
      const next = await serves(rig, 'second')
      expect(next.process).toMatchObject({ pid: registry })
      process.kill(keeper === 'app' ? next.app.pid : first.pid, 'SIGTERM')
      await eventually(() => !isAlive(next.app.pid) && !isAlive(first.pid))
      expect(isAlive(registry)).toBe(false)
    },
  )

  it.each<[string, () => BuildOnDisk]>([
    ['throws', () => makeBroken(rig.folder, 'throws', "say(loaded); await heard; throw new Error('no')")],
    ['cannot start its engine', () => headless],
    [
      'says that it failed',
      () =>
        makeBroken(
          rig.folder,
          'fails',
          "say(loaded); await heard; say({ say: 'failed', error: { code: 'quitting' } }); await new Promise(() => {})",
        ),
    ],
  ])(
    'and %s once it has the home: the one from before serves again, in its own process',
    async (_, build) => {
      for (const keeper of ['terminal', 'app']) {
        const { first, registry } = await serving(['--keeper', keeper])
        expect(await clientOf(rig).app.handOver(build())).toMatchObject({ ok: true })
        const core = await serves(rig, firstBuild.build)
        expect(core.app).toMatchObject({ pid: first.pid, keeper })
        expect(core.process).toMatchObject({ pid: registry })
        expect(keeperOf(rig)).toMatchObject({ pid: first.pid, keeper })
        // And again, with one that does.
        expect(await clientOf(rig).app.handOver(second)).toMatchObject({ ok: true })
        const next = await serves(rig, 'second')
        expect(next.process).toMatchObject({ pid: registry })
        process.kill(next.app.pid, 'SIGTERM')
        expect(await first.exited).toBe(0)
        await expect.poll(() => isAlive(next.app.pid)).toBe(false)
        if (keeper === 'terminal') await rig.end()
      }
    },
  )
})
