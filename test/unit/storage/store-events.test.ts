import { expect, it } from 'vitest'
import { createStoreEvents } from '../../../core/storage/store-events.ts'
import { fakeClock } from '../../fakes/clock.ts'

it('has the store looked at often while what serves tells no events, and not while nothing serves', () => {
  const often: boolean[] = []
  const events = createStoreEvents({
    adminSocket: '/nowhere/admin.sock',
    clock: fakeClock(),
    storage: {
      readLogLine: () => undefined,
      recordWrite: () => undefined,
      refreshSpace: () => undefined,
      recount: async () => undefined,
      setFrequentRecounts: wanted => often.push(wanted),
    },
  })
  events.setServing(7, false)
  expect(often).toEqual([true])
  events.setServing(7, false)
  events.setServing(undefined, false)
  expect(often.at(-1)).toBe(false)
  // Until its events are heard nobody tells anything.
  events.setServing(8, true)
  expect(often.at(-1)).toBe(true)
  events.close()
})
