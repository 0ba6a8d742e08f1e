import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isThorough } from '../../chaos/samples.ts'
import { type KeptBy, keepers } from '../../fakes/keepers/keeper-rig.ts'
import { events, happens } from '../../fakes/keepers/table.ts'

/** What the two kinds of service managers answer alike, `npm test` asks one of them in turn, `npm run test:chaos` both. */
const eventsOf = (by: KeptBy) =>
  events.filter(
    ({ after }, at) =>
      isThorough ||
      (by !== 'launchd' && by !== 'systemd') ||
      !isDeepStrictEqual(after.launchd, after.systemd) ||
      (at % 2 === 0) === (by === 'launchd'),
  )

describe.each(keepers)('a core kept by %s', by => {
  it.concurrent.each(eventsOf(by))('$name', async event => {
    expect((await happens(by, event)).outcome).toEqual(event.after[by])
  })
})
