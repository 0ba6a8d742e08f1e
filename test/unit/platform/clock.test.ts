import { pbkdf2 } from 'node:crypto'
import { createReadStream, readFileSync, readFile as readFileWithCallback } from 'node:fs'
import { appendFile, copyFile, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../lib/clock.ts'
import { fakeClock } from '../../fakes/clock.ts'

const derive = promisify(pbkdf2)

async function writeDurably(file: string) {
  const handle = await open(file, 'w')
  await handle.write('word')
  await handle.sync()
  await handle.close()
}

describe('the system clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('a timer fires once, at its deadline', () => {
    const clock = systemClock()
    const fire = vi.fn()
    clock.setTimer(clock.now() + 60_000, fire)
    vi.advanceTimersByTime(59_999)
    expect(fire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    vi.advanceTimersByTime(100_000)
    expect(fire).toHaveBeenCalledTimes(1)
  })

  test('a deadline in the past fires with the next turn, never at once', () => {
    const clock = systemClock()
    const fire = vi.fn()
    clock.setTimer(clock.now() - 5, fire)
    expect(fire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(fire).toHaveBeenCalledTimes(1)
  })

  test('a deadline that passed during sleep fires once, soon after or as soon as waking is told', () => {
    const clock = systemClock()
    const [late, later, cancelled] = [vi.fn(), vi.fn(), vi.fn()]
    clock.setTimer(clock.now() + 3_600_000, late)
    clock.setTimer(clock.now() + 7_200_000, later)
    const cancel = clock.setTimer(clock.now() + 3_600_000, cancelled)
    cancel()
    vi.setSystemTime(clock.now() + 3_600_001)
    clock.woke()
    clock.woke()
    expect([late.mock.calls.length, later.mock.calls.length, cancelled.mock.calls.length]).toEqual([1, 0, 0])
    vi.setSystemTime(clock.now() + 3_600_001)
    vi.advanceTimersByTime(15_000)
    expect(later).toHaveBeenCalledTimes(1)
  })

  test('a sleep that nobody tells of is noticed, before what was due in it fires', () => {
    const clock = systemClock()
    const seen: string[] = []
    clock.onWake(() => seen.push('woke'))
    clock.setTimer(clock.now() + 600_000, () => seen.push('fired'))
    vi.advanceTimersByTime(60_000)
    expect(seen).toEqual([])
    vi.setSystemTime(clock.now() + 3_600_000)
    clock.setTimer(clock.now() + 60_000, () => {})
    vi.advanceTimersByTime(15_000)
    expect(seen).toEqual(['woke', 'fired'])
    vi.advanceTimersByTime(60_000)
    clock.setTimer(clock.now() + 10, () => seen.push('later'))
    vi.advanceTimersByTime(60_000)
    expect(seen).toEqual(['woke', 'fired', 'later'])
  })

  test('a listener may take back what was due in a sleep', () => {
    const clock = systemClock()
    const fire = vi.fn()
    const cancel = clock.setTimer(clock.now() + 60_000, fire)
    clock.onWake(cancel)
    vi.setSystemTime(clock.now() + 3_600_000)
    vi.advanceTimersByTime(60_000)
    expect(fire).not.toHaveBeenCalled()
  })

  test('a clock that is set back delays nothing', () => {
    const clock = systemClock()
    const fire = vi.fn()
    clock.setTimer(clock.now() + 1000, fire)
    vi.setSystemTime(clock.now() - 86_400_000)
    vi.advanceTimersByTime(1000)
    expect(fire).toHaveBeenCalledTimes(1)
  })
})

describe('the fake clock', () => {
  test('timers fire in order, each at its own moment, also those set on the way', async () => {
    const clock = fakeClock(0)
    const seen: [string, number][] = []
    clock.setTimer(20, () => seen.push(['b', clock.now()]))
    clock.setTimer(10, async () => {
      seen.push(['a', clock.now()])
      await Promise.resolve()
      clock.setTimer(15, () => seen.push(['c', clock.now()]))
    })
    clock.setTimer(12, () => seen.push(['never', 0]))()
    await clock.advance(30)
    expect(seen).toEqual([
      ['a', 10],
      ['c', 15],
      ['b', 20],
    ])
    expect([clock.now(), clock.monotonic(), clock.pending()]).toEqual([30, 30, []])
  })

  test('no time passes while a file is read, however busy the machine is', async () => {
    const clock = fakeClock(0)
    const seen: string[] = []
    // Fills the threads that files are read on.
    const busy = Array.from({ length: 8 }, () => derive('word', 'salt', 200_000, 32, 'sha256'))
    const reading = readFile(join(import.meta.dirname, 'not-there')).catch(() => void seen.push('read'))
    clock.setTimer(20_000, () => seen.push('too late'))
    await clock.advance(30_000)
    expect(seen).toEqual(['read', 'too late'])
    await Promise.all([...busy, reading])
  })

  const here = import.meta.filename
  test.each<[string, (folder: string) => Promise<unknown>]>([
    ['a whole file is read', () => readFile(here)],
    ['a whole file is read, with a callback', () => promisify(readFileWithCallback)(here)],
    ['a file is written', folder => writeFile(join(folder, 'a'), 'word')],
    ['a file is appended to', folder => appendFile(join(folder, 'a'), 'word')],
    ['a file is written durably', folder => writeDurably(join(folder, 'a'))],
    ['a file is streamed', () => createReadStream(here).toArray()],
    ['a file is copied', folder => copyFile(here, join(folder, 'a'))],
    ['a file is looked at', () => stat(here)],
    ['a folder is listed', folder => readdir(folder)],
    ['a folder is removed', folder => rm(folder, { recursive: true })],
  ])('no time passes while %s', async (_, work) => {
    const clock = fakeClock(0)
    const folder = await mkdtemp(join(tmpdir(), 'zotbar-clock-'))
    const seen: string[] = []
    const busy = Array.from({ length: 8 }, () => derive('word', 'salt', 20_000, 32, 'sha256'))
    const working = work(folder).then(() => seen.push('done'))
    clock.setTimer(20_000, () => seen.push('too late'))
    await clock.advance(30_000)
    expect(seen).toEqual(['done', 'too late'])
    await Promise.all([...busy, working])
    await rm(folder, { recursive: true, force: true })
  })

  test('nothing is taken for work on a file for ever: time passes at once when all is done', async () => {
    const clock = fakeClock(0)
    readFileSync(here)
    await Promise.all([readFile(here), stat(here), readFile('not-there').catch(() => {})])
    const abandoned = AbortSignal.abort()
    await readFile(here, { signal: abandoned }).catch(() => {})
    const started = performance.now()
    await clock.advance(30_000)
    expect(performance.now() - started).toBeLessThan(2_500)
  })

  test('a jump moves the wall clock alone', async () => {
    const clock = fakeClock(0)
    const seen: number[] = []
    clock.setTimer(10, () => seen.push(clock.now()))
    await clock.jump(1000)
    expect([seen, clock.now(), clock.monotonic()]).toEqual([[1000], 1000, 0])
    clock.setTimer(1010, () => seen.push(clock.monotonic()))
    await clock.jump(-500)
    await clock.advance(10)
    expect(seen).toEqual([1000, 10])
  })
})
