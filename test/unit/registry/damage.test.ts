import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { parseConfig } from '../../../registry/config/config.ts'
import { openMaintenance } from '../../../registry/maintenance/maintenance.ts'
import { BlobIndex } from '../../../registry/storage/blob-index.ts'
import type { DamagedRepository } from '../../../registry/storage/damage.ts'
import { type DiskStorage, openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import { eventually } from '../../fakes/eventually.ts'
import { digestOf } from '../../suites/image.ts'
import { push } from '../../suites/store.ts'

/** Paths that the system refuses, as it does folders of another user. */
const closed = vi.hoisted(() => new Set<string>())
vi.mock('node:fs/promises', async importOriginal => {
  const real = await importOriginal<typeof import('node:fs/promises')>()
  const refusing =
    <Rest extends unknown[], T>(work: (path: never, ...rest: Rest) => T) =>
    (path: never, ...rest: Rest): T | Promise<never> =>
      closed.has(String(path))
        ? Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'open' }))
        : work(path, ...rest)
  return {
    ...real,
    readdir: refusing(real.readdir),
    readFile: refusing(real.readFile),
    opendir: refusing(real.opendir),
  }
})

let root: string
let storage: DiskStorage
let told: DamagedRepository[]
const open = (): DiskStorage => openDiskStorage(root, { onDamaged: damaged => told.push(damaged) })
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-damage-'))
  told = []
  closed.clear()
  storage = open()
  for (const name of ['a', 'b', 'c/d']) await push(storage, name, 'v1', `layer of ${name}`)
  storage = open()
})
afterEach(() => rmSync(root, { recursive: true }))

const index = (name: string): string => join(root, name, 'index.json')

it.each([
  ['is empty', ''],
  ['begins with a byte order mark', '\uFEFF{"schemaVersion":2,"manifests":[]}'],
  ['is not JSON', '{"schemaVersion":2,"manif'],
  ['is not an image index', '{"schemaVersion":2,"manifests":{}}'],
])('an index.json that %s is told once, and hides only its repository', async (words, text) => {
  writeFileSync(index('b'), text)
  const reason = `index.json ${words}`
  expect(storage.damaged()).toEqual([])
  for (let round = 0; round < 2; round++) {
    expect(await storage.repositories()).toEqual({ ok: true, value: ['a', 'b', 'c/d'] })
    expect(await storage.manifests.tags('b')).toMatchObject({
      error: { name: 'storage-failed', detail: { reason: `index.json of b ${words}` } },
    })
    expect(await storage.manifests.tags('a')).toEqual({ ok: true, value: ['v1'] })
  }
  expect(await storage.manifests.referrers('b', digestOf('x'))).toMatchObject({ ok: false })
  expect(storage.damaged()).toEqual([{ repository: 'b', reason }])
  expect(told).toEqual([{ repository: 'b', reason }])
  expect(readFileSync(index('b'), 'utf8')).toBe(text)
})

it('one that was mended, or is gone, is told no more', async () => {
  for (const name of ['a', 'b']) writeFileSync(index(name), '')
  for (const name of ['a', 'b']) await storage.manifests.tags(name)
  expect(storage.damaged()).toMatchObject([{ repository: 'a' }, { repository: 'b' }])
  writeFileSync(index('a'), '{"schemaVersion":2,"manifests":[]}')
  rmSync(join(root, 'b'), { recursive: true })
  expect(await storage.manifests.tags('a')).toEqual({ ok: true, value: [] })
  expect(await storage.repositories()).toEqual({ ok: true, value: ['a', 'c/d'] })
  expect(storage.damaged()).toEqual([])
})

it('a folder that may not be entered is told; folders that cannot be repositories are left aside', async () => {
  mkdirSync(join(root, 'lost+found'))
  mkdirSync(join(root, 'e/blobs'), { recursive: true })
  for (const path of ['lost+found', 'b', 'e/blobs']) closed.add(join(root, path))
  closed.add(index('a'))
  expect(await storage.repositories()).toEqual({ ok: true, value: ['a', 'c/d'] })
  expect(await storage.manifests.tags('a')).toMatchObject({ ok: false })
  expect(await storage.manifests.tags('c/d')).toEqual({ ok: true, value: ['v1'] })
  expect(storage.damaged()).toEqual([
    { repository: 'a', reason: 'index.json: access is denied' },
    { repository: 'b', reason: 'its folder: access is denied' },
    { repository: 'e', reason: 'its folder blobs: access is denied' },
  ])
})

it('a root that cannot be read is no empty store', async () => {
  closed.add(root)
  expect(await storage.repositories()).toMatchObject({ error: { name: 'storage-failed' } })
  closed.clear()
  expect(await storage.repositories()).toMatchObject({ value: ['a', 'b', 'c/d'] })
})

/** Its timers fire when told. */
async function openUpkeep() {
  const lines: Record<string, unknown>[] = []
  const ended: string[] = []
  const loaded = parseConfig(
    JSON.stringify({
      storage: { rootDirectory: root, gcDelay: '1s' },
      http: { address: '127.0.0.1', port: '0' },
      extensions: { scrub: { enable: true } },
    }),
  )
  if (!loaded.ok) throw new Error(JSON.stringify(loaded))
  const timers: { ms: number; fire: () => void }[] = []
  const blobIndex = new BlobIndex(root)
  const opened = await openMaintenance({
    config: loaded.config,
    root,
    maintenance: storage.maintenance,
    blobIndex,
    logger: { log: (level, message, fields) => void lines.push({ level, message, ...fields }) },
    usage: undefined,
    events: {
      emit: event => void (event.kind === 'maintenance' && event.phase === 'ended' && ended.push(event.task)),
    },
    schedule: {
      timer: (ms, fire) => {
        timers.push({ ms, fire })
        return () => {}
      },
      random: () => 0,
    },
  })
  if (!opened.ok) throw new Error(opened.problems.join())
  return { maintenance: opened.maintenance, blobIndex, lines, ended, timers }
}

