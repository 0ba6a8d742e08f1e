import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SessionFile, sessionFile } from '../../../core/dashboard/session-file.ts'
import { openSessions, type Sessions } from '../../../core/dashboard/sessions.ts'
import { type FakeClock, fakeClock } from '../../fakes/clock.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

let home: string
let clock: FakeClock
let seen: { replays: number; unsaved: string[]; aside: string[]; logged: string[] }
let numbers = 0

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-sessions-'))
  clock = fakeClock()
  seen = { replays: 0, unsaved: [], aside: [], logged: [] }
})
afterEach(async () => {
  await chmod(home, 0o700)
  // A write may be under way that was not waited for.
  await rm(home, { recursive: true, maxRetries: 5 })
})

const realFile = (): SessionFile =>
  sessionFile({
    home,
    now: clock.now,
    report: ({ keptAs }) => seen.aside.push(keptAs),
    log: message => seen.logged.push(message),
  })

/** As after a start of the core: what is known is what the file holds. */
async function start(file = realFile(), port = 5051): Promise<Sessions> {
  const sessions = await openSessions({
    clock,
    randomBytes(count) {
      numbers += 1
      return Buffer.alloc(count, numbers.toString(36).padStart(4, '-'))
    },
    file,
    onReplay: () => {
      seen.replays += 1
    },
    onUnsaved: reason => seen.unsaved.push(reason),
  })
  await sessions.servedAt(port)
  return sessions
}

async function signIn(sessions: Sessions): Promise<string> {
  const granted = await sessions.redeem(sessions.createToken())
  if (!granted) throw new Error('the link was refused')
  return granted.session
}

async function change(sessions: Sessions, session: string): Promise<string> {
  const changed = await sessions.change(session)
  if (typeof changed === 'string') throw new Error(changed)
  return changed.session
}

describe('one-time tokens', () => {
  it('are 32 bytes as base64url and good once', async () => {
    const sessions = await start()
    const token = sessions.createToken()
    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    const granted = await sessions.redeem(token)
    expect(granted).toEqual({
      session: expect.stringMatching(/^[\w-]{22}\.[\w-]{43}$/),
      fullForMs: 12 * hour,
    })
    expect(await sessions.redeem(token)).toBeUndefined()
    expect(sessions.check(granted?.session ?? '')).toBe('full')
  })

  it('expire after ten minutes', async () => {
    const sessions = await start()
    const early = sessions.createToken()
    await clock.advance(10 * minute - 1)
    expect(await sessions.redeem(early)).toBeDefined()
    const late = sessions.createToken()
    await clock.advance(10 * minute)
    expect(await sessions.redeem(late)).toBeUndefined()
  })

  it('are bounded: the oldest goes', async () => {
    const sessions = await start()
    const first = sessions.createToken()
    const later = Array.from({ length: 64 }, () => sessions.createToken())
    expect(await sessions.redeem(first)).toBeUndefined()
    for (const token of later) expect(await sessions.redeem(token)).toBeDefined()
  })

  it('are not sessions, and sessions are not tokens', async () => {
    const sessions = await start()
    expect(sessions.check(sessions.createToken())).toBe('no-session')
    expect(await sessions.redeem(await signIn(sessions))).toBeUndefined()
    for (const text of ['', '.', 'x', 'x.y', '.'.repeat(100_000)]) {
      expect(sessions.check(text)).toBe('no-session')
      expect(await sessions.redeem(text)).toBeUndefined()
    }
  })
})

