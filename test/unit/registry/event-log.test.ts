import { describe, expect, it } from 'vitest'
import type { RegistryEvent } from '../../../registry/events/event.ts'
import { EventLog, type EventLogOptions } from '../../../registry/events/event-log.ts'

/** A log whose second passes when the test says so. */
function setUp(options: EventLogOptions = {}) {
  let fire: (() => void) | undefined
  const log = new EventLog({
    now: () => 7,
    timer: (_, due) => {
      fire = due
      return () => {
        fire = undefined
      }
    },
    ...options,
  })
  const lines: unknown[] = []
  log.listen(({ text }) => lines.push(JSON.parse(text)))
  const second = (): void => {
    const due = fire
    fire = undefined
    due?.()
  }
  return { log, lines, second, isArmed: () => fire !== undefined }
}

const push = (tag: string): RegistryEvent => ({
  kind: 'push',
  repository: 'team/app',
  tags: [tag],
  digest: 'sha256:1',
  mediaType: 'm',
  bytes: 3,
})
const numbers = (lines: readonly { seq: number }[]): number[] => lines.map(({ seq }) => seq)

describe('the log of events', () => {
  it('numbers events from 1 on and tells each at once', () => {
    const { log, lines } = setUp()
    log.emit(push('1'))
    log.emit({ kind: 'delete', repository: 'team/app', reference: '1', user: 'ci' })
    expect(lines).toEqual([
      { seq: 1, at: 7, ...push('1') },
      { seq: 2, at: 7, kind: 'delete', repository: 'team/app', reference: '1', user: 'ci' },
    ])
    expect(log.seq).toBe(2)
  })

  it('gives what was missed to whoever comes back, or says that it is gone', () => {
    const { log } = setUp({ maxEvents: 10 })
    expect(log.after(0)).toEqual({ lines: [], gap: false })
    expect(log.after(1).gap).toBe(true)
    for (let n = 1; n <= 10; n += 1) log.emit(push(String(n)))
    expect(numbers(log.after(0).lines)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(numbers(log.after(8).lines)).toEqual([9, 10])
    expect(log.after(10)).toEqual({ lines: [], gap: false })
    log.emit(push('11'))
    expect(log.after(0)).toEqual({ lines: [], gap: true })
    expect(numbers(log.after(1).lines)).toHaveLength(10)
    expect(log.after(12).gap).toBe(true)
  })

  it('stays as small however much happens', () => {
    const { log } = setUp({ maxEvents: 100, maxText: 2_000 })
    for (let n = 0; n < 5_000; n += 1) log.emit(push('x'.repeat(n % 128)))
    const { lines, gap } = log.after(log.seq - 5)
    expect(gap).toBe(false)
    expect(lines).toHaveLength(5)
    const kept = [...Array(200).keys()].map(n => log.after(log.seq - n)).filter(missed => !missed.gap)
    const longest = kept.at(-1)?.lines ?? []
    expect(longest.length).toBeGreaterThan(5)
    expect(longest.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(2_000)
  })

  it('tells pulls of a second together, each reference with its count', () => {
    const { log, lines, second, isArmed } = setUp()
    for (let n = 0; n < 3; n += 1) log.pulled('a', 'latest')
    log.pulled('b', 'sha256:2')
    expect(lines).toEqual([])
    second()
    expect(lines).toEqual([
      {
        seq: 1,
        at: 7,
        kind: 'pulls',
        pulls: [
          { repository: 'a', reference: 'latest', count: 3 },
          { repository: 'b', reference: 'sha256:2', count: 1 },
        ],
      },
    ])
    // Nothing more to tell: the process may sleep.
    expect(isArmed()).toBe(false)
  })

  it('keeps its lines short when very many things are pulled', () => {
    const { log, lines, second } = setUp()
    for (let n = 0; n < 30_000; n += 1) log.pulled('a', `t${n}`)
    second()
    expect(lines).toHaveLength(100)
    for (const line of lines) expect((line as { pulls: unknown[] }).pulls).toHaveLength(200)
  })

  it('tells each second of uploads that are under way, by repository', () => {
    const { log, lines, second, isArmed } = setUp()
    let bytes = 10
    const end = log.uploading('a', () => bytes)
    const endOther = log.uploading('a', () => 5)
    second()
    bytes = 20
    endOther()
    second()
    end()
    second()
    expect(lines).toEqual([
      { seq: 1, at: 7, kind: 'uploading', repository: 'a', uploads: 2, bytes: 15 },
      { seq: 2, at: 7, kind: 'uploading', repository: 'a', uploads: 1, bytes: 20 },
    ])
    expect(isArmed()).toBe(false)
  })

  it('tells what retention took in parts, the sums once', () => {
    const { log, lines } = setUp()
    const removed = Array.from({ length: 450 }, (_, n) => ({ digest: `sha256:${n}`, tag: `t${n}` }))
    log.emit({ kind: 'collected', repository: 'a', removed, blobs: 9, bytes: 90 })
    const parts = lines as { removed: unknown[]; blobs: number; bytes: number }[]
    expect(parts.map(part => [part.removed.length, part.blobs, part.bytes])).toEqual([
      [200, 9, 90],
      [200, 0, 0],
      [50, 0, 0],
    ])
    expect(parts.flatMap(part => part.removed)).toEqual(removed)
  })
})
