import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hashOfSecret } from '../../../registry/auth/api-key.ts'
import { openAccessDatabase } from '../../../registry/metadata/access-database.ts'
import { ApiKeys, type NewKey } from '../../../registry/metadata/api-keys.ts'
import { openDatabase } from '../../../registry/metadata/database.ts'
import { openActivity, Pulls } from '../../../registry/metadata/pulls.ts'
import { Sessions, sessionLifeMs } from '../../../registry/metadata/sessions.ts'
import { type DatabaseWriter, directWriter, type WriterThread } from '../../../registry/metadata/writer.ts'

let folder: string
const open: DatabaseSync[] = []
let now = 0
const clock = () => now
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metadata-'))
  now = Date.UTC(2026, 0, 1)
})
afterEach(() => {
  for (const database of open.splice(0)) if (database.isOpen) database.close()
  rmSync(folder, { recursive: true })
})
function access(): DatabaseSync {
  const opened = openAccessDatabase(folder)
  if (!opened.ok) throw new Error(opened.message)
  open.push(opened.database)
  return opened.database
}
function activity(): DatabaseSync {
  const opened = openActivity(folder, noThread)
  if (!opened.ok) throw new Error(opened.message)
  opened.database.close()
  const database = new DatabaseSync(join(folder, 'activity.db'))
  open.push(database)
  return database
}
const noThread: WriterThread = {
  writer: () => ({ write: () => Promise.reject(new Error('there is no thread')) }),
  isRunning: () => false,
  close: async () => {},
}
const pullsOf = (database: DatabaseSync): Pulls => new Pulls(database, directWriter(database), clock)

describe('a metadata file', () => {
  it('is private, and is not touched when it is newer than the program', () => {
    access()
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    const file = join(folder, 'x.db')
    const first = openDatabase(file, {
      durability: 'full',
      versions: ['CREATE TABLE a (b)', 'CREATE TABLE c (d)'],
    })
    expect(first.ok && first.database.close()).toBeUndefined()
    const older = openDatabase(file, { durability: 'full', versions: ['CREATE TABLE a (b)'] })
    expect(older).toMatchObject({ ok: false, message: expect.stringContaining('newer') })
    expect(openDatabase(folder, { durability: 'full', versions: [] })).toMatchObject({ ok: false })
  })
})

