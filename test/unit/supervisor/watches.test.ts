import { describe, expect, it } from 'vitest'
import { watchAdopted } from '../../../main/supervisor/alive.ts'
import { watchForHang } from '../../../main/supervisor/hang.ts'
import type { Probe } from '../../../main/supervisor/http-probe.ts'
import { standardPolicy as policy } from '../../../main/supervisor/policy.ts'
import { watchReadiness } from '../../../main/supervisor/ready.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { place, runOf } from './drive.ts'

describe('readiness', () => {
  function watch(statuses: Record<string, (number | undefined)[]>, others = [false]) {
    const clock = fakeClock()
    const asked: number[] = []
    let ready = 0
    const next = <T>(list: T[]) => (list.length > 1 ? list.shift() : list[0])
    const stop = watchReadiness({
      run: runOf(10),
      clock,
      probe: async url => {
        asked.push(clock.monotonic())
        return next(statuses[url.slice(place.url.length)] ?? [undefined])
      },
      isOthers: async () => next(others) ?? false,
      onReady: () => ready++,
    })
    return { clock, asked, stop, ready: () => ready }
  }

  it('asks at once and often, later less often, and calls back once', async () => {
    const it = watch({ '/readyz': [...Array(40).fill(undefined), 503, 200] })
    await it.clock.advance(150)
    expect(it.asked.slice(0, 4)).toEqual([20, 40, 60, 80])
    await it.clock.advance(60_000)
    expect(it.ready()).toBe(1)
    expect(it.asked).toHaveLength(42)
    const gaps = it.asked.slice(1).map((time, i) => time - (it.asked[i] ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(250)
    expect(it.clock.pending()).toEqual([])
  })

  it('asks /v2/ where there is no /readyz; being asked to sign in there is a yes', async () => {
    const it = watch({ '/readyz': [404], '/v2/': [undefined, 401] })
    await it.clock.advance(100)
    expect(it.ready()).toBe(1)
  })

  it('does not take the yes of somebody else', async () => {
    const it = watch({ '/readyz': [200] }, [true, true, false])
    await it.clock.advance(50)
    expect(it.ready()).toBe(0)
    await it.clock.advance(50)
    expect(it.ready()).toBe(1)
  })

  it('ends when it is told to', async () => {
    const it = watch({ '/readyz': [undefined, 200] })
    it.stop()
    await it.clock.advance(1000)
    expect([it.ready(), it.asked]).toEqual([0, []])
  })
})

describe('hang detection', () => {
  function watch(answer: () => number | undefined | Promise<number | undefined>) {
    const clock = fakeClock()
    const hung: number[] = []
    let asked = 0
    const probe: Probe = async () => {
      asked++
      return answer()
    }
    const stop = watchForHang({ url: 'u', clock, probe, policy, onHung: at => hung.push(at) })
    return { clock, hung, stop, start: clock.now(), asked: () => asked }
  }

  it('asks every 5 s, and any answer will do', async () => {
    const it = watch(() => 500)
    await it.clock.advance(60_000)
    expect(it.asked()).toBe(12)
    expect(it.hung).toEqual([])
  })

  it('calls back after three misses in a row, with the time of the last answer', async () => {
    const answers = [200, undefined, undefined, 200, undefined, undefined, undefined]
    const it = watch(() => answers.shift())
    await it.clock.advance(60_000)
    expect(it.hung).toEqual([it.start + 20_000])
    expect(it.asked()).toBe(7)
    expect(it.clock.pending()).toEqual([])
  })

  it('does not hold sleep against the process', async () => {
    let miss: (() => void) | undefined
    const it = watch(() => new Promise(resolve => (miss = () => resolve(undefined))))
    for (let round = 0; round < 10; round++) {
      await it.clock.advance(5000)
      // Asleep in the middle of a question: its limit fires late.
      await it.clock.jump(3_600_000)
      miss?.()
    }
    await it.clock.advance(0)
    expect(it.hung).toEqual([])
  })

  it('forgets misses from before a sleep', async () => {
    const it = watch(() => undefined)
    await it.clock.advance(10_000)
    expect(it.asked()).toBe(2)
    await it.clock.jump(3_600_000)
    expect(it.hung).toEqual([])
    await it.clock.advance(10_000)
    expect(it.hung).toHaveLength(1)
  })

  it('ends when it is told to', async () => {
    const it = watch(() => undefined)
    await it.clock.advance(11_000)
    it.stop()
    await it.clock.advance(60_000)
    expect(it.hung).toEqual([])
  })
})

describe('an adopted process', () => {
  function watch() {
    const clock = fakeClock()
    const world = { alive: true, startTime: 77 as number | undefined, gone: 0, looks: 0 }
    watchAdopted({
      pid: 5,
      startTime: 77,
      clock,
      policy,
      processes: {
        alive: () => world.alive,
        startTime: async () => {
          world.looks++
          return world.startTime
        },
      },
      onGone: () => world.gone++,
    })
    return { clock, world }
  }

  it('that ends is noticed within 250 ms', async () => {
    const { clock, world } = watch()
    await clock.advance(10_000)
    expect(world.gone).toBe(0)
    world.alive = false
    await clock.advance(250)
    expect(world.gone).toBe(1)
    expect(clock.pending()).toEqual([])
  })

  it('whose pid was given to another process is noticed by its start time', async () => {
    const { clock, world } = watch()
    world.startTime = 78
    await clock.advance(policy.identityEvery)
    expect(world.gone).toBe(1)
  })

  it('is not given up because the process table could not be read', async () => {
    const { clock, world } = watch()
    world.startTime = undefined
    await clock.advance(4 * policy.identityEvery)
    expect(world).toMatchObject({ gone: 0, looks: 4 })
  })
})
