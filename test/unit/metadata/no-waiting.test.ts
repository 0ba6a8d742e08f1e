import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { parseConfig } from '../../../registry/config/config.ts'
import { createClients } from '../../../registry/http/client.ts'
import { openLogger } from '../../../registry/log/logger.ts'
import { FactStore, openFactsDatabase } from '../../../registry/metadata/manifest-facts.ts'
import { openStores } from '../../../registry/stores.ts'
import { openUsers } from '../../../registry/users.ts'

const { opened } = vi.hoisted(() => ({ opened: [] as DatabaseSync[] }))
vi.mock('node:sqlite', async original => {
  const real = await original<typeof import('node:sqlite')>()
  class Noted extends real.DatabaseSync {
    constructor(...given: ConstructorParameters<typeof real.DatabaseSync>) {
      super(...given)
      opened.push(this)
    }
  }
  return { ...real, DatabaseSync: Noted }
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'no-waiting-'))
})
afterEach(() => {
  opened.length = 0
  rmSync(folder, { recursive: true })
})

/** Whether a write of it could make the thread that it is in wait for the disk. */
function mayWait(database: DatabaseSync): boolean {
  if (database.prepare('PRAGMA synchronous').get()?.['synchronous'] === 0) return false
  try {
    database.exec('BEGIN; CREATE TABLE a_write (x); ROLLBACK')
    return true
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    return !String(error).includes('readonly')
  }
}

it('no metadata file that the event loop has open while it serves can make it wait for the disk', async () => {
  const htpasswd = join(folder, 'htpasswd')
  writeFileSync(htpasswd, '')
  const http = { address: '127.0.0.1', port: '0', auth: { htpasswd: { path: htpasswd }, apikey: true } }
  const storage = { rootDirectory: join(folder, 'root') }
  const parsed = parseConfig(JSON.stringify({ storage, http }))
  if (!parsed.ok) throw new Error('no config')
  const storing = await openStores(parsed.config)
  if (!storing.ok) throw new Error(storing.message)
  const { main, close } = storing.stores
  expect(main.blobIndex.holders('sha256:none')).toEqual([])
  const logger = openLogger('error', join(folder, 'log'))
  const front = { clients: createClients(), ownNames: { ownOrigin: () => undefined } }
  const opening = openUsers(parsed.config, main.root, logger, {}, front)
  if (!opening.ok) throw new Error(opening.message)
  try {
    const open = opened.filter(database => database.isOpen)
    // The lock, the index of blobs, pulls, what manifests say.
    expect(open).toHaveLength(4)
    expect(open.filter(mayWait).map(database => database.location())).toEqual([])
  } finally {
    await opening.users.close()
    close()
  }
  expect(opened.filter(database => database.isOpen)).toEqual([])
})

it('what manifests say is found out again where the file of it is damaged', () => {
  const facts = { size: 5, platforms: ['linux/amd64'], children: [] }
  for (const damage of [() => {}, () => writeFileSync(join(folder, 'facts.db'), 'x'.repeat(8192))]) {
    damage()
    const opening = openFactsDatabase(folder)
    if (!opening.ok) throw new Error(opening.message)
    const store = new FactStore(opening.database)
    expect(store.get('sha256:a')).toBeUndefined()
    store.put('sha256:a', facts)
    store.flush()
    expect(store.get('sha256:a')).toEqual(facts)
    opening.database.close()
  }
})
