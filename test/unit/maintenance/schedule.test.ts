import { describe, expect, it } from 'vitest'
import {
  createSchedule,
  opensIn,
  parseTimeWindow,
  type Task,
} from '../../../registry/maintenance/schedule.ts'

const minute = 60_000
const midnight = Date.UTC(2026, 0, 1)

/** A clock whose timers fire when it is moved. */
function handClock() {
  let now = midnight
  let timers: { at: number; fire: () => void }[] = []
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
  return {
    now: () => now,
    timer: (ms: number, fire: () => void) => {
      const timer = { at: now + ms, fire }
      timers.push(timer)
      return () => {
        timers = timers.filter(it => it !== timer)
      }
    },
    waiting: () => timers.length,
    async move(ms: number): Promise<void> {
      const end = now + ms
      for (;;) {
        await settle()
        const next = timers.sort((a, b) => a.at - b.at)[0]
        if (!next || next.at > end) break
        timers.shift()
        now = next.at
        next.fire()
      }
      now = end
      await settle()
    },
  }
}

const task = (name: string, run: Task['run'], more: Partial<Task> = {}): Task => ({
  name,
  interval: 10 * minute,
  first: minute,
  window: undefined,
  run,
  ...more,
})

describe('schedule', () => {
  const start = (random = 0) => {
    const clock = handClock()
    return { clock, schedule: createSchedule({ now: clock.now, timer: clock.timer, random: () => random }) }
  }

  it('runs a task first when told, then at its interval, a little late', async () => {
    const { clock, schedule } = start(1)
    const runs: number[] = []
    schedule.set([task('a', async () => void runs.push((clock.now() - midnight) / minute))])
    await clock.move(30 * minute)
    expect(runs).toEqual([1.05, 11.55, 22.05])
  })

  it('runs one task at a time', async () => {
    const { clock, schedule } = start()
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    schedule.set([
      task('slow', async () => {
        order.push('slow begins')
        await gate.promise
        order.push('slow ends')
      }),
      task('quick', async () => void order.push('quick')),
    ])
    await clock.move(2 * minute)
    expect(order).toEqual(['slow begins'])
    gate.resolve()
    await clock.move(0)
    expect(order).toEqual(['slow begins', 'slow ends', 'quick'])
  })

  it('waits for its window', async () => {
    const { clock, schedule } = start()
    const runs: number[] = []
    const window = parseTimeWindow('02:00-02:15')
    schedule.set([task('a', async () => void runs.push((clock.now() - midnight) / minute), { window })])
    await clock.move(25 * 60 * minute)
    expect(runs).toEqual([120, 130])
  })

  it('holds waits that no timer of Node holds', async () => {
    const { clock, schedule } = start()
    let runs = 0
    schedule.set([task('a', async () => void runs++, { interval: 40 * 24 * 60 * minute })])
    await clock.move(41 * 24 * 60 * minute)
    expect(runs).toBe(2)
  })

  it('runs once without an interval', async () => {
    const { clock, schedule } = start()
    let runs = 0
    schedule.set([task('a', async () => void runs++, { interval: 0 })])
    await clock.move(60 * minute)
    expect(runs).toBe(1)
    expect(clock.waiting()).toBe(0)
  })

  it('stops: tells what runs, waits for its end, begins nothing more', async () => {
    const { clock, schedule } = start()
    const seen: string[] = []
    schedule.set([
      task('a', signal => new Promise(resolve => signal.addEventListener('abort', () => resolve()))),
      task('b', async () => void seen.push('b')),
    ])
    await clock.move(minute)
    await schedule.stop()
    await clock.move(60 * minute)
    expect(seen).toEqual([])
    expect(clock.waiting()).toBe(0)
  })

  it('takes new tasks in place of the old', async () => {
    const { clock, schedule } = start()
    const seen: string[] = []
    schedule.set([task('a', async () => void seen.push('a'))])
    schedule.set([task('b', async () => void seen.push('b'))])
    await clock.move(2 * minute)
    expect(seen).toEqual(['b'])
  })
})

describe('time window', () => {
  const at = (text: string): number => Date.parse(`2026-03-01T${text}Z`)
  it.each([
    ['01:00-03:00', '00:59:00', minute],
    ['01:00-03:00', '01:00:00', 0],
    ['01:00-03:00', '02:59:59', 0],
    ['01:00-03:00', '03:00:00', 22 * 60 * minute],
    ['22:00-04:00', '23:30:00', 0],
    ['22:00-04:00', '03:59:00', 0],
    ['22:00-04:00', '04:00:00', 18 * 60 * minute],
    ['00:00-00:00', '12:00:00', 0],
  ])('%s at %s opens in %d ms', (text, time, wait) => {
    const window = parseTimeWindow(text)
    expect(window && opensIn(window, at(time))).toBe(wait)
  })

  it('is nothing else', () => {
    for (const text of ['', '1:00-2:00', '24:00-01:00', '01:00-02:60', '01:00'])
      expect(parseTimeWindow(text)).toBeUndefined()
  })
})
