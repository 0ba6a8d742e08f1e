import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createExpiryNotices,
  type ExpiryNotices,
  type KeyExpiring,
  type WatchedKey,
} from '../../../core/notices/expiry-notices.ts'
import { createWeb } from '../../../core/platform/web.ts'
import { type FakeClock, fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'

const day = 86_400_000
const start = Date.UTC(2026, 2, 1, 12)

let home: string
let clock: FakeClock
let told: KeyExpiring[]
let troubles: (string | undefined)[]
let keys: WatchedKey[] | undefined
let isComplete: boolean
let settings: { quietHours: string; webhook: string }
let notices: ExpiryNotices
let hook: Server
let posted: { id: string; title: string }[]
let answers: number

const key = (uuid: string, days: number | null, user = 'zot-ci'): WatchedKey => ({
  user,
  registry: '127.0.0.1:5050',
  uuid,
  expirationDate: days === null ? null : new Date(start + days * day).toISOString(),
  noticesUntil: days === null ? 0 : start + (days + 30) * day,
})

const web = createWeb({ environment: {} })
afterAll(() => web.close())

/** As after a start of the app: it knows only the disk. */
function open(): ExpiryNotices {
  return createExpiryNotices({
    home,
    clock,
    web,
    keys: () => keys && { keys, isComplete },
    settings: () => settings,
    notify: notice => told.push(notice),
    onTrouble: reason => troubles.push(reason),
    report: () => {},
    log: () => {},
  })
}
const levels = (): string[] => told.map(({ id }) => id.replace('key-expiring:', ''))
/** The files are real, so a timer's work takes a while. */
const quiet = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn += 1) await notices.check()
}
async function pass(hours: number): Promise<void> {
  for (let hour = 0; hour < hours; hour += 6) {
    await clock.advance(6 * 3_600_000)
    await quiet()
  }
}

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-notices-'))
  clock = fakeClock(start)
  told = []
  troubles = []
  posted = []
  answers = 200
  settings = { quietHours: '', webhook: '' }
  keys = [key('u1', 90)]
  isComplete = true
  notices = open()
  hook = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part
    })
    request.on('end', () => {
      posted.push(JSON.parse(body) as { id: string; title: string })
      response.writeHead(answers).end()
    })
  })
  await new Promise<void>(done => hook.listen(0, '127.0.0.1', done))
})
afterEach(async () => {
  notices.close()
  await new Promise(done => hook.close(done))
  rmSync(home, { recursive: true, force: true })
})
const hookUrl = (): string => `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`

