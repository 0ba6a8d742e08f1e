import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Release } from '../../../core/releases/release.ts'
import { createUpgradeSchedule } from '../../../core/upgrade/schedule.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-schedule-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const day = 24 * 3600_000

describe('the daily look at the list of releases', () => {
  async function walk(days: number, wanted: boolean) {
    const clock = fakeClock(Date.parse('2026-03-01T00:00:00Z'))
    let looks = 0
    let turns = 0
    let upgrades = 0
    let askedAt = Number.NEGATIVE_INFINITY
    const schedule = createUpgradeSchedule({
      home,
      clock,
      log: () => {},
      wanted: () => wanted,
      newest: async () => 'v2.1.15',
      async upgrade() {
        upgrades += 1
      },
      releases: {
        async due(now) {
          turns += 1
          return now - askedAt >= day
        },
        async list() {
          askedAt = clock.now()
          looks += 1
          return { ok: true, value: { releases: [] as Release[], asOf: 0, from: 'network' } }
        },
        cached: async () => undefined,
      },
      onChange: () => {},
    })
    schedule.begin()
    for (let hour = 1; hour <= days * 24; hour += 1) {
      await eventually(() => turns >= hour && clock.pending().length > 0)
      await clock.advance(3600_000)
    }
    await eventually(() => turns > days * 24)
    schedule.close()
    return { looks, upgrades, newest: schedule.newest() }
  }

  it('tells, and upgrades nothing unless that is wanted', async () => {
    expect(await walk(2, false)).toEqual({ looks: 3, upgrades: 0, newest: 'v2.1.15' })
  })

  it('upgrades once a week where that is wanted', async () => {
    expect(await walk(15, true)).toEqual({ looks: 16, upgrades: 3, newest: 'v2.1.15' })
  })
})
