import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { untilReachable } from '../../../client/reach-core.ts'
import { writeKeeper } from '../../../lib/keeper-file.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'

let home: string
let socketPath: string
let server: Server | undefined

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-reach-'))
  socketPath = join(home, 'control.sock')
  await mkdir(join(home, 'run'))
})
afterEach(async () => {
  server?.close()
  server = undefined
  await rm(home, { recursive: true })
})

const keptBy = (pid: number): Promise<void> =>
  writeKeeper(home, { keeper: 'app', pid, build: 'b', version: '1', startedAt: 1 })
const listen = (): Promise<void> =>
  new Promise(resolve => {
    server = createServer().listen(socketPath, resolve)
  })

describe('a control socket', () => {
  it('that nobody listens on is waited for while a core means to run', async () => {
    await keptBy(process.pid)
    const clock = fakeClock()
    let reached: boolean | undefined
    void untilReachable({ home, socketPath, clock, limitMs: 1e9 }).then(value => {
      reached = value
    })
    const wait = async () => {
      await clock.advance(25)
      return reached
    }
    for (let look = 0; look < 20; look += 1) expect(await wait()).toBeUndefined()
    await listen()
    expect(await eventually(wait)).toBe(true)
  })

  it('is waited for no longer than the limit', async () => {
    await keptBy(process.pid)
    const clock = fakeClock(0)
    let reached: boolean | undefined
    void untilReachable({ home, socketPath, clock }).then(value => {
      reached = value
    })
    await eventually(async () => {
      await clock.advance(25)
      return reached !== undefined
    })
    expect(reached).toBe(false)
    expect(clock.now()).toBeGreaterThanOrEqual(2_000)
    expect(clock.now()).toBeLessThan(4_000)
  })

  it('is not waited for where no core means to run, or the one that did has died', async () => {
    const clock = fakeClock()
    expect(await untilReachable({ home, socketPath, clock })).toBe(false)
    await keptBy(2 ** 30)
    expect(await untilReachable({ home, socketPath, clock })).toBe(false)
    await listen()
    expect(await untilReachable({ home, socketPath, clock })).toBe(true)
  })
})
