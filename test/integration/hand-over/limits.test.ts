import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { smallVolume } from '../../fakes/small-volume.ts'
import { type AppRig, createAppRig } from '../app/app-rig.ts'
import {
  type BuildOnDisk,
  clientOf,
  coreOf,
  firstBuild,
  isAlive,
  makeBroken,
  makeBuild,
  serves,
} from './second-build.ts'

let second: BuildOnDisk & { remove(): void }
beforeAll(() => {
  second = makeBuild('second')
})
afterAll(() => second.remove())
let rig: AppRig
let child: ChildProcess | undefined
let unmount = (): void => {}
afterEach(async () => {
  const core = await coreOf(rig)
  if (core) process.kill(core.app.pid, 'SIGKILL')
  // Before its record goes with the volume.
  if (core?.process.kind === 'serving') process.kill(core.process.pid, 'SIGKILL')
  child?.kill('SIGKILL')
  child = undefined
  unmount()
  unmount = () => {}
  await rig.end()
})

/** The core of the sources, with a limit of `limitMs`. */
async function impatient(limitMs: number) {
  rig = await createAppRig()
  const program = join(import.meta.dirname, '..', '..', 'fakes', 'impatient-core.ts')
  const args = [program, String(limitMs), '--json', '--dashboard-port', '0', '--keeper', 'app']
  child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], HOME: rig.folder, ZOTBAR_HOME: rig.home },
    stdio: 'ignore',
  })
  const core = await serves(rig, 'source', 30_000)
  return { pid: core.app.pid, registry: core.process.kind === 'serving' ? core.process.pid : 0 }
}

describe('a build that hangs', () => {
  it('before it has loaded is ended and refused', async () => {
    const { pid, registry } = await impatient(700)
    const hangs = makeBroken(rig.folder, 'hangs', `${noteOf(rig.folder)} setInterval(() => {}, 1000)`)
    expect(await clientOf(rig).app.handOver(hangs)).toEqual({
      ok: false,
      error: { code: 'hand-over-refused', reason: 'it was not loaded within 0.7 s' },
    })
    const core = await serves(rig, 'source')
    expect(core.app.pid).toBe(pid)
    expect(core.process).toMatchObject({ pid: registry })
    expect(isAlive(notedPid(rig.folder))).toBe(false)
  })

  it('once it has the home is ended, and the one from before serves again', async () => {
    const { pid, registry } = await impatient(700)
    const hangs = makeBroken(
      rig.folder,
      'hangs',
      `say(loaded); await heard; ${noteOf(rig.folder)} setInterval(() => {}, 1000)`,
    )
    expect(await clientOf(rig).app.handOver(hangs)).toMatchObject({ ok: true })
    await expect.poll(() => loggedIn(rig), { timeout: 20_000 }).toContain('it did not serve within 0.7 s')
    const core = await serves(rig, 'source')
    expect(core.app.pid).toBe(pid)
    expect(core.process).toMatchObject({ pid: registry })
    expect(isAlive(notedPid(rig.folder))).toBe(false)
    expect(readFileSync(join(rig.home, 'app.lock'), 'utf8')).toContain(`"pid":${pid}`)
  })
})

const noteOf = (folder: string): string =>
  `;(await import('node:fs')).writeFileSync(${JSON.stringify(join(folder, 'pid'))}, String(process.pid));`
const notedPid = (folder: string): number => Number(readFileSync(join(folder, 'pid'), 'utf8'))
const loggedIn = ({ home }: AppRig): string => readFileSync(join(home, 'logs', 'app.log'), 'utf8')

describe.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
  'a full disk (needs root, to mount a small one)',
  () => {
    async function onSmallVolume() {
      rig = await createAppRig()
      const small = smallVolume(rig.home, '8m')
      expect(small.mounted).toBe(true)
      unmount = small.unmount
      const first = await rig.serving()
      const { process: state } = await serves(rig, firstBuild.build)
      return { first, registry: state.kind === 'serving' ? state.pid : 0 }
    }
    it('before a hand-over refuses it, and nothing is given up', async () => {
      const { first } = await onSmallVolume()
      try {
        for (let number = 0; ; number += 1) writeFileSync(join(rig.home, `fill-${number}`), 'x'.repeat(4096))
      } catch {
        // Full.
      }
      const answer = await clientOf(rig).app.handOver(second)
      expect(answer).toMatchObject({ ok: false, error: { code: 'hand-over-refused' } })
      expect((await coreOf(rig))?.app.pid).toBe(first.pid)
    })

    it('that comes in the middle of it leaves the core from before, and the next hand-over works', async () => {
      const { first, registry } = await onSmallVolume()
      const main = join(rig.folder, 'filling.mjs')
      mkdirSync(rig.folder, { recursive: true })
      writeFileSync(
        main,
        `import { Socket } from 'node:net'
         import { writeFileSync, rmSync } from 'node:fs'
         const { push } = Socket.prototype
         Socket.prototype.push = function (piece, ...more) {
           if (piece && String(piece).includes('"say":"go"')) {
             try {
               for (let n = 0; ; n++) writeFileSync(${JSON.stringify(rig.home)} + '/fill-' + n, 'x'.repeat(4096))
             } catch {}
           }
           return push.call(this, piece, ...more)
         }
         await import(${JSON.stringify(second.main)})`,
      )
      expect(await clientOf(rig).app.handOver({ ...second, main })).toMatchObject({ ok: true })
      const core = await serves(rig, firstBuild.build)
      await expect.poll(() => first.error()?.code).toBe('hand-over-failed')
      const again = await serves(rig, firstBuild.build)
      expect([core.app.pid, again.app.pid]).toEqual([first.pid, first.pid])
      expect(again.process).toMatchObject({ pid: registry })
      for (let number = 0; number < 4000; number += 1)
        rmSync(join(rig.home, `fill-${number}`), { force: true })
      expect(await clientOf(rig).app.handOver(second)).toMatchObject({ ok: true })
      expect((await serves(rig, 'second')).process).toMatchObject({ pid: registry })
    })
  },
)
