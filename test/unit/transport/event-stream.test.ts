import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { eventReader } from '../../../client/control-events.ts'
import { pushEvents } from '../../../core/transport/event-stream.ts'
import { aSnapshot, fakeHost } from '../../fakes/host.ts'

/** A listener that takes one write and then no more until it is let go. */
function slowReader() {
  const text: string[] = []
  let next: (() => void) | undefined
  let slow = false
  const to = new Writable({
    highWaterMark: 1,
    write(piece, _, done) {
      text.push(String(piece))
      if (slow) next = done
      else done()
    },
  })
  const events = (): [string, unknown][] => {
    const read: [string, unknown][] = []
    const reader = eventReader((event, data) => read.push([event, JSON.parse(data)]))
    for (const piece of text) reader(piece)
    return read
  }
  return {
    to,
    events,
    text,
    stall: () => {
      slow = true
    },
    letGo: async () => {
      slow = false
      next?.()
      next = undefined
      await new Promise(resolve => setImmediate(resolve))
    },
  }
}

const limits = { heartbeatMs: 1_000_000, logLines: 3, logCharacters: 1_000 }

describe('pushing events', () => {
  it('sends the state of now at once, before anything happens', () => {
    const reader = slowReader()
    const { start, stop } = pushEvents(fakeHost(), reader.to, { withLog: false, looking: true, limits })
    start()
    expect(reader.events()).toEqual([['snapshot', aSnapshot()]])
    stop()
  })

  it('sends log lines only to who asked for them', () => {
    const host = fakeHost()
    const { start, stop } = pushEvents(host, slowReader().to, { withLog: false, looking: true, limits })
    start()
    expect(host.listeners('log')).toBe(0)
    expect(host.listeners('snapshot')).toBe(1)
    stop()
    expect(host.listeners('snapshot')).toBe(0)
  })

  it.each([true, false])('sends log lines without secrets where they are masked: %s', masked => {
    const host = fakeHost()
    const reader = slowReader()
    const { start, stop } = pushEvents(host, reader.to, {
      withLog: true,
      onlyLog: true,
      masked,
      looking: true,
    })
    start()
    const line = (cookie: string) => `{"headers":{"Cookie":${cookie}}}`
    host.push('log', { lines: [line('["session=hush"]')] })
    expect(reader.events()).toEqual([['log', { lines: [line(masked ? '"***"' : '["session=hush"]')] }]])
    stop()
  })

  it('replaces an unsent snapshot, bounds the log and says how much is missing', async () => {
    const host = fakeHost()
    const reader = slowReader()
    reader.stall()
    const { start, stop } = pushEvents(host, reader.to, { withLog: true, looking: true, limits })
    start()
    for (let i = 1; i <= 1000; i += 1) {
      host.push('snapshot', aSnapshot({ takenAt: i }))
      host.push('log', { lines: [`line ${i}`] })
    }
    expect(reader.to.writableLength).toBeLessThan(2_000)
    await reader.letGo()
    await reader.letGo()
    const seen = reader.events()
    expect(seen.filter(([name]) => name === 'snapshot').map(([, value]) => value)).toEqual([
      aSnapshot(),
      aSnapshot({ takenAt: 1000 }),
    ])
    expect(seen.slice(-2)).toEqual([
      ['dropped', { lines: 997 }],
      ['log', { lines: ['line 998', 'line 999', 'line 1000'] }],
    ])
    stop()
  })
})

it('writes nothing more to a stream that was ended before its listener is gone', async () => {
  const host = fakeHost()
  const reader = slowReader()
  const failures: Error[] = []
  reader.to.on('error', error => failures.push(error))
  const { start, stop } = pushEvents(host, reader.to, { withLog: true, looking: true, limits })
  start()
  reader.to.end()
  host.push('snapshot', aSnapshot({ takenAt: 2 }))
  host.push('log', { lines: ['late'] })
  await new Promise(resolve => setImmediate(resolve))
  expect(failures).toEqual([])
  expect(reader.events()).toHaveLength(1)
  stop()
})
