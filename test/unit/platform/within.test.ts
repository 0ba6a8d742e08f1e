import { describe, expect, it } from 'vitest'
import { withDeadline } from '../../../lib/with-deadline.ts'
import { fakeClock } from '../../fakes/clock.ts'

describe('a wait with a limit', () => {
  it('ends with the work, and leaves no timer behind', async () => {
    const clock = fakeClock()
    await withDeadline(clock, 1000, Promise.resolve())
    await expect(withDeadline(clock, 1000, Promise.reject(new Error('a bug')))).rejects.toThrow('a bug')
    expect(clock.pending()).toEqual([])
  })

  it('ends with the limit when the work never does', async () => {
    const clock = fakeClock()
    let ended = false
    const waiting = withDeadline(clock, 1000, new Promise(() => {})).then(() => {
      ended = true
    })
    await clock.advance(999)
    expect(ended).toBe(false)
    await clock.advance(1)
    await waiting
    expect(clock.pending()).toEqual([])
  })
})
