import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { logBacklog } from '../../../core/transport/event-stream.ts'

describe('the log backlog', () => {
  it('gives back what came, in order, once', () => {
    const log = logBacklog({ lines: 10, characters: 100 })
    log.push(['a', 'b'])
    log.push(['c'])
    expect(log.take()).toEqual({ lines: ['a', 'b', 'c'], dropped: 0 })
    expect(log.take()).toBeUndefined()
  })

  it('drops the oldest beyond its bound and counts them', () => {
    const log = logBacklog({ lines: 2, characters: 100 })
    log.push(['a', 'b', 'c'])
    log.push(['d'])
    expect(log.take()).toEqual({ lines: ['c', 'd'], dropped: 2 })
  })

  it('is bounded in characters too, even by one huge line', () => {
    const log = logBacklog({ lines: 10, characters: 5 })
    log.push(['x'.repeat(6)])
    expect(log.take()).toEqual({ lines: [], dropped: 1 })
  })

  it('loses no line without counting it', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string({ maxLength: 8 }), { maxLength: 9 })), pushes => {
        const log = logBacklog({ lines: 7, characters: 30 })
        for (const lines of pushes) log.push(lines)
        const all = pushes.flat()
        const taken = log.take() ?? { lines: [], dropped: 0 }
        expect(taken.dropped + taken.lines.length).toBe(all.length)
        expect(taken.lines).toEqual(all.slice(taken.dropped))
        expect(taken.lines.length).toBeLessThanOrEqual(7)
        expect(taken.lines.join('').length).toBeLessThanOrEqual(30)
      }),
    )
  })
})