describe('a session', () => {
  it('is full for twelve hours after its link, then looks', async () => {
    const sessions = await start()
    const session = await signIn(sessions)
    await clock.advance(12 * hour - 1)
    expect(sessions.check(session)).toBe('full')
    await clock.advance(1)
    expect(sessions.check(session)).toBe('looking')
    expect(await sessions.change(session)).toMatchObject({ fullForMs: 0 })
  })

  it('is full again with another link, and stays the same session', async () => {
    const sessions = await start()
    const first = await signIn(sessions)
    await clock.advance(13 * hour)
    expect(sessions.check(first)).toBe('looking')
    const granted = await sessions.redeem(sessions.createToken(), first)
    const second = granted?.session ?? ''
    expect(second.split('.')[0]).toBe(first.split('.')[0])
    expect(sessions.check(second)).toBe('full')
    await sessions.end(second)
    expect([first, second].map(sessions.check)).toEqual(['no-session', 'no-session'])
  })

  it('ends after 30 days unused, and use keeps it', async () => {
    const sessions = await start()
    const session = await signIn(sessions)
    await clock.advance(30 * day - 1)
    expect(sessions.check(session)).toBe('looking')
    await clock.advance(30 * day - 1)
    expect(sessions.check(session)).toBe('looking')
    await clock.advance(30 * day)
    expect(sessions.check(session)).toBe('no-session')
  })

  it('ends after 90 days in all, however it is used', async () => {
    const sessions = await start()
    let session = await signIn(sessions)
    for (let passed = 0; passed < 89; passed += 1) {
      await clock.advance(day)
      session = await change(sessions, session)
    }
    await clock.advance(day - 1)
    expect(sessions.check(session)).toBe('looking')
    await clock.advance(1)
    expect(sessions.check(session)).toBe('no-session')
  })

  it('gains nothing where the clock was wrong and is set back', async () => {
    const sessions = await start()
    const session = await signIn(sessions)
    await clock.jump(-400 * day)
    expect(sessions.check(session)).toBe('full')
    await clock.advance(12 * hour)
    expect(sessions.check(session)).toBe('looking')
    await clock.advance(31 * day)
    expect(sessions.check(session)).toBe('no-session')
  })

  it('is one of 32 at most: the one used longest ago goes', async () => {
    const sessions = await start()
    const all: string[] = []
    for (let count = 0; count < 32; count += 1) {
      await clock.advance(1)
      all.push(await signIn(sessions))
    }
    await clock.advance(1)
    sessions.check(all[0] ?? '')
    await clock.advance(1)
    const last = await signIn(sessions)
    expect([all[0] ?? '', all[1] ?? '', all[2] ?? '', last].map(sessions.check)).toEqual([
      'full',
      'no-session',
      'full',
      'full',
    ])
  })

  it('ends what is open for it, and has a stream checked again after ten minutes', async () => {
    const sessions = await start()
    const session = await signIn(sessions)
    const ended: string[] = []
    sessions.hold(session, () => ended.push('after a while'))
    const release = sessions.hold(session, () => ended.push('released'))
    release()
    await clock.advance(10 * minute)
    expect(ended).toEqual(['after a while'])
    sessions.hold(session, () => ended.push('with its session'))
    await sessions.end(session)
    expect(ended).toContain('with its session')
    expect(ended).not.toContain('released')
  })
})

describe('a token that is changed', () => {
  it('goes on until the new one is used, and for the overlap after that', async () => {
    const sessions = await start()
    const first = await signIn(sessions)
    const second = await change(sessions, first)
    await clock.advance(hour)
    expect(sessions.check(first)).toBe('full')
    expect(sessions.check(second)).toBe('full')
    await clock.advance(9_999)
    expect(sessions.check(first)).toBe('full')
    expect(await sessions.change(first)).toBe('changed-already')
    expect(sessions.check(second)).toBe('full')
    expect(seen.replays).toBe(0)
  })

  it('ends the whole family when it is used after the overlap', async () => {
    const sessions = await start()
    const first = await signIn(sessions)
    const second = await change(sessions, first)
    const other = await signIn(sessions)
    sessions.check(second)
    await clock.advance(10_000)
    expect(sessions.check(first)).toBe('session-replayed')
    expect(sessions.check(second)).toBe('session-replayed')
    expect(await sessions.change(second)).toBe('session-replayed')
    expect(sessions.check(other)).toBe('full')
    expect(seen.replays).toBe(1)
    await clock.advance(0)
    const again = await start()
    expect([first, second].map(again.check)).toEqual(['no-session', 'no-session'])
    expect(again.check(other)).toBe('full')
  })

  it('by the thief first: the page that comes later ends both', async () => {
    const sessions = await start()
    const read = await signIn(sessions)
    const byThief = await change(sessions, read)
    expect(sessions.check(byThief)).toBe('full')
    await clock.advance(10_000)
    expect(await sessions.change(read)).toBe('session-replayed')
    expect(sessions.check(byThief)).toBe('session-replayed')
  })

  it('may have been lost on its way: a page that is loaded again at once gets another', async () => {
    const sessions = await start()
    const first = await signIn(sessions)
    await change(sessions, first)
    await change(sessions, first)
    const third = await change(sessions, first)
    expect(sessions.check(third)).toBe('full')
    expect(sessions.check(first)).toBe('full')
    expect(seen.replays).toBe(0)
  })

  it('and was never given out, in a family that is known, ends it too', async () => {
    const sessions = await start()
    const session = await signIn(sessions)
    expect(sessions.check(`${session.slice(0, -4)}AAAA`)).toBe('session-replayed')
    expect(sessions.check(session)).toBe('session-replayed')
  })
})

