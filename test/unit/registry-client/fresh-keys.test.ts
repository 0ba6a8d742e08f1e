import { describe, expect, it } from 'vitest'
import { readGo } from '../../../core/hand-over/protocol.ts'
import { FreshKeys } from '../../../core/registry-client/fresh-keys.ts'
import { fakeClock } from '../../fakes/clock.ts'

const minute = 60_000
const start = Date.UTC(2026, 2, 1, 12)
const key = {
  uuid: 'u1',
  user: 'ci',
  label: 'pipeline',
  expirationDate: '2026-05-30T10:00:00.000Z',
  registry: '127.0.0.1:5050',
  warnings: [{ code: 'user-unknown' as const, user: 'ci' }],
}
const secret = `zak_${'1'.repeat(32)}`

describe('secrets that nobody has looked at yet', () => {
  it('wait ten minutes, and each change is emitted', async () => {
    const clock = fakeClock(start)
    let changes = 0
    const fresh = new FreshKeys(clock, () => {
      changes += 1
    })
    const shown = fresh.hold(key, secret)
    expect(shown).toEqual({ ...key, lapsesAt: new Date(start + 10 * minute).toISOString() })
    expect([fresh.list(), changes]).toEqual([[shown], 1])
    expect(JSON.stringify(fresh.list())).not.toContain(secret)
    await clock.advance(10 * minute)
    expect([fresh.list(), changes, fresh.reveal('u1')]).toEqual([[], 2, undefined])
    expect(changes).toBe(2)
  })

  it('go to the next core with what a page shows of them, and with the rest of their time', async () => {
    const clock = fakeClock(start)
    const fresh = new FreshKeys(clock, () => {})
    fresh.hold(key, secret)
    await clock.advance(4 * minute)
    const state = { lock: 'n', unrevealed: fresh.handOver(), stopped: false }
    const passed = readGo(JSON.parse(JSON.stringify({ say: 'go', state })))
    const next = new FreshKeys(clock, () => {}, passed?.state.unrevealed)
    expect(next.list()).toEqual([{ ...key, lapsesAt: new Date(start + 10 * minute).toISOString() }])
    expect(next.reveal('u1')).toBe(secret)
    expect(next.reveal('u1')).toBeUndefined()
  })

  it('come from an earlier core without what is shown', () => {
    const state = { lock: 'n', unrevealed: [{ uuid: 'u1', apiKey: secret, restMs: minute }], stopped: false }
    const passed = readGo({ say: 'go', state })
    const next = new FreshKeys(fakeClock(start), () => {}, passed?.state.unrevealed)
    expect(next.list()).toEqual([])
    expect(next.reveal('u1')).toBe(secret)
  })
})
