import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../../../registry/config/config.ts'
import type { Result } from '../../../registry/oci/error-table.ts'
import { RootGuard } from '../../../registry/storage/root-guard.ts'
import { lockRoot } from '../../../registry/storage/root-lock.ts'
import type { Storage } from '../../../registry/storage/storage.ts'
import { openStores, type Stores } from '../../../registry/stores.ts'
import { config, digestOf, imageOf } from '../../suites/image.ts'
import { push, ref } from '../../suites/store.ts'

let base: string
let root: string
const away = (): string => join(base, 'away')
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'zotbar-gone-'))
  root = join(base, 'root')
  mkdirSync(root)
})
afterEach(() => rmSync(base, { recursive: true }))

describe('a data folder that goes while it is served', () => {
  let stores: Stores
  let storage: Storage
  let started: string
  const image = imageOf(['new'])

  beforeEach(async () => {
    const text = JSON.stringify({
      storage: { rootDirectory: root },
      http: { address: '127.0.0.1', port: '0' },
    })
    const parsed = parseConfig(text)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    const opened = await openStores(parsed.config)
    if (!opened.ok) throw new Error(opened.message)
    stores = opened.stores
    storage = stores.storage
    await push(storage, 'a', 'v1', 'layer')
    const id = await storage.uploads.start('a')
    started = id.ok ? id.value : ''
    await storage.uploads.write('a', started, { body: Readable.from([Buffer.from('new')]) })
  })
  afterEach(() => stores.close())

  /** Everything that a client may be told to be done. */
  const changes = (): Record<string, () => Promise<Result<unknown>>> => ({
    commit: () => storage.uploads.commit('a', started, digestOf('new')),
    put: () => storage.manifests.put('a', ref('v1'), image.mediaType, image.bytes),
    'put of what is there': () => {
      const { mediaType, bytes } = imageOf(['layer'])
      return storage.manifests.put('a', ref('v2'), mediaType, bytes)
    },
    mount: () => storage.blobs.mount('a', 'b', digestOf(config)),
    'delete of a tag': () => storage.manifests.delete('a', ref('v1')),
    'delete of a digest': () => storage.manifests.delete('a', ref(imageOf(['layer']).digest)),
    'delete of a blob': () => storage.blobs.delete('a', digestOf('layer')),
  })
  const reads = (): Record<string, () => Promise<Result<unknown>>> => ({
    manifest: () => storage.manifests.get('a', ref('unknown')),
    tags: () => storage.manifests.tags('unknown'),
    entries: () => storage.manifests.entries('unknown'),
    blob: () => storage.blobs.open('a', digestOf('layer')),
    repositories: () => storage.repositories(),
    reachable: () => storage.reachable(),
    upload: () => storage.uploads.start('new'),
  })
  const expectRefused = async (asked: Record<string, () => Promise<Result<unknown>>>, reason: string) => {
    for (const [what, ask] of Object.entries(asked))
      expect([what, await ask()]).toEqual([
        what,
        { ok: false, error: { name: 'not-ready', detail: { reason } } },
      ])
  }

  it('refuses everything at once when nothing is in its place, and makes nothing there', async () => {
    renameSync(root, away())
    const reason = 'the data folder is no longer there; is its volume mounted?'
    await expectRefused(changes(), reason)
    await expectRefused(reads(), reason)
    expect(existsSync(root)).toBe(false)
  })

  it('refuses everything at once when another folder is in its place, and stores nothing there', async () => {
    renameSync(root, away())
    mkdirSync(root)
    mkdirSync(join(root, '_zotbar'))
    // Another registry may have begun there.
    const locked = lockRoot(root)
    const reason = 'another folder lies where the data folder was; is its volume mounted?'
    await expectRefused(changes(), reason)
    await expectRefused(reads(), reason)
    const left = readdirSync(root, { recursive: true, encoding: 'utf8' })
    expect(left.filter(path => /index\.json|oci-layout/.test(path))).toEqual([])
    if (locked.ok) locked.release()
  })

  it('goes on where it was when it comes back', async () => {
    renameSync(root, away())
    await expectRefused(
      { put: () => changes()['put']!() },
      'the data folder is no longer there; is its volume mounted?',
    )
    renameSync(away(), root)
    expect(await storage.uploads.commit('a', started, digestOf('new'))).toMatchObject({ ok: true })
    expect(await changes()['put']!()).toMatchObject({ ok: true })
    expect(await storage.manifests.tags('a')).toEqual({ ok: true, value: ['v1'] })
    expect(await storage.manifests.entries('a')).toMatchObject({
      ok: true,
      value: expect.arrayContaining([expect.objectContaining({ tag: 'v1' })]),
    })
  })

  it('upkeep changes nothing in what lies there instead', async () => {
    renameSync(root, away())
    mkdirSync(join(root, '_zotbar'), { recursive: true })
    const collected = await stores.main.maintenance.collect('a', {
      decide: manifests => manifests.map(({ digest }) => ({ digest, tag: 'v1', staysByDigest: false })),
      blobsBefore: Date.now() + 1000,
      pause: async () => {},
      signal: new AbortController().signal,
    })
    expect(collected).toMatchObject({ ok: false })
    expect(readdirSync(root, { recursive: true })).toEqual(['_zotbar'])
  })
})

it('what was seen counts for a second', async () => {
  const locked = lockRoot(root)
  let now = 0
  const guard = new RootGuard(root, () => now)
  expect(await guard.recent()).toBeUndefined()
  renameSync(root, away())
  now = 999
  expect(await guard.recent()).toBeUndefined()
  now = 1000
  expect(await guard.recent()).toMatchObject({ name: 'not-ready' })
  renameSync(away(), root)
  expect(await guard.look()).toBeUndefined()
  if (locked.ok) locked.release()
})