it('upkeep of the others goes on', async () => {
  writeFileSync(index('a'), '')
  closed.add(join(root, 'b/blobs/sha256'))
  const { maintenance, blobIndex, lines, timers } = await openUpkeep()
  for (const { fire } of timers) fire()
  const said = (message: string) => lines.find(line => line['message'] === message)
  const noted = (name: string) => blobIndex.holders(digestOf(`layer of ${name}`).text)
  await eventually(() => said('scrub completed') && noted('c/d').length > 0)
  await maintenance.stop()
  expect(said('garbage collection completed')).toMatchObject({ repositories: 3, failures: 2 })
  expect(said(`failed to run scrub for ${join(root, 'b')}`)).toMatchObject({
    level: 'error',
    repository: 'b',
    error: 'cannot be read: EACCES',
  })
  expect(said(`scrub unsuccessfully completed for ${join(root, 'b')}`)).toBeDefined()
  expect(said(`scrub successfully completed for ${join(root, 'c/d')}`)).toBeDefined()
  expect(said('scrub completed')).toMatchObject({ blobs: 6, unreadable: 1, corrupt: 0 })
  expect(noted('c/d')).toEqual(['c/d'])
  blobIndex.close()
})

it.each([
  ['the blobs of one repository', 'b/blobs/sha256'],
  ['the folder of one repository', 'b'],
  ['the root', ''],
])('who holds a blob is not all known before %s can be read; it is tried again', async (_, path) => {
  closed.add(join(root, path))
  const { maintenance, blobIndex, ended, timers } = await openUpkeep()
  const run = async (wait: number): Promise<void> => {
    const rounds = ended.length
    for (const { ms, fire } of timers.splice(0)) if (ms === wait) fire()
    await eventually(() => ended.length > rounds)
  }
  await run(5000)
  expect([ended, blobIndex.isComplete]).toEqual([['dedupe'], false])
  await eventually(() => timers.some(({ ms }) => ms === 600_000))
  closed.clear()
  await run(600_000)
  expect([ended, blobIndex.isComplete]).toEqual([['dedupe', 'dedupe'], true])
  expect(blobIndex.holders(digestOf('layer of b').text)).toEqual(['b'])
  await maintenance.stop()
  expect(timers).toEqual([])
  blobIndex.close()
})

const old = (name: string): void => utimesSync(join(root, name), 1000, 1000)

it.each<[string, () => void, string]>([
  ['a folder', () => mkdirSync(index('b')), 'index.json: it is a folder'],
  ['a dangling link', () => symlinkSync('nowhere', index('b')), 'index.json is a link that leads nowhere'],
  ['a link to a folder', () => symlinkSync('blobs', index('b')), 'index.json: it is a folder'],
])(
  'a repository whose index.json is %s is named, and nothing is written over it',
  async (_, make, reason) => {
    rmSync(index('b'))
    make()
    expect(await storage.repositories()).toEqual({ ok: true, value: ['a', 'b', 'c/d'] })
    expect(storage.damaged()).toEqual([{ repository: 'b', reason }])
    expect(await push(storage, 'b', 'v2', 'another').catch((error: unknown) => String(error))).toContain(
      'storage-failed',
    )
    expect(storage.damaged()).toEqual([{ repository: 'b', reason }])
    expect(told).toEqual([{ repository: 'b', reason }])
    expect(await storage.manifests.tags('c/d')).toMatchObject({ ok: true })
  },
)

it('an index.json that is a link to a file is read through it', async () => {
  renameSync(index('b'), join(root, 'elsewhere.json'))
  symlinkSync(join(root, 'elsewhere.json'), index('b'))
  old('b')
  expect(await storage.repositories()).toEqual({ ok: true, value: ['a', 'b', 'c/d'] })
  expect(await storage.manifests.tags('b')).toMatchObject({ ok: true, value: ['v1'] })
  expect(storage.damaged()).toEqual([])
})

it('a repository that lost its index.json is named until a push makes a new one', async () => {
  rmSync(index('b'))
  // It may be on its way in or out.
  await storage.repositories()
  expect(storage.damaged()).toEqual([])
  old('b')
  storage = open()
  await storage.repositories()
  const lost = { repository: 'b', reason: 'index.json is missing' }
  expect(storage.damaged()).toEqual([lost])
  expect(await storage.manifests.tags('b')).toMatchObject({ error: { name: 'name-unknown' } })
  expect(storage.damaged()).toEqual([lost])
  await push(storage, 'b', 'v2', 'another')
  expect(storage.damaged()).toEqual([])
  expect(told).toEqual([lost])
})

it('blobs of a push that has not ended, and a marker without blobs, are no damage', async () => {
  mkdirSync(join(root, 'pushing', 'blobs', 'sha256'), { recursive: true })
  writeFileSync(join(root, 'pushing', 'blobs', 'sha256', 'f'.repeat(64)), 'layer')
  mkdirSync(join(root, 'empty', 'blobs', 'sha256'), { recursive: true })
  writeFileSync(join(root, 'empty', 'oci-layout'), '{}')
  for (const name of ['pushing', 'empty']) old(name)
  expect(await storage.repositories()).toEqual({ ok: true, value: ['a', 'b', 'c/d'] })
  expect(storage.damaged()).toEqual([])
})
