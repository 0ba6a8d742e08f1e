import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type KeyRecord, openKeyRecords } from '../../../core/rotation/key-record.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-keys-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const record = (user: string): KeyRecord => ({
  registry: '127.0.0.1:5050',
  user,
  uuid: '1',
  label: 'ci',
  createdAt: '2026-03-01T12:00:00Z',
  expirationDate: null,
  kept: 'keychain',
  sinks: [],
  retiring: [],
})

describe('the records of keys', () => {
  it('that cannot be read hold nobody up, and nothing is written over them', async () => {
    // A folder in its place fails to be read as a broken disk does.
    const path = join(home, 'keys.json')
    await mkdir(path)
    const told: string[] = []
    const records = await openKeyRecords({
      home,
      now: Date.now,
      report: () => {},
      onUnreadable: reason => told.push(reason),
      onChange: () => {},
    })
    expect(records.all()).toEqual([])
    expect(told).toEqual([`${path}: it is a folder`])
    expect(await records.put(record('a'))).toMatchObject({
      ok: false,
      error: { code: 'home-unusable', path },
    })
    await rmdir(path)
    await writeFile(path, JSON.stringify({ keys: [record('b')] }))
    expect(await records.put(record('a'))).toEqual({ ok: true, value: null })
    expect(records.all().map(({ user }) => user)).toEqual(['b', 'a'])
  })

  it('go on being written after a listener, or a change, threw', async () => {
    let throws = true
    const records = await openKeyRecords({
      home,
      now: Date.now,
      report: () => {},
      onChange() {
        if (throws) throw new Error('once')
      },
    })
    await expect(records.put(record('a'))).rejects.toThrow('once')
    throws = false
    const broken = records.update(record('a'), () => {
      throw new Error('a fault')
    })
    await expect(broken).rejects.toThrow('a fault')
    expect(await records.put(record('b'))).toEqual({ ok: true, value: null })
    const { keys } = JSON.parse(await readFile(join(home, 'keys.json'), 'utf8')) as { keys: KeyRecord[] }
    expect(keys.map(({ user }) => user)).toEqual(['a', 'b'])
  })
})
