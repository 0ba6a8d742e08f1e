import { describe, expect, it } from 'vitest'
import { keepers } from '../../fakes/keepers/keeper-rig.ts'
import { events, happens } from '../../fakes/keepers/table.ts'

describe.each(keepers)('a core kept by %s', by => {
  it.concurrent.each(events)('$name', async event => {
    expect((await happens(by, event)).outcome).toEqual(event.after[by])
  })
})