describe('sessions.json', () => {
  const text = (): Promise<string> => readFile(join(home, 'sessions.json'), 'utf8')

  it('carries them over a start, with nothing but digests in it, for its user alone', async () => {
    const before = await start()
    const first = await signIn(before)
    const second = await change(before, first)
    const after = await start()
    expect(after.check(second)).toBe('full')
    await clock.advance(0)
    for (const token of [first, second])
      for (const part of token.split('.')) expect(await text()).not.toContain(part)
    expect((await stat(join(home, 'sessions.json'))).mode & 0o777).toBe(0o600)
    await clock.advance(10_000)
    expect(after.check(first)).toBe('session-replayed')
  })

  it.each([
    ['half of it', '{"format":1,"families":[{"id":'],
    ['another shape', '{"format":1,"families":[{"id":7}]}'],
    ['another format', '{"format":2,"families":[]}'],
    ['not an object', '[]'],
    ['empty', ''],
    ['a port that is none', '{"format":1,"port":70000,"families":[]}'],
  ])('is kept aside where it is damaged (%s), and nobody is signed in', async (_, damaged) => {
    const session = await signIn(await start())
    await writeFile(join(home, 'sessions.json'), damaged)
    const sessions = await start()
    expect(sessions.check(session)).toBe('no-session')
    expect(seen.aside).toHaveLength(1)
    expect(await readFile(seen.aside[0] ?? '', 'utf8')).toBe(damaged)
    expect(sessions.check(await signIn(sessions))).toBe('full')
  })

  it('means no sessions where it cannot be read', async () => {
    const file: SessionFile = { ...realFile(), write: async () => undefined }
    await mkdir(join(home, 'sessions.json'))
    const sessions = await start(file)
    expect(seen.logged).toEqual(['the sessions of the dashboard cannot be read'])
    expect(sessions.check(await signIn(sessions))).toBe('full')
  })

  it('ends with another port: what listens there could read the tokens', async () => {
    const session = await signIn(await start(realFile(), 5051))
    expect((await start(realFile(), 5052)).check(session)).toBe('no-session')
    expect((await start(realFile(), 5051)).check(session)).toBe('no-session')
  })

  describe('that cannot be written', () => {
    let full: boolean
    const fragile = (): SessionFile => {
      const file = realFile()
      return { ...file, write: stored => (full ? Promise.resolve('the volume is full') : file.write(stored)) }
    }

    it('leaves a session until the core ends, without changing its token, and says so once', async () => {
      full = true
      const sessions = await start(fragile())
      const session = await signIn(sessions)
      expect(await change(sessions, session)).toBe(session)
      expect(await change(sessions, session)).toBe(session)
      expect(seen.unsaved).toEqual(['the volume is full'])
      full = false
      const next = await change(sessions, session)
      expect(next).not.toBe(session)
      expect((await start()).check(next)).toBe('full')
      full = true
      await change(sessions, next)
      expect(seen.unsaved).toHaveLength(2)
      expect(seen.replays).toBe(0)
    })

    it('still ends: what is removed does not come back', async () => {
      full = false
      const sessions = await start(fragile())
      const [one, two] = [await signIn(sessions), await signIn(sessions)]
      full = true
      await sessions.end(one)
      expect(sessions.check(two)).toBe('full')
      expect((await start()).check(one)).toBe('no-session')
      expect(await sessions.endAll()).toEqual({ ended: 1 })
      expect(await readdir(home)).toEqual([])
    })

    it('nor removed: that is said', async () => {
      full = false
      const sessions = await start({ ...fragile(), clear: async () => 'access is denied' })
      await signIn(sessions)
      expect(await sessions.endAll()).toEqual({ ended: 1, kept: 'access is denied' })
    })
  })
})

it('all end at once, with the links that were not used', async () => {
  const sessions = await start()
  const [one, two] = [await signIn(sessions), await signIn(sessions)]
  const link = sessions.createToken()
  expect(await sessions.endAll()).toEqual({ ended: 2 })
  expect([one, two].map(sessions.check)).toEqual(['no-session', 'no-session'])
  expect(await sessions.redeem(link)).toBeUndefined()
  expect((await start()).check(one)).toBe('no-session')
})