describe('API keys', () => {
  const wanted = (more: Partial<NewKey> = {}): NewKey => ({
    user: 'alice',
    origin: 'local',
    label: 'laptop',
    scopes: [{ pattern: 'ci/**', actions: ['read'] }],
    expiresAt: now + 1000,
    creatorUa: 'test',
    ...more,
  })
  const create = async (keys: ApiKeys, more: Partial<NewKey> = {}) => {
    const made = await keys.create(wanted(more))
    if (!made.ok) throw new Error(made.reason)
    return made
  }

  it('finds a key by user and secret, until it expires, also after a restart', async () => {
    const database = access()
    const keys = new ApiKeys(database, directWriter(database), clock)
    const { key, secret } = await create(keys)
    for (const store of [keys, new ApiKeys(database, directWriter(database), clock)]) {
      const found = store.find('alice', secret)
      expect(found).toMatchObject({ user: 'alice', via: 'apikey', keyId: key.uuid, scopes: key.scopes })
      expect(store.find('alice', secret)).toBe(found)
      expect(store.find('Alice', secret)).toBeUndefined()
      expect(store.find('alice', 'zak_00000000000000000000000000000000')).toBeUndefined()
    }
    now += 1000
    expect(keys.find('alice', secret)).toBe('expired')
  })

  it('keeps no secret on disk', async () => {
    const database = access()
    const { secret } = await create(new ApiKeys(database, directWriter(database), clock))
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    const bytes = readFileSync(join(folder, 'access.db'), 'latin1')
    expect(bytes).toContain(hashOfSecret(secret))
    expect(bytes).not.toContain(secret.slice(4))
  })

  it('lists and revokes own keys only', async () => {
    const database = access()
    const keys = new ApiKeys(database, directWriter(database), clock)
    const mine = await create(keys)
    const theirs = await create(keys, { user: 'bob' })
    expect(keys.list('alice').map(key => key.uuid)).toEqual([mine.key.uuid])
    expect(keys.list()).toHaveLength(2)
    expect(await keys.revoke([theirs.key.uuid, 'unknown'], 'alice')).toEqual([])
    expect(keys.find('bob', theirs.secret)).toBeDefined()
    expect(await keys.revoke([theirs.key.uuid])).toHaveLength(1)
    expect(keys.find('bob', theirs.secret)).toBeUndefined()
    expect(new ApiKeys(database, directWriter(database), clock).list('bob')).toEqual([])
  })

  it('offers descendants, also past a link that is gone', async () => {
    const database = access()
    const keys = new ApiKeys(database, directWriter(database), clock)
    const first = (await create(keys)).key
    const second = (await create(keys, { mintedBy: first.uuid })).key
    const third = (await create(keys, { mintedBy: second.uuid })).key
    await create(keys)
    await keys.revoke([second.uuid, first.uuid])
    for (const store of [keys, new ApiKeys(database, directWriter(database), clock)]) {
      expect(store.descendants(first.uuid).map(key => key.uuid)).toEqual([third.uuid])
    }
    expect(third.mintedBy).toBe(second.uuid)
  })

  it("gives keys of an identity provider's user the groups of the last sign-in, and local keys none", async () => {
    const database = access()
    const keys = new ApiKeys(database, directWriter(database), clock)
    const outside = await create(keys, { origin: 'oidc' })
    const local = await create(keys)
    await keys.signedIn('alice', ['admins'])
    for (const store of [keys, new ApiKeys(database, directWriter(database), clock)]) {
      expect(store.find('alice', outside.secret)).toMatchObject({ groups: ['admins'], origin: 'oidc' })
      expect(store.find('alice', local.secret)).toMatchObject({ groups: [], origin: 'local' })
    }
  })

  it('writes uses together', async () => {
    const database = access()
    const keys = new ApiKeys(database, directWriter(database), clock)
    const { key, secret } = await create(keys)
    expect(keys.get(key.uuid)?.lastUsed).toBeUndefined()
    now += 10
    keys.find('alice', secret)
    expect(keys.get(key.uuid)?.lastUsed).toBe(now)
    expect(new ApiKeys(database, directWriter(database), clock).get(key.uuid)?.lastUsed).toBeUndefined()
    await keys.flush()
    expect(new ApiKeys(database, directWriter(database), clock).get(key.uuid)?.lastUsed).toBe(now)
  })
})

describe('sessions', () => {
  const sessionsOf = (database: DatabaseSync): Sessions =>
    new Sessions(database, directWriter(database), clock)
  const alice = { user: 'alice', origin: 'oidc', groups: ['g'], details: { idToken: 't' } } as const

  it('last two hours, survive a restart, and keep no identifier', async () => {
    const database = access()
    const sessions = new Sessions(database, directWriter(database), clock)
    const { id } = await sessions.create(alice)
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    expect(readFileSync(join(folder, 'access.db'), 'latin1')).not.toContain(id)
    const again = new Sessions(database, directWriter(database), clock)
    for (const store of [sessions, again]) {
      expect(store.find(id)).toMatchObject({ user: 'alice', groups: ['g'], via: 'session' })
      expect(store.get(id)?.details).toEqual({ idToken: 't' })
      expect(store.find('forged')).toBeUndefined()
      expect(store.find(`${id.slice(0, -1)}${id.endsWith('A') ? 'E' : 'A'}`)).toBeUndefined()
    }
    now += sessionLifeMs
    expect(again.find(id)).toBeUndefined()
    await again.collect()
    expect(database.prepare('SELECT count(*) AS n FROM sessions').get()).toEqual({ n: 0 })
    sessions.close()
    again.close()
  })

  it('end at once, and are new each time', async () => {
    const sessions = sessionsOf(access())
    const first = (await sessions.create(alice)).id
    const second = (await sessions.create(alice)).id
    expect(first).not.toBe(second)
    expect((await sessions.end(first))?.user).toBe('alice')
    expect(sessions.find(first)).toBeUndefined()
    expect(await sessions.end(first)).toBeUndefined()
    const local = { ...alice, origin: 'local' } as const
    const [third, bobs] = [
      (await sessions.create(local)).id,
      (await sessions.create({ ...local, user: 'bob' })).id,
    ]
    await sessions.endLocal(user => user !== 'alice')
    // A provider's user of the same name is somebody else.
    expect([second, third, bobs].map(id => sessions.find(id) !== undefined)).toEqual([true, false, true])
    sessions.close()
  })

  it('are bounded per user; the oldest goes', async () => {
    const sessions = sessionsOf(access())
    const bob = (await sessions.create({ ...alice, user: 'bob' })).id
    const ids: string[] = []
    for (let at = 0; at < 25; at++) ids.push((await sessions.create(alice)).id)
    expect(ids.map(id => sessions.find(id) !== undefined)).toEqual([
      ...Array(5).fill(false),
      ...Array(20).fill(true),
    ])
    expect(sessions.find(bob)).toBeDefined()
    sessions.close()
  })
})