describe('notices before a key ends', () => {
  it('gives each milestone of 90 days once, and then one a day', async () => {
    await notices.check()
    await pass(93 * 24)
    expect(levels()).toEqual(['30', '14', '7', '3', '1', '0', '-1', '-2', '-3'].map(level => `u1:${level}`))
  })

  it('gives each once through sleeps, a jump back, another time zone and starts of the app', async () => {
    await pass(60 * 24)
    expect(levels()).toEqual(['u1:30'])
    // Lid closed for 17 days: 14 days are left when it opens, less one.
    await clock.jump(17 * day)
    await quiet()
    expect(levels()).toEqual(['u1:30', 'u1:14'])
    notices.close()
    notices = open()
    await clock.jump(-2 * day)
    await quiet()
    process.env['TZ'] = 'Pacific/Auckland'
    await quiet()
    delete process.env['TZ']
    await pass(6 * 24)
    // Switched off over the 7 and the 3 days: one notice covers both.
    notices.close()
    await clock.jump(7 * day)
    notices = open()
    await quiet()
    await pass(4 * 24)
    expect(levels()).toEqual(['30', '14', '3', '1', '0', '-1', '-2'].map(level => `u1:${level}`))
  })

  it('gives once the notice that was about to be given when the app was killed', async () => {
    keys = [key('u1', 7)]
    writeFileSync(
      join(home, 'notices.json'),
      JSON.stringify({ told: { u1: { level: 7, at: start, pending: true } }, snoozed: {} }),
    )
    await quiet()
    expect(levels()).toEqual(['u1:7'])
  })

  it('says nothing of a key that never ends, and forgets a key that was rotated', async () => {
    keys = [key('u1', 5), key('u2', null, 'other')]
    await quiet()
    expect(levels()).toEqual(['u1:7'])
    keys = [key('u3', 90), key('u2', null, 'other')]
    await quiet()
    const kept = JSON.parse(readFileSync(join(home, 'notices.json'), 'utf8')) as { told: object }
    expect(Object.keys(kept.told)).toEqual([])
    expect(told).toHaveLength(1)
  })

  it('keeps what it knows while the keys are not known', async () => {
    keys = [key('u1', 5)]
    await quiet()
    keys = undefined
    await quiet()
    keys = [key('u1', 5)]
    await quiet()
    expect(levels()).toEqual(['u1:7'])
  })

  it('waits for the end of quiet hours', async () => {
    const hour = new Date(start).getHours()
    const two = (n: number): string => String(n % 24).padStart(2, '0')
    settings.quietHours = `${two(hour)}:00-${two(hour + 3)}:00`
    keys = [key('u1', 7)]
    await quiet()
    expect(told).toEqual([])
    await clock.advance(3 * 3_600_000)
    await quiet()
    expect(levels()).toEqual(['u1:7'])
  })

  it('waits for the end of a snooze, also over a start', async () => {
    keys = [key('u1', 7)]
    expect(await notices.snooze('zot-ci', ['u1'], start + 5 * day)).toEqual({ ok: true, value: null })
    notices.close()
    notices = open()
    await pass(4 * 24)
    expect(told).toEqual([])
    await pass(2 * 24)
    expect(levels()).toEqual(['u1:3', 'u1:1'])
  })

  it('says so when a snooze cannot be stored, and gives notices as before', async () => {
    await quiet()
    keys = [key('u1', 7)]
    const file = join(home, 'notices.json')
    rmSync(file, { force: true })
    mkdirSync(join(file, 'in-the-way'), { recursive: true })
    expect(await notices.snooze('zot-ci', ['u1'], start + 5 * day)).toMatchObject({
      error: { code: 'file-unusable', path: file },
    })
    rmSync(file, { recursive: true })
    await quiet()
    expect(levels()).toEqual(['u1:7'])
  })

  const other = (uuid: string, days: number, user = 'ci'): WatchedKey => ({
    ...key(uuid, days, user),
    unmanaged: { label: 'pipeline' },
    noticesUntil: start + (days + 7) * day,
  })

  it('gives one notice of all that are not managed of a user, and one of each that is', async () => {
    keys = [other('o1', 5), other('o2', 0.5), other('o3', 1, 'eve'), key('u1', 5), key('u2', 5)]
    await quiet()
    expect(levels().toSorted()).toEqual(['o2:1', 'o3:1', 'u1:7', 'u2:7'])
    expect(told.map(({ unmanaged }) => unmanaged)).toEqual([
      undefined,
      undefined,
      { label: 'pipeline', more: 1 },
      { label: 'pipeline', more: 0 },
    ])
    told = []
    await pass(24)
    expect(levels().toSorted()).toEqual(['o2:0', 'o3:0'])
  })

  it('ends for a key that has ended long ago', async () => {
    keys = [other('o1', 1)]
    await pass(20 * 24)
    expect(levels()).toEqual(['1', '0', '-1', '-2', '-3', '-4', '-5', '-6'].map(level => `o1:${level}`))
  })

  it('remembers what it told of keys that are not listed yet, and of those that are not shown', async () => {
    keys = [other('o1', 5)]
    await quiet()
    notices.close()
    keys = []
    isComplete = false
    notices = open()
    await quiet()
    keys = [other('o1', 5)]
    isComplete = true
    await quiet()
    expect(levels()).toEqual(['o1:7'])
  })

  it('holds back also what is created during the snooze of a user', async () => {
    keys = [other('o1', 5), key('u1', 5, 'ci')]
    await notices.snooze('ci', ['o1', 'u1'], start + 2 * day)
    keys = [...keys, other('o2', 4), other('o3', 4, 'eve')]
    await quiet()
    expect(levels()).toEqual(['o3:7'])
    await pass(48)
    expect(levels().toSorted()).toEqual(['o2:3', 'o3:3', 'o3:7', 'u1:3'])
  })

  it('starts anew when its file is damaged', async () => {
    writeFileSync(join(home, 'notices.json'), 'nonsense')
    keys = [key('u1', 7)]
    await quiet()
    expect(levels()).toEqual(['u1:7'])
  })
})

describe('notices by the webhook', () => {
  beforeEach(() => {
    settings.webhook = `json+${hookUrl()}`
    keys = [key('u1', 7)]
  })

  it('sends each notice', async () => {
    await quiet()
    expect(posted.map(({ id }) => id)).toEqual(['key-expiring:u1:7'])
    expect(troubles.filter(reason => reason !== undefined)).toEqual([])
  })

  it('tries again what was not taken, also after a start, and then once', async () => {
    answers = 500
    await quiet()
    expect(posted).toHaveLength(1)
    expect(troubles.at(-1)).toBe('it answers 500')
    notices.close()
    notices = open()
    answers = 200
    await quiet()
    await clock.advance(60_000)
    await eventually(() => posted.length === 2)
    await eventually(() => troubles.at(-1) === undefined)
    await pass(24)
    expect(posted).toHaveLength(2)
    expect(levels()).toEqual(['u1:7'])
  })

  it('tries again in an hour where its messages cannot be kept', async () => {
    keys = []
    await quiet()
    mkdirSync(join(home, 'outbox.json', 'in-the-way'), { recursive: true })
    answers = 500
    keys = [key('u1', 7)]
    await notices.check()
    await eventually(() => posted.length > 0)
    await notices.check()
    const before = posted.length
    expect(troubles.at(-1)).toMatch(/outbox\.json/)
    rmSync(join(home, 'outbox.json'), { recursive: true })
    answers = 200
    await clock.advance(3_600_000)
    await eventually(() => posted.length === before + 1 && troubles.at(-1) === undefined)
    await pass(24)
    expect(posted).toHaveLength(before + 1)
  })

  it('gives up what is two days old', async () => {
    answers = 500
    await quiet()
    await clock.jump(3 * day - 1)
    keys = []
    const before = posted.length
    await quiet()
    await pass(12)
    expect(posted).toHaveLength(before)
  })
})
