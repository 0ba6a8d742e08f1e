import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../fakes/eventually.ts'
import { type AppRig, createAppRig } from '../integration/app/app-rig.ts'
import {
  type BuildOnDisk,
  clientOf,
  coreOf,
  firstBuild,
  isAlive,
  type Moment,
  makeBuild,
  makeKilled,
  serves,
} from '../integration/hand-over/second-build.ts'
import { sampleOf } from './samples.ts'

let second: BuildOnDisk & { remove(): void }
beforeAll(() => {
  second = makeBuild('second')
})
afterAll(() => second.remove())
let rig: AppRig
const log = () => join(rig.home, 'logs', 'app.log')
afterEach(async () => {
  const pid = (await coreOf(rig))?.app.pid
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
  await rig.end()
})

/** Who has the home in the end; `nobody` until somebody starts a core, while the registry goes on. */
type Outcome = 'old' | 'new' | 'nobody'

const moments: [victim: 'old' | 'new', moment: Moment, app: Outcome, terminal: Outcome][] = [
  ['new', 'before loaded', 'old', 'old'],
  ['new', 'after loaded', 'old', 'old'],
  ['new', 'at go', 'old', 'old'],
  ['new', 'before serving', 'old', 'old'],
  // The waiter ends with its core, as a core that was killed.
  ['new', 'after serving', 'nobody', 'nobody'],
  ['old', 'before loaded', 'nobody', 'nobody'],
  ['old', 'after loaded', 'nobody', 'nobody'],
  // Without the process that the terminal or the manager sees, nobody could end the new core from there.
  ['old', 'at go', 'new', 'nobody'],
  ['old', 'before serving', 'new', 'nobody'],
]

describe.each(['app', 'terminal'] as const)('in a hand-over of a core kept by %s', keeper => {
  it.each(sampleOf(moments))(
    'the %s one is killed %s: one core, or none and the registry goes on',
    async (victim, moment, app, terminal) => {
      rig = await createAppRig()
      const first = await rig.serving(['--keeper', keeper])
      const before = await serves(rig, firstBuild.build)
      const registry = before.process.kind === 'serving' ? before.process.pid : 0
      // What the caller is answered depends on who is killed.
      await clientOf(rig).app.handOver(makeKilled(rig.folder, second, moment, victim))
      const outcome = keeper === 'app' ? app : terminal
      if (outcome === 'old') {
        // Until then it is still the core that has not begun to close.
        if (victim === 'new' && (moment === 'at go' || moment === 'before serving'))
          await eventually(() => readFileSync(log(), 'utf8').includes('the next build did not serve'))
        const core = await serves(rig, firstBuild.build)
        expect(core.app.pid).toBe(first.pid)
      } else if (outcome === 'new') {
        const core = await serves(rig, 'second')
        expect(core.app.pid).not.toBe(first.pid)
        // It answers a moment before it says that it serves, which is when the old one is killed.
        await eventually(() => !isAlive(first.pid))
      } else {
        await first.exited
        await eventually(async () => (await coreOf(rig)) === undefined)
        expect(isAlive(registry)).toBe(true)
        await rig.serving()
      }
      const after = await coreOf(rig)
      expect(after?.process).toMatchObject({ kind: 'serving', pid: registry })
      expect((await fetch(`${rig.url}/v2/`)).status).toBe(200)
    },
  )
})
