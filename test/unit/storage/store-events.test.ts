import { expect, it } from 'vitest'
import { createStoreEvents } from '../../../core/storage/store-events.ts'
import { fakeClock } from '../../fakes/clock.ts'

it('has the store looked at often while what serves tells no events, and not while nothing serves', () => {
  const often: boolean[] = []
  const events = createStoreEvents({
    adminSocket: '/nowhere/admin.sock',
    clock: fakeClock(),
    storage: {
      line: () => undefined,
      wrote: () => undefined,
      spaceWasShort: () => undefined,
      recount: async () => undefined,
      looksOften: wanted => often.push(wanted),
    },
  })
  events.served(7, false)
  expect(often).toEqual([true])
  events.served(7, false)
  events.served(undefined, false)
  expect(often.at(-1)).toBe(false)
  // Until its events are heard nobody tells anything.
  events.served(8, true)
  expect(often.at(-1)).toBe(true)
  events.close()
})
