import { describe, expect, it } from 'vitest'
import { createHistory } from '../../../core/storage/history.ts'
import type { LastCount, StoredHistory } from '../../../core/storage/history-file.ts'

const day = 86_400_000
const start = Date.parse('2026-03-01T12:00:00Z')

function memoryFile(first: StoredHistory[] = []) {
  const file = {
    value: first,
    writes: 0,
    fails: false,
    read: async () => structuredClone(file.value),
    write: async (value: StoredHistory[]) => {
      if (file.fails) throw new Error('disk full')
      file.writes += 1
      file.value = structuredClone(value)
    },
  }
  return file
}
const count = (asOf: number, bytes: number): LastCount => ({
  asOf,
  bytes,
  repositories: 1,
  tags: 2,
  biggest: [],
})
const quiet = { log: () => undefined }

describe('the size history', () => {
  it('is there again after a restart, with the last count', async () => {
    const file = memoryFile()
    const first = createHistory({ file, ...quiet })
    expect(await first.open('/data')).toBeUndefined()
    for (let n = 0; n <= 10; n += 1) first.record(count(start + n * day, n * 1000))
    await first.close()
    const second = createHistory({ file, ...quiet })
    expect(await second.open('/data')).toEqual(count(start + 10 * day, 10_000))
    const trend = second.trend(start + 10 * day)
    expect(trend.growth).toEqual({ bytes: 10_000, days: 10 })
    expect(trend.bytesPerDay).toBeCloseTo(1000)
    expect(trend.history.length).toBe(11)
  })

  it('keeps each data folder apart, and four at most', async () => {
    const file = memoryFile()
    const history = createHistory({ file, ...quiet })
    for (const [at, folder] of ['/a', '/b', '/c', '/d', '/e'].entries()) {
      await history.open(folder)
      history.record(count(start + at, at))
    }
    expect((await history.open('/b'))?.bytes).toBe(1)
    expect(await history.open('/a')).toBeUndefined()
  })

  it('writes at once, then at most every five minutes, and when it is closed', async () => {
    const file = memoryFile()
    const history = createHistory({ file, ...quiet })
    await history.open('/data')
    for (let n = 0; n < 299; n += 1) history.record(count(start + n * 1000, n))
    await new Promise(resolve => setImmediate(resolve))
    expect(file.writes).toBe(1)
    history.record(count(start + 300_000, 300))
    await new Promise(resolve => setImmediate(resolve))
    expect(file.writes).toBe(2)
    history.record(count(start + 301_000, 301))
    await history.close()
    expect(file.writes).toBe(3)
    expect(JSON.stringify(file.value)).toContain(`[${start + 301_000},301]`)
  })

  it('writes hourly while nothing changes', async () => {
    const file = memoryFile()
    const history = createHistory({ file, ...quiet })
    await history.open('/data')
    for (let n = 0; n < 24; n += 1) history.record(count(start + n * 300_000, 5))
    await new Promise(resolve => setImmediate(resolve))
    expect(file.writes).toBe(2)
  })

  it('stays within a few hundred KB', async () => {
    const file = memoryFile()
    const history = createHistory({ file, ...quiet })
    await history.open('/data')
    for (let n = 0; n < 400; n += 1) history.record(count(start + n * day, 41_200_000_000 + n))
    for (let n = 0; n < 3000; n += 1)
      history.record(count(start + 400 * day + n * 300_000, 41_300_000_000 + n))
    await history.close()
    expect(JSON.stringify(file.value).length).toBeLessThan(50_000)
  })

  it('goes on from the present when the clock was set back', async () => {
    const history = createHistory({ file: memoryFile(), ...quiet })
    await history.open('/data')
    history.record(count(start + 10 * day, 1))
    history.record(count(start, 2))
    expect(history.trend(start).history).toEqual([[start, 2]])
  })

  it('says so when it cannot be written, and goes on', async () => {
    const said: string[] = []
    const file = memoryFile()
    file.fails = true
    const history = createHistory({ file, log: message => said.push(message) })
    await history.open('/data')
    history.record(count(start, 1))
    await history.close()
    expect(said).toEqual(['the size history could not be written: disk full'])
  })
})
