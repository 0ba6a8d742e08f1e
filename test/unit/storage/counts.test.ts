import { describe, expect, it } from 'vitest'
import { createCounts, stuckAfterMs } from '../../../core/storage/counts.ts'
import { fakeClock } from '../../fakes/clock.ts'

function setUp() {
  const clock = fakeClock()
  const stuck: (string | undefined)[] = []
  const begun: { of: string | undefined; cancelled(): boolean; end(): void }[] = []
  const counts = createCounts({
    clock,
    count: (of, cancelled) => new Promise(end => begun.push({ of, cancelled, end })),
    onStuck: of => stuck.push(of),
    onChange: () => undefined,
  })
  return { clock, stuck, begun, counts }
}

describe('one count at a time', () => {
  it('gives up a count that gets no further, tells it, and lets a new one begin', async () => {
    const { clock, stuck, begun, counts } = setUp()
    const dead = counts.begin('/dead')
    await clock.advance(stuckAfterMs - 1)
    expect(stuck).toEqual([])
    await clock.advance(1)
    await dead
    expect(stuck).toEqual(['/dead'])
    expect(begun[0]?.cancelled()).toBe(true)
    expect(counts.isRunning()).toBe(false)
    const next = counts.begin('/dead')
    await clock.advance(0)
    begun[1]?.end()
    await next
    expect(begun).toHaveLength(2)
  })

  it('leaves a long count alone that gets on', async () => {
    const { clock, stuck, begun, counts } = setUp()
    const long = counts.begin('/big')
    for (let step = 0; step < 5; step += 1) {
      await clock.advance(stuckAfterMs - 1)
      counts.noteProgress()
    }
    expect(stuck).toEqual([])
    expect(counts.isRunning()).toBe(true)
    begun[0]?.end()
    await long
  })

  it('joins a count of the same folder, and does not wait for long for the end of another', async () => {
    const { clock, begun, counts } = setUp()
    const first = counts.begin('/a')
    expect(counts.begin('/a')).toBe(first)
    await clock.advance(0)
    const second = counts.begin('/b')
    expect(begun[0]?.cancelled()).toBe(true)
    await clock.advance(5000)
    expect(begun.map(({ of }) => of)).toEqual(['/a', '/b'])
    begun[1]?.end()
    await second
    begun[0]?.end()
    await first
  })
})
