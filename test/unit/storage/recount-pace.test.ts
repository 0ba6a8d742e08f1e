import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRecountPace, pauseAfterMs } from '../../../core/storage/recount-pace.ts'
import { fakeClock } from '../../fakes/clock.ts'

function pacing(costMs: () => number | undefined) {
  const clock = fakeClock()
  const start = clock.now()
  const at: number[] = []
  const pace = createRecountPace(clock, () => {
    at.push((clock.now() - start) / 1000)
    pace.recountEnded(costMs())
  })
  return { clock, pace, at }
}

describe('recounts while an engine tells nothing', () => {
  it('come every 20 s where one costs little', async () => {
    const { clock, pace, at } = pacing(() => 60)
    pace.setFrequent(true)
    await clock.advance(65_000)
    expect(at).toEqual([20, 40, 60])
  })

  it('take a hundredth of the time at most, and come every five minutes at least', async () => {
    const { clock, pace, at } = pacing(() => (at.length === 1 ? 600 : 60_000))
    pace.setFrequent(true)
    await clock.advance(400_000)
    expect(at).toEqual([20, 80, 380])
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), cost => {
        const pause = pauseAfterMs(cost)
        expect(pause).toBeGreaterThanOrEqual(20_000)
        expect(pause).toBeLessThanOrEqual(300_000)
        if (cost <= 3000) expect(pause).toBeGreaterThanOrEqual(100 * cost)
      }),
    )
  })

  it('end when the engine tells, and with the app; a round that found nothing to look at changes no pace', async () => {
    const { clock, pace, at } = pacing(() => undefined)
    await clock.advance(60_000)
    pace.recountEnded(1)
    expect(clock.pending()).toEqual([])
    pace.setFrequent(true)
    await clock.advance(40_000)
    expect(at).toEqual([80, 100])
    pace.setFrequent(false)
    expect(clock.pending()).toEqual([])
    pace.setFrequent(true)
    pace.close()
    pace.setFrequent(false)
    pace.setFrequent(true)
    pace.recountEnded(1)
    expect(clock.pending()).toEqual([])
  })
})