describe('pulls', () => {
  const digest = `sha256:${'a'.repeat(64)}`

  it('counts in memory and on disk alike', async () => {
    const database = activity()
    const pulls = pullsOf(database)
    pulls.pushed('a/b', 'v1', 'alice')
    for (let turn = 0; turn < 3; turn++) pulls.pulled('a/b', 'v1')
    pulls.pulled('a/b', digest)
    const before = pulls.get('a/b', 'v1')
    expect(before).toEqual({ pulls: 3, lastPulled: now, pushedAt: now, pushedBy: 'alice' })
    await pulls.flush()
    expect(pulls.get('a/b', 'v1')).toEqual(before)
    const pushed = now
    now += 5
    pulls.pulled('a/b', 'v1')
    expect(pulls.list('a/b')).toEqual(
      new Map([
        [digest, { pulls: 1, lastPulled: pushed }],
        ['v1', { pulls: 4, lastPulled: now, pushedAt: pushed, pushedBy: 'alice' }],
      ]),
    )
    await pulls.close()
    expect(pullsOf(database).get('a/b', 'v1')).toMatchObject({ pulls: 4, pushedBy: 'alice' })
  })

  it('tells a push without credentials from an earlier one with', async () => {
    const pulls = pullsOf(activity())
    pulls.pushed('a', 'v1', 'alice')
    await pulls.flush()
    now += 1
    pulls.pushed('a', 'v1', undefined)
    await pulls.flush()
    expect(pulls.get('a', 'v1')).toEqual({ pulls: 0, pushedAt: now })
    await pulls.close()
  })

  it('forgets what is deleted', async () => {
    const pulls = pullsOf(activity())
    for (const reference of ['v1', 'v2']) pulls.pulled('a', reference)
    pulls.pulled('b', 'v1')
    await pulls.flush()
    pulls.pulled('a', 'v1')
    pulls.forget('a', 'v1')
    expect([...pulls.list('a').keys()]).toEqual(['v2'])
    pulls.forget('a')
    expect(pulls.list('a').size).toBe(0)
    expect(pulls.get('b', 'v1')).toMatchObject({ pulls: 1 })
    await pulls.close()
  })

  it('writes many in portions and loses none that comes in meanwhile', async () => {
    const pulls = pullsOf(activity())
    for (let at = 0; at < 2000; at++) pulls.pulled('a', `t${at}`)
    const writing = pulls.flush()
    for (let at = 0; at < 2000; at++) pulls.pulled('a', `t${at}`)
    await writing
    await pulls.flush()
    const counts = [...pulls.list('a').values()].map(one => one.pulls)
    expect(counts).toHaveLength(2000)
    expect(counts.every(count => count === 2)).toBe(true)
    await pulls.close()
  })

  it('goes on when the disk takes nothing', async () => {
    const database = activity()
    const pulls = pullsOf(database)
    database.exec('PRAGMA query_only = 1')
    pulls.pulled('a', 'v1')
    await pulls.flush()
    expect(pulls.get('a', 'v1')).toMatchObject({ pulls: 1 })
    database.exec('PRAGMA query_only = 0')
    await pulls.flush()
    expect(pullsOf(database).get('a', 'v1')).toMatchObject({ pulls: 1 })
    await pulls.close()
  })
})

