import { createHook } from 'node:async_hooks'
import type { Clock } from '../../lib/clock.ts'

export interface FakeClock extends Clock {
  /** Lets time pass: fires every timer on the way, in order, each at its own moment; promises settle in between. */
  advance(ms: number): Promise<void>
  /** The wall clock alone moves, as after a sleep: what is now late fires once, all at the new time. */
  jump(ms: number): Promise<void>
  /** Deadlines that are still waiting, earliest first. */
  pending(): number[]
}

interface Timer {
  at: number
  until: number
  order: number
  fire: () => void
}

/** Starts on 1 March 2026, 12:00 UTC, unless told otherwise. */
export function fakeClock(start = Date.UTC(2026, 2, 1, 12)): FakeClock {
  let wall = start
  let passed = 0
  let order = 0
  const timers = new Set<Timer>()

  /** How long until a timer is due, by whichever clock reaches it first. */
  const left = (timer: Timer): number => Math.min(timer.at - wall, timer.until - passed)
  const next = (within: number): Timer | undefined =>
    [...timers]
      .filter(timer => left(timer) <= within)
      .sort((a, b) => left(a) - left(b) || a.order - b.order)[0]

  async function fireDue(within: () => number, move: (timer: Timer) => void): Promise<void> {
    await settle()
    for (let timer = next(within()); timer !== undefined; timer = next(within())) {
      move(timer)
      timers.delete(timer)
      timer.fire()
      await settle()
    }
  }

  return {
    now: () => wall,
    monotonic: () => passed,
    setTimer(at, fire) {
      const timer = { at, until: passed + (at - wall), order: order++, fire }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      const end = passed + ms
      const pass = (step: number) => {
        wall += step
        passed += step
      }
      await fireDue(
        () => end - passed,
        timer => pass(Math.max(0, left(timer))),
      )
      pass(end - passed)
    },
    async jump(ms) {
      wall += ms
      await fireDue(
        () => 0,
        () => {},
      )
    },
    pending: () => [...timers].map(timer => timer.at).sort((a, b) => a - b),
  }
}

/**
 * Promises that wait for nothing real are done after two turns of the event loop. Files are real: no time passes
 * while one is being read or written, or on a busy machine a deadline of 20 s would come before the file.
 */
async function settle(): Promise<void> {
  const end = performance.now() + 5_000
  for (let turn = 0; turn < 2; turn++) {
    await new Promise(resolve => setImmediate(resolve))
    if (fileWork.size > 0 && performance.now() < end) turn = -1
  }
}

/**
 * What is being done to files, by the id that async_hooks gives each call. `process.getActiveResourcesInfo()` would miss
 * `readFile` and `writeFile`, which are jobs of the thread pool since Node 26, and the closing of a file handle.
 */
const fileWork = new Set<number>()

createHook({
  trackPromises: false,
  init(id, type) {
    if (type.startsWith('FSREQ') || type === 'FILEHANDLECLOSEREQ') fileWork.add(id)
  },
  destroy(id) {
    fileWork.delete(id)
  },
}).enable()
