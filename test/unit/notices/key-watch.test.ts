import { beforeEach, describe, expect, it } from 'vitest'
import type { ApiKey, KeyList } from '../../../contract/key.ts'
import { fail, ok, type Result } from '../../../contract/result.ts'
import { endingKeys } from '../../../core/notices/ending-keys.ts'
import { createKeyWatch, type KeyWatch } from '../../../core/notices/key-watch.ts'
import { type FakeClock, fakeClock } from '../../fakes/clock.ts'

const day = 86_400_000
const hour = 3_600_000
const start = Date.UTC(2026, 2, 1, 12)
const iso = (at: number): string => new Date(at).toISOString()

const key = (uuid: string, days: number | null, part: Partial<ApiKey> = {}): ApiKey => ({
  uuid,
  user: 'ci',
  label: 'pipeline',
  createdAt: iso(start - 90 * day),
  expirationDate: days === null ? null : iso(start + days * day),
  lastUsed: null,
  managed: false,
  ...part,
})

describe('which keys are shown with their ends', () => {
  const shownAt = (one: ApiKey, days: number): boolean => endingKeys([one], start + days * day).length > 0

  it('within 30 days, in the order of their ends', () => {
    const keys = [key('c', 29), key('never', null), key('far', 40), key('a', 0.5), key('b', 3)]
    expect(endingKeys(keys, start).map(({ uuid }) => uuid)).toEqual(['a', 'b', 'c'])
  })

  it('a day beyond the end where nobody used it lately, a week where somebody did', () => {
    const unused = key('a', 1)
    const old = key('a', 1, { lastUsed: iso(start - 40 * day) })
    const used = key('a', 1, { lastUsed: iso(start) })
    expect([1.9, 2.1, 7.9, 8.1].map(at => shownAt(unused, at))).toEqual([true, false, false, false])
    expect([1.9, 2.1, 7.9, 8.1].map(at => shownAt(old, at))).toEqual([true, false, false, false])
    expect([1.9, 2.1, 7.9, 8.1].map(at => shownAt(used, at))).toEqual([true, true, true, false])
  })
})

describe('the watch over keys', () => {
  let clock: FakeClock
  let serving: boolean
  let answer: Result<KeyList>
  let asked: number
  let askedInFull: number
  let changes: number
  let managed: string[]
  let users: string[]
  let watch: KeyWatch

  beforeEach(() => {
    clock = fakeClock(start)
    serving = true
    answer = ok({ keys: [key('a', 1), key('m', 1)] })
    asked = 0
    askedInFull = 0
    changes = 0
    managed = ['m']
    users = ['ci']
    watch = createKeyWatch({
      clock,
      serves: () => serving,
      async list(quietly) {
        asked += 1
        if (!quietly) askedInFull += 1
        return answer
      },
      managedUsers: () => users,
      marked: keys => keys.map(one => (managed.includes(one.uuid) ? { ...one, managed: true } : one)),
      log: () => {},
      onChange: () => {
        changes += 1
      },
    })
  })
  const settled = (ms: number): Promise<void> => clock.advance(ms)
  const uuids = (): string[] => watch.keys().map(({ uuid }) => uuid)

  it('asks once it serves and each hour from then on, and leaves the managed ones out', async () => {
    expect([watch.isComplete(), uuids()]).toEqual([false, []])
    watch.stateChanged()
    watch.stateChanged()
    await settled(0)
    expect([asked, watch.isComplete(), uuids(), changes]).toEqual([1, true, ['a'], 1])
    expect(watch.ending().map(({ uuid }) => uuid)).toEqual(['a'])
    await settled(2 * hour)
    expect([asked, changes]).toEqual([3, 1])
    serving = false
    watch.stateChanged()
    await settled(5 * hour)
    expect([asked, uuids()]).toEqual([3, ['a']])
    serving = true
    watch.stateChanged()
    await settled(0)
    expect(asked).toBe(4)
  })

  it.each([
    '{"time":"t","level":"info","message":"API key created","user":"ci","uuid":"u"}',
    '{"level":"info","message":"HTTP API","method":"DELETE","path":"/zot/auth/apikey?id=u","statusCode":200}',
  ])('asks a second after the log says %s, once for many', async line => {
    watch.stateChanged()
    await settled(0)
    for (let lines = 0; lines < 50; lines += 1) watch.readLogLine(line)
    await settled(2_000)
    expect(asked).toBe(2)
  })

  it('is not moved by its own questions', async () => {
    watch.stateChanged()
    await settled(0)
    watch.readLogLine('{"message":"HTTP API","method":"GET","path":"/zot/auth/apikey","statusCode":200}')
    await settled(10_000)
    expect(asked).toBe(1)
  })

  it('remembers the keys of users that a list leaves out', async () => {
    watch.listed({ keys: [key('a', 1), key('b', 2, { user: 'eve' })], onlyUsers: ['ci', 'eve'] })
    watch.listed({ keys: [], onlyUser: 'ci' })
    expect([uuids(), watch.isComplete()]).toEqual([['b'], false])
    watch.listed({ keys: [key('a', 1)] })
    expect([uuids(), watch.isComplete()]).toEqual([['a'], true])
  })

  it('uses the managed keys for it once a day, and not where somebody did just now', async () => {
    watch.listed({ keys: [] })
    watch.stateChanged()
    await settled(0)
    expect([asked, askedInFull]).toEqual([1, 0])
    await settled(49 * hour)
    expect(askedInFull).toBe(2)
    expect(asked).toBeGreaterThan(48)
    users = ['ci', 'eve']
    watch.changed()
    await settled(1_000)
    expect(askedInFull).toBe(3)
  })

  it('takes a key that was managed for none of the others before the next list', async () => {
    watch.stateChanged()
    await settled(0)
    expect(uuids()).toEqual(['a'])
    managed = []
    expect(uuids()).toEqual(['a'])
    watch.changed()
    await settled(1_000)
    expect(uuids()).toEqual(['a', 'm'])
  })

  it('keeps what it knows where the registry does not answer, and asks again after a minute', async () => {
    watch.stateChanged()
    await settled(0)
    answer = fail({ code: 'registry-unreachable', reason: 'ECONNREFUSED' })
    watch.changed()
    await settled(1_000)
    expect([asked, uuids()]).toEqual([2, ['a']])
    await settled(60_000)
    expect(asked).toBe(3)
    watch.close()
    await settled(5 * hour)
    expect(asked).toBe(3)
  })
})
