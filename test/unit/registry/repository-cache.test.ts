import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scrubRepository } from '../../../registry/maintenance/scrub.ts'
import { Damage } from '../../../registry/storage/damage.ts'
import { type DiskStorage, openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import { RepositoryCache } from '../../../registry/storage/repository-cache.ts'
import { config, imageOf } from '../../suites/image.ts'
import { put, ref, upload } from '../../suites/store.ts'

const repositories = 20
const tags = 10
/** Room for about five of them. */
const limit = 40_000

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-cache-'))
  for (let at = 0; at < repositories; at++) write(`r${at}`, 'old')
})
afterEach(() => rmSync(root, { recursive: true }))

function write(name: string, word: string): void {
  mkdirSync(join(root, name), { recursive: true })
  const { mediaType, digest, bytes } = imageOf([name])
  const manifests = Array.from({ length: tags }, (_, at) => ({
    mediaType,
    digest,
    size: bytes.length,
    annotations: { 'org.opencontainers.image.ref.name': `${word}-${at}` },
  }))
  writeFileSync(join(root, name, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
}

describe('the cache of indexes', () => {
  const weightOf = (cache: RepositoryCache): number => {
    let bytes = 0
    for (let at = 0; at < repositories; at++) bytes += cache.peek(`r${at}`)?.sizeBytes ?? 0
    return bytes
  }

  it('keeps to its limit, by what the indexes weigh once they are read', async () => {
    const cache = new RepositoryCache(root, new Damage(), {}, limit)
    for (let at = 0; at < repositories; at++)
      expect(await cache.get(`r${at}`).load()).toMatchObject({ ok: true })
    expect(weightOf(cache)).toBeLessThanOrEqual(limit)
    expect(weightOf(cache)).toBeGreaterThan(limit / 2)
    expect(cache.peek('r0')).toBeUndefined()
    expect(cache.peek(`r${repositories - 1}`)?.snapshot?.tagNames).toHaveLength(tags)
  })

  it('never has two objects for one name while the first one is at work', async () => {
    const cache = new RepositoryCache(root, new Damage(), {}, limit)
    const first = cache.get('r0')
    const hold = first.leases.watch()
    for (let at = 1; at < repositories; at++) await cache.get(`r${at}`).load()
    expect(cache.peek('r0')).toBeUndefined()
    expect(cache.get('r0')).toBe(first)
    hold.end()
  })

  it('still keeps one that weighs more than all of the limit', async () => {
    const cache = new RepositoryCache(root, new Damage(), {}, 1000)
    await cache.get('r1').load()
    expect(cache.get('r1').snapshot).toBeDefined()
  })
})

describe('with a small limit', () => {
  let storage: DiskStorage
  beforeEach(() => {
    storage = openDiskStorage(root, { indexLimitBytes: limit })
  })
  const first = async (): Promise<string | undefined> => {
    const found = await storage.manifests.tags('r0')
    return found.ok ? found.value[0] : undefined
  }
  /** Only one that was let go of is read again. */
  const isLetGo = async (): Promise<boolean> => {
    write('r0', 'new')
    return (await first()) === 'new-0'
  }
  const pause = async (): Promise<void> => {}
  const signal = new AbortController().signal

  it('an index that was just read is served from memory', async () => {
    await first()
    expect(await isLetGo()).toBe(false)
  })

  it('lists of tags let go of older indexes', async () => {
    await first()
    for (let at = 1; at < repositories; at++) await storage.manifests.tags(`r${at}`)
    expect(await isLetGo()).toBe(true)
  })

  it('so does a scrub', async () => {
    await first()
    for (let at = 1; at < repositories; at++)
      await scrubRepository(
        { maintenance: storage.maintenance, logger: { log: () => {} }, pause, signal, known: new Map() },
        `r${at}`,
        { blobs: 0, corrupt: 0, unreadable: 0 },
      )
    expect(await isLetGo()).toBe(true)
  })

  it('so does a garbage collection', async () => {
    await first()
    const options = { decide: () => [], blobsBefore: 0, pause, signal }
    for (let at = 1; at < repositories; at++) await storage.maintenance.collect(`r${at}`, options)
    expect(await isLetGo()).toBe(true)
  })

  it('and so do pushes', async () => {
    await first()
    for (let at = 0; at < 60; at++) {
      await upload(storage, 'grows', config)
      await upload(storage, 'grows', `layer ${at}`)
      await put(storage, 'grows', `t${at}`, imageOf([`layer ${at}`]))
    }
    for (let at = 1; at < 5; at++) await storage.manifests.get(`r${at}`, ref('old-0'))
    expect(await isLetGo()).toBe(true)
  })
})
