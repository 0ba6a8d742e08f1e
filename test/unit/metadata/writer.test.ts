import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { accessWriter, openAccessDatabase } from '../../../registry/metadata/access-database.ts'
import { ApiKeys, type NewKey } from '../../../registry/metadata/api-keys.ts'
import { openActivity, Pulls } from '../../../registry/metadata/pulls.ts'
import { Sessions } from '../../../registry/metadata/sessions.ts'
import { createWriterThread, type WriterThread } from '../../../registry/metadata/writer.ts'
import { eventually } from '../../fakes/eventually.ts'

let folder: string
let thread: WriterThread
let keys: ApiKeys
let sessions: Sessions
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-writer-'))
  const opened = openAccessDatabase(folder)
  if (!opened.ok) throw new Error(opened.message)
  thread = createWriterThread()
  const writer = accessWriter(folder, thread)
  keys = new ApiKeys(opened.database, writer)
  sessions = new Sessions(opened.database, writer)
  // From here on nothing can be written by this thread.
  opened.database.close()
})
afterEach(async () => {
  sessions.close()
  await thread.close()
  rmSync(folder, { recursive: true })
})

const wanted: NewKey = {
  user: 'alice',
  origin: 'local',
  label: '',
  scopes: [],
  expiresAt: Date.now() + 100_000,
  creatorUa: '',
}
const created = async () => {
  const made = await keys.create(wanted)
  if (!made.ok) throw new Error(made.reason)
  return made
}
const read = <T>(look: (database: DatabaseSync) => T): T => {
  const database = new DatabaseSync(join(folder, 'access.db'))
  try {
    return look(database)
  } finally {
    database.close()
  }
}
const count = (table: string): unknown =>
  read(database => database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
/** Nobody else writes while this lasts: to the writer it is a disk that takes its time. */
const holdUp = (name = 'access.db'): (() => void) => {
  const database = new DatabaseSync(join(folder, name))
  database.exec('BEGIN IMMEDIATE')
  return () => database.close()
}

it('what was answered is on disk: keys, sessions, and their ends', async () => {
  const { key, secret } = await created()
  expect(count('api_keys')).toBe(1)
  const { id } = await sessions.create({ user: 'alice', origin: 'local', groups: [] })
  expect(count('sessions')).toBe(1)
  await keys.signedIn('bob', ['g'])
  expect(count('users')).toBe(1)
  expect(await keys.revoke([key.uuid])).toHaveLength(1)
  await sessions.end(id)
  expect([count('api_keys'), count('sessions')]).toEqual([0, 0])
  expect([keys.find('alice', secret), sessions.find(id)]).toEqual([undefined, undefined])
})

it('a slow disk holds up those who wait for it, and nobody else', async () => {
  const before = await created()
  const release = holdUp()
  const waiting = {
    create: created(),
    session: sessions.create({ user: 'bob', origin: 'local', groups: [] }),
  }
  let answered = 0
  for (const one of Object.values(waiting)) void one.then(() => answered++)
  // The event loop turns, and who has a key already is let in.
  for (let at = 0; at < 1000; at++) await turn()
  expect(answered).toBe(0)
  expect(keys.find('alice', before.secret)).toMatchObject({ user: 'alice' })
  release()
  const { key, secret } = await waiting.create
  expect(keys.find('alice', secret)).toMatchObject({ keyId: key.uuid })
  expect(sessions.find((await waiting.session).id)).toMatchObject({ user: 'bob' })
})

it('a key that is being made is revoked with the key that made it', async () => {
  const parent = await created()
  const release = holdUp()
  const child = keys.create({ ...wanted, mintedBy: parent.key.uuid })
  const all = [parent.key, ...keys.descendants(parent.key.uuid)].map(key => key.uuid)
  expect(all).toHaveLength(2)
  const revoked = keys.revoke(all)
  release()
  expect(await revoked).toHaveLength(2)
  expect(await child).toEqual({ ok: false, reason: 'ended' })
  expect(count('api_keys')).toBe(0)
})

it('of two who revoke a key at once, one has ended it', async () => {
  const { key } = await created()
  const both = await Promise.all([keys.revoke([key.uuid]), keys.revoke([key.uuid])])
  expect(both.map(ended => ended.length)).toEqual([1, 0])
})

it('a write that fails is told, leaves nothing behind, and the next one is taken', async () => {
  read(database => database.exec('ALTER TABLE api_keys RENAME TO away'))
  await expect(created()).rejects.toThrow('no such table')
  expect(keys.list()).toEqual([])
  read(database => database.exec('ALTER TABLE away RENAME TO api_keys'))
  const { key } = await created()
  expect(keys.list().map(it => it.uuid)).toEqual([key.uuid])
})

it('what was asked for is written before it ends, and nothing after', async () => {
  const last = created()
  await thread.close()
  expect((await last).ok).toBe(true)
  expect(count('api_keys')).toBe(1)
  await expect(created()).rejects.toThrow('has ended')
})

it('the thread ends when nothing is written for a while, and starts again', async () => {
  const short = createWriterThread(1)
  try {
    const writer = accessWriter(folder, short)
    for (const user of ['a', 'b']) {
      await writer.write([{ sql: 'INSERT INTO users VALUES (?, ?, ?)', values: [user, '[]', 1] }])
      await eventually(() => !short.isRunning())
    }
    expect(count('users')).toBe(2)
  } finally {
    await short.close()
  }
})

it('pulls are counted right while the disk takes its time, and a deleted tag begins anew', async () => {
  const opened = openActivity(folder, thread)
  if (!opened.ok) throw new Error(opened.message)
  const pulls = new Pulls(opened.database, opened.writer)
  try {
    for (const tag of ['v1', 'v2']) pulls.pulled('a', tag)
    await pulls.flush()
    const release = holdUp('activity.db')
    pulls.pulled('a', 'v1')
    const writing = pulls.flush()
    pulls.pulled('a', 'v1')
    pulls.forget('a', 'v2')
    pulls.pulled('a', 'v2')
    for (let at = 0; at < 1000; at++) await turn()
    const expected = [3, 1]
    const counted = () => ['v1', 'v2'].map(tag => pulls.get('a', tag)?.pulls)
    expect(counted()).toEqual(expected)
    release()
    expect(await writing).toBe(true)
    expect(counted()).toEqual(expected)
    await pulls.close()
    const again = new Pulls(opened.database, opened.writer)
    expect(['v1', 'v2'].map(tag => again.get('a', tag)?.pulls)).toEqual(expected)
    expect([...again.list('a').values()].map(one => one.pulls)).toEqual(expected)
  } finally {
    opened.database.close()
  }
})
