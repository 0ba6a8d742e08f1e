import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fail, ok } from '../../../contract/result.ts'
import { type KeyRecord, type KeyRecords, openKeyRecords } from '../../../core/rotation/key-record.ts'
import { createRetirementSchedule } from '../../../core/rotation/schedule.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'

const hour = 3_600_000
let folder: string
let clock: ReturnType<typeof fakeClock>
let records: KeyRecords
let ended: string[]
let state: { serves: boolean; busy: boolean; works: boolean; lastUsed: Record<string, string> | undefined }
let schedule: ReturnType<typeof createRetirementSchedule>

const iso = (at: number): string => new Date(at).toISOString()
const record = (over: Partial<KeyRecord> = {}): KeyRecord => ({
  registry: 'here:1',
  user: 'zot-ci',
  uuid: 'new',
  label: 'new',
  createdAt: iso(clock.now()),
  expirationDate: null,
  kept: 'keychain',
  sinks: [{ spec: 'file:/x', state: 'proven' }],
  retiring: [{ uuid: 'old', label: 'old', since: iso(clock.now()), retireAt: iso(clock.now() + 24 * hour) }],
  ...over,
})
const usedAt = (uuid: string) => ({
  uuid,
  user: 'zot-ci',
  label: '',
  createdAt: '',
  expirationDate: null,
  lastUsed: state.lastUsed?.[uuid] ?? null,
  scopes: [],
})

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-schedule-'))
  clock = fakeClock()
  ended = []
  state = { serves: true, busy: false, works: true, lastUsed: undefined }
  records = await openKeyRecords({ home: folder, now: clock.now, report: () => {}, onChange: () => {} })
  schedule = createRetirementSchedule({
    clock,
    client: { listAll: async () => (state.lastUsed ? ok(['old', 'new'].map(usedAt)) : undefined) },
    records,
    registry: () => 'here:1',
    serves: () => state.serves,
    isBusy: () => state.busy,
    async retire(one, { uuid }) {
      ended.push(uuid)
      if (!state.works) return fail({ code: 'busy', with: 'another' })
      await records.update(one, each => ({
        ...each,
        retiring: each.retiring.filter(old => old.uuid !== uuid),
      }))
      return ok(null)
    },
  })
})
afterEach(() => {
  schedule.close()
  // A write may be under way that was not waited for.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** What follows from looking has been done: the look has set its next time, or has ended a key. */
const looked = (timers: number) => eventually(() => clock.pending().length === timers)

describe('an old key', () => {
  it('is ended at its time and not before', async () => {
    await records.put(record())
    schedule.check()
    await looked(1)
    await clock.advance(24 * hour - 1)
    expect(ended).toEqual([])
    await clock.advance(2)
    await eventually(() => ended.length === 1)
    expect(ended).toEqual(['old'])
  })

  it('is ended soon after a sleep that was longer', async () => {
    await records.put(record())
    schedule.check()
    await looked(1)
    await clock.jump(7 * 24 * hour)
    await eventually(() => ended.length === 1)
  })

  it('is ended by the first look of a later life of the app', async () => {
    await records.put(record())
    await clock.jump(25 * hour)
    schedule.check()
    await eventually(() => ended.length === 1)
  })

  it('waits for a registry that is down, and says so', async () => {
    await records.put(record())
    await clock.jump(25 * hour)
    state.serves = false
    schedule.check()
    await eventually(() => records.all()[0]?.retiring[0]?.words !== undefined)
    expect(ended).toEqual([])
    state.serves = true
    schedule.check()
    await eventually(() => ended.length === 1)
  })

  it('waits for another run, and is tried again when its own did not work out', async () => {
    await records.put(record())
    await clock.jump(25 * hour)
    state.busy = true
    schedule.check()
    await looked(1)
    expect(ended).toEqual([])
    state.busy = false
    state.works = false
    await clock.advance(2_000)
    await eventually(() => ended.length === 1)
    await looked(1)
    state.works = true
    await clock.advance(60_000)
    await eventually(() => ended.length === 2)
    await eventually(() => records.all()[0]?.retiring.length === 0)
  })

  it('of another registry is left alone', async () => {
    await records.put(record({ registry: 'there:1' }))
    await clock.jump(25 * hour)
    schedule.check()
    await clock.advance(10 * hour)
    expect(ended).toEqual([])
  })
})

describe('before its time', () => {
  it('is ended once the new one is used and it was not for a quarter of the overlap', async () => {
    await records.put(record())
    const since = clock.now()
    state.lastUsed = { old: iso(since + 2 * hour), new: iso(since + hour) }
    schedule.check()
    await looked(1)
    await clock.advance(7 * hour)
    await looked(1)
    expect(ended).toEqual([])
    await clock.advance(2 * hour)
    await eventually(() => ended.length === 1)
    expect(clock.now() - since).toBeLessThan(10 * hour)
  })

  it.each([
    ['the new one is not used', { lastUsed: { old: '2026-03-01T12:00:01Z' }, state: 'proven' }],
    ['a sink may not hold it', { lastUsed: { new: '2026-03-01T13:00:00Z' }, state: 'failed' }],
    ['nobody can tell', { lastUsed: undefined, state: 'proven' }],
  ] as const)('it stays while %s', async (_, given) => {
    await records.put(record({ sinks: [{ spec: 'file:/x', state: given.state }] }))
    state.lastUsed = given.lastUsed as Record<string, string> | undefined
    schedule.check()
    await looked(1)
    for (let hours = 0; hours < 23; hours += 1) {
      await clock.advance(hour)
      await looked(1)
    }
    expect(ended).toEqual([])
    await clock.advance(hour + 1)
    await eventually(() => ended.length === 1)
  })
})
