import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
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

/** The command line of a build, in the home of the rig. */
const zotbarOf = ({ main }: BuildOnDisk, ...args: string[]) =>
  new Promise<{ code: number; stdout: string }>(done => {
    const env = { PATH: process.env['PATH'], HOME: rig.folder, ZOTBAR_HOME: rig.home }
    const cli = join(dirname(main), '..', 'cli', 'main.mjs')
    execFile(process.execPath, [cli, ...args], { env }, (error, stdout) =>
      done({ code: Number(error?.code ?? 0), stdout }),
    )
  })

describe('zotbar hand-over', () => {
  it('lets the build take over that it belongs to, once', async () => {
    rig = await createAppRig()
    await rig.serving()
    const handed = await zotbarOf(second, 'hand-over', '--json')
    const { app } = await serves(rig, 'second')
    expect(handed.code).toBe(0)
    expect(JSON.parse(handed.stdout)).toEqual({
      handedOver: true,
      pid: app.pid,
      version: second.version,
      build: 'second',
    })
    expect(await zotbarOf(second, 'hand-over')).toEqual({
      code: 0,
      stdout: `What runs is this Zotbar already: ${second.version}, process ${app.pid}.\n`,
    })
    const { stdout } = await zotbarOf(third, 'hand-over')
    const after = await serves(rig, 'third')
    expect(stdout).toBe(
      `Zotbar ${third.version} (build third) took over from ${second.version} (build second), as process ${after.app.pid}. The registry went on.\n`,
    )
  })

  it('tells that the build did not serve, and that the one from before goes on', async () => {
    rig = await createAppRig()
    const first = await rig.serving()
    const broken = makeBuild('broken')
    rmSync(join(dirname(broken.main), '..', 'registry'), { recursive: true })
    const handed = await zotbarOf(broken, 'hand-over', '--json')
    broken.remove()
    expect(handed.code).toBe(1)
    expect(JSON.parse(handed.stdout)).toMatchObject({ error: { code: 'hand-over-failed' } })
    expect((await serves(rig, firstBuild.build)).app.pid).toBe(first.pid)
  })
})

describe.each(['terminal', 'service', 'app'] as const)('a core kept by %s', keeper => {
  it('hands over to another build, twice, and the registry never notices', async () => {
    rig = await createAppRig()
    const app = await rig.serving(['--keeper', keeper])
    const before = await serves(rig, firstBuild.build)
    const registry = before.process.kind === 'serving' ? before.process.pid : 0
    const seen = app.lines.length
    const answer = await clientOf(rig).app.handOver(second)
    expect(answer).toMatchObject({ ok: true, value: { build: 'second' } })
    const after = await serves(rig, 'second')
    expect(after.process).toMatchObject({ kind: 'serving', pid: registry, adopted: true })
    expect(answer).toMatchObject({ ok: true, value: { pid: after.app.pid } })
    expect(keeperOf(rig)).toMatchObject({ keeper, pid: after.app.pid, build: 'second' })
    expect(after.app.keeper).toBe(keeper)
    // The lines of the successor go where those of the core before it went.
    const line = await app.reach('serving', seen)
    expect(line.registry).toMatchObject({ url: rig.url, pid: registry })
    expect(line.dashboard?.url).toMatch(
      keeper === 'terminal' ? /^http:.*#token=[\w-]{40,}$/ : /^http:\/\/127[\d.:]+\/$/,
    )
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
