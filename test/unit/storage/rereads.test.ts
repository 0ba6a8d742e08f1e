import { describe, expect, it } from 'vitest'
import { createRereads } from '../../../core/storage/rereads.ts'
import { fakeClock } from '../../fakes/clock.ts'

function setUp(took = 0) {
  const clock = fakeClock()
  const start = clock.now()
  const reads: [name: string, at: number][] = []
  const rereads = createRereads({
    clock,
    read: async name => {
      reads.push([name, clock.now() - start])
      if (took > 0) await clock.advance(took)
    },
  })
  return { clock, reads, rereads }
}

describe('reading again after writes', () => {
  it('waits until the repository is quiet for 200 ms', async () => {
    const { clock, reads, rereads } = setUp()
    rereads.mark('a')
    await clock.advance(150)
    rereads.mark('a')
    await clock.advance(199)
    expect(reads).toEqual([])
    await clock.advance(1)
    expect(reads).toEqual([['a', 350]])
    await clock.advance(60_000)
    expect(reads.length).toBe(1)
  })

  it('is at most a second late however busy the repository is', async () => {
    const { clock, reads, rereads } = setUp()
    for (let n = 0; n < 30; n += 1) {
      rereads.mark('busy')
      await clock.advance(100)
    }
    expect(reads.map(([, at]) => at)).toEqual([1000, 2000, 3000])
  })

  it('reads only what was marked, each by its own time', async () => {
    const { clock, reads, rereads } = setUp()
    rereads.mark('a')
    await clock.advance(100)
    rereads.mark('b')
    await clock.advance(1000)
    expect(reads).toEqual([
      ['a', 200],
      ['b', 300],
    ])
  })

  it('rests four times as long as a slow read took', async () => {
    const { clock, reads, rereads } = setUp(500)
    rereads.mark('slow')
    await clock.advance(700)
    rereads.mark('slow')
    await clock.advance(10_000)
    expect(reads.map(([, at]) => at)).toEqual([200, 2700])
  })

  it('reads nothing after close', async () => {
    const { clock, reads, rereads } = setUp()
    rereads.mark('a')
    rereads.close()
    await clock.advance(5000)
    expect(reads).toEqual([])
    expect(clock.pending()).toEqual([])
  })
})