describe('a disk that takes nothing', () => {
  it('is kept from no more than so many deletions', async () => {
    const database = activity()
    const direct = directWriter(database)
    let full = false
    let written = 0
    const writer: DatabaseWriter = {
      write: async statements => {
        if (full) throw new Error('database or disk is full')
        written += statements.length
        await direct.write(statements)
      },
    }
    const pulls = new Pulls(database, writer, clock, 10)
    const tags = Array.from({ length: 15 }, (_, at) => `t${at}`)
    for (const some of [tags.slice(0, 10), tags.slice(10)]) {
      for (const tag of some) pulls.pulled('a', tag)
      await pulls.flush()
    }
    full = true
    written = 0
    // Came and went meanwhile: the disk need not hear of it.
    for (let at = 0; at < 50; at++) {
      pulls.pushed('b', `t${at}`, 'ci')
      pulls.forget('b', `t${at}`)
    }
    for (const tag of tags) pulls.forget('a', tag)
    // The first ends a round that began before the rest was deleted.
    await pulls.flush()
    expect(await pulls.flush()).toBe(false)
    expect(pulls.get('a', 't14')).toBeUndefined()
    full = false
    await pulls.close()
    expect(written).toBe(10)
    expect([...pullsOf(database).list('a').keys()].sort()).toEqual(['t0', 't1', 't2', 't3', 't4'])
  })

  it('forgets what was being written when it was deleted', async () => {
    const database = activity()
    const direct = directWriter(database)
    const disk = Promise.withResolvers<void>()
    const slow: DatabaseWriter = { write: statements => disk.promise.then(() => direct.write(statements)) }
    const pulls = new Pulls(database, slow, clock)
    pulls.pulled('a', 'v1')
    const writing = pulls.flush()
    pulls.forget('a', 'v1')
    disk.resolve()
    await writing
    await pulls.close()
    expect(pullsOf(database).list('a').size).toBe(0)
  })

  it('ends neither requests nor the process; what was counted is written later', async () => {
    vi.useFakeTimers()
    try {
      const database = access()
      const keys = new ApiKeys(database, directWriter(database), clock)
      const scopes = [{ pattern: '**', actions: ['read'] as const }]
      const wanted = { user: 'alice', origin: 'local' as const, label: '', scopes, creatorUa: '' }
      const made = await keys.create({ ...wanted, expiresAt: now + 100_000_000 })
      if (!made.ok) throw new Error(made.reason)
      const sessions = new Sessions(database, directWriter(database), clock)
      const opened: string[] = []
      for (const user of ['alice', 'bob'])
        opened.push((await sessions.create({ user, origin: 'local', groups: [] })).id)
      const pulls = activity()
      const counted = pullsOf(pulls)
      counted.pulled('a', 'v1')
      for (const one of [database, pulls]) one.exec('PRAGMA query_only = ON')

      expect(keys.find('alice', made.secret)).toMatchObject({ user: 'alice' })
      await vi.advanceTimersByTimeAsync(11 * 60_000)
      counted.forget('a', 'v1')
      counted.forget('a')
      expect((await sessions.end(opened[0] ?? ''))?.user).toBe('alice')
      await sessions.endLocal(() => false)
      expect(opened.map(id => sessions.find(id))).toEqual([undefined, undefined])

      for (const one of [database, pulls]) one.exec('PRAGMA query_only = OFF')
      expect(keys.find('alice', made.secret)).toBeDefined()
      await vi.advanceTimersByTimeAsync(11 * 60_000)
      expect(new ApiKeys(database, directWriter(database), clock).get(made.key.uuid)?.lastUsed).toBe(now)
      expect(database.prepare('SELECT * FROM sessions').all()).toEqual([])
      sessions.close()
    } finally {
      vi.useRealTimers()
    }
  })
})
