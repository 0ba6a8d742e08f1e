import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RegistryEvent } from '../../../registry/events/event.ts'
import { collectRepository, noTotals } from '../../../registry/maintenance/gc.ts'
import { compileRetention } from '../../../registry/maintenance/retention-policy.ts'
import { type DiskStorage, openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import { digestOf } from '../../suites/image.ts'
import { push, put, ref, upload } from '../../suites/store.ts'

const hour = 3_600_000
const marker = '{"imageLayoutVersion":"1.0.0"}'
const compiled = compileRetention({ retention: { dryRun: false, delay: hour, policies: [] } } as never)
if (!compiled.ok) throw new Error('the default policy is sound')
const { retention } = compiled

let root: string
let storage: DiskStorage
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-emptied-'))
  storage = openDiskStorage(root)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const said: unknown[][] = []
const events: RegistryEvent[] = []
const forgotten: string[] = []
beforeEach(() => {
  for (const list of [said, events, forgotten]) list.length = 0
})

/** One round of garbage collection, `later` ms from now. */
async function collect(later: number, store = storage): Promise<number> {
  const names: string[] = []
  for await (const name of store.maintenance.names()) names.push(name)
  const totals = noTotals()
  for (const name of names)
    await collectRepository(
      {
        maintenance: store.maintenance,
        logger: { log: (...line) => void said.push(line) },
        usage: {
          list: () => new Map(),
          forget: (name, reference) => void (reference ?? forgotten.push(name)),
        },
        countedSince: 0,
        now: () => Date.now() + later,
        events: { emit: event => void events.push(event) },
        pause: async () => {},
      },
      { delay: hour, retention },
      name,
      totals,
      new AbortController().signal,
    )
  return totals.emptied
}

const catalog = async (store = storage): Promise<readonly string[]> => {
  const found = await store.repositories()
  return found.ok ? found.value : []
}
async function emptied(name: string): Promise<void> {
  const { digest } = await push(storage, name, 'v1', `layer of ${name}`)
  await storage.manifests.delete(name, ref(digest))
}
const lines = (message: string): unknown[][] => said.filter(line => line[1] === message)

describe('an emptied repository', () => {
  it('goes once its last change is gcDelay old, with the folders above it, and its name everywhere', async () => {
    await emptied('team/app')
    await emptied('team/tool')
    const kept = await push(storage, 'team/lib', 'v1', 'kept')
    expect(await collect(hour - 60_000)).toBe(0)
    expect(await catalog()).toEqual(['team/app', 'team/lib', 'team/tool'])
    expect(await collect(2 * hour)).toBe(2)
    expect(await catalog()).toEqual(['team/lib'])
    expect(readdirSync(join(root, 'team'))).toEqual(['lib'])
    expect(forgotten).toEqual(['team/app', 'team/tool'])
    expect(lines('removed all blobs, removing repo')).toHaveLength(2)
    expect(events.at(-1)).toMatchObject({ kind: 'collected', repository: 'team/tool', isGone: true })
    expect(await storage.manifests.tags('team/app')).toMatchObject({ error: { name: 'name-unknown' } })
    // The last one takes the folder above it along.
    await storage.manifests.delete('team/lib', ref(kept.digest))
    await collect(2 * hour)
    expect(readdirSync(root)).toEqual([])
  })

  it('can be pushed to again, and is a whole layout then', async () => {
    await emptied('a')
    await collect(2 * hour)
    expect(existsSync(join(root, 'a'))).toBe(false)
    await push(storage, 'a', 'v2', 'again')
    expect(await catalog()).toEqual(['a'])
    expect(readdirSync(join(root, 'a')).sort()).toEqual(['.uploads', 'blobs', 'index.json', 'oci-layout'])
    expect(await openDiskStorage(root).manifests.tags('a')).toMatchObject({ value: ['v2'] })
  })

  it('stays as a folder around the repositories nested in it', async () => {
    await emptied('a')
    await push(storage, 'a/b', 'v1', 'nested')
    await push(storage, 'a/blobs/c', 'v1', 'nested')
    expect(await collect(2 * hour)).toBe(1)
    expect(await catalog()).toEqual(['a/b', 'a/blobs/c'])
    expect(readdirSync(join(root, 'a')).sort()).toEqual(['b', 'blobs'])
    // There is nothing left to remove.
    expect(await collect(3 * hour)).toBe(0)
    expect(await openDiskStorage(root).manifests.tags('a/blobs/c')).toMatchObject({ value: ['v1'] })
  })

  it('stays while an upload is under way, and goes with the upload once that is old', async () => {
    await emptied('a')
    await collect(0)
    const id = await storage.uploads.start('a')
    expect(id.ok).toBe(true)
    // All but the upload is old.
    const then = new Date(Date.now() - 2 * hour)
    utimesSync(join(root, 'a/index.json'), then, then)
    for (const hex of readdirSync(join(root, 'a/blobs/sha256')))
      utimesSync(join(root, 'a/blobs/sha256', hex), then, then)
    expect(await collect(0)).toBe(0)
    expect(readdirSync(join(root, 'a/blobs/sha256'))).toEqual([])
    utimesSync(join(root, 'a/.uploads', id.ok ? id.value : ''), then, then)
    expect(await collect(0)).toBe(1)
    expect(readdirSync(root)).toEqual([])
  })

  it.each([
    ['README', 'README'],
    ['blobs/sha256/notes.txt', 'blobs/sha256/notes.txt'],
    ['.uploads/notes.txt', '.uploads/notes.txt'],
    ['blobs/notes', 'blobs/notes'],
    ['.hidden/x', '.hidden'],
  ])('stays with %s in it, and the log says so once', async (file, named) => {
    await emptied('a')
    mkdirSync(join(root, 'a', file, '..'), { recursive: true })
    writeFileSync(join(root, 'a', file), 'mine')
    for (let round = 0; round < 2; round++) expect(await collect(2 * hour)).toBe(0)
    expect(existsSync(join(root, 'a', file))).toBe(true)
    expect(await catalog()).toEqual(['a'])
    const told = lines('an empty repository is not removed')
    expect(told).toHaveLength(1)
    expect(told[0]?.[2]).toMatchObject({ repository: 'a', error: `unknown files are in it: ${named}` })
    rmSync(join(root, 'a', named), { recursive: true })
    expect(await collect(2 * hour)).toBe(1)
  })

  it('stays where its index is a link, or damaged; what a file manager left goes with it', async () => {
    for (const name of ['linked', 'damaged', 'looked-at']) await emptied(name)
    storage = openDiskStorage(root)
    rmSync(join(root, 'linked/index.json'))
    writeFileSync(join(root, 'elsewhere.json'), '{"schemaVersion":2}')
    symlinkSync('../elsewhere.json', join(root, 'linked/index.json'))
    writeFileSync(join(root, 'damaged/index.json'), '{')
    for (const file of ['.DS_Store', 'blobs/.DS_Store', 'blobs/sha256/._x'])
      writeFileSync(join(root, 'looked-at', file), '')
    expect(await collect(2 * hour)).toBe(1)
    expect(await catalog()).toEqual(['damaged', 'linked'])
    expect(readdirSync(root).sort()).toEqual(['damaged', 'elsewhere.json', 'linked'])
  })

  const states: [string, readonly string[]][] = [
    ['.uploads', ['.uploads']],
    ['the blobs', ['.uploads', 'blobs']],
    ['index.json', ['.uploads', 'blobs', 'index.json']],
  ]
  it.each(states)('left by a kill without %s is served, pushed to and collected', async (_, gone) => {
    const names = ['pushed', 'collected']
    for (const name of names) {
      await emptied(name)
      for (const part of gone) rmSync(join(root, name, part), { recursive: true })
      for (const hex of gone.includes('blobs') ? [] : readdirSync(join(root, name, 'blobs/sha256')))
        rmSync(join(root, name, 'blobs/sha256', hex))
    }
    storage = openDiskStorage(root)
    expect(await catalog()).toEqual(gone.includes('index.json') ? [] : ['collected', 'pushed'])
    expect(storage.damaged()).toEqual([])
    await push(storage, 'pushed', 'v1', 'again')
    await collect(2 * hour)
    expect(lines('blobs are not collected: what is in use cannot be told')).toEqual([])
    expect(readdirSync(root)).toEqual(['pushed'])
    expect(readdirSync(join(root, 'pushed')).sort()).toEqual([
      '.uploads',
      'blobs',
      'index.json',
      'oci-layout',
    ])
  })

  it('whose oci-layout is missing gets it with the next push: zot would not list it', async () => {
    await push(storage, 'a', 'v1', 'one')
    rmSync(join(root, 'a/oci-layout'))
    storage = openDiskStorage(root)
    await push(storage, 'a', 'v2', 'two')
    expect(existsSync(join(root, 'a/oci-layout'))).toBe(true)
  })

  it('of zot, from an upload that never ended, goes', async () => {
    mkdirSync(join(root, 'z/blobs'), { recursive: true })
    mkdirSync(join(root, 'z/.uploads'))
    writeFileSync(join(root, 'z/index.json'), '{"schemaVersion":2,"manifests":null}')
    writeFileSync(join(root, 'z/oci-layout'), marker)
    expect(await collect(2 * hour)).toBe(1)
    expect(readdirSync(root)).toEqual([])
  })
})

describe('a repository with blobs only', () => {
  it('is listed, without tags, as soon as a blob is stored or mounted there', async () => {
    await upload(storage, 'a', 'blob')
    expect(await catalog()).toEqual(['a'])
    expect(await storage.blobs.mount('a', 'b', digestOf('blob'))).toMatchObject({ ok: true })
    for (const store of [storage, openDiskStorage(root)]) {
      expect(await catalog(store)).toEqual(['a', 'b'])
      expect(await store.manifests.tags('b')).toEqual({ ok: true, value: [] })
      expect(await store.holding()).toEqual({ ok: true, value: [] })
    }
    // As zot has it: what lies there is a layout to either engine.
    expect(readdirSync(join(root, 'a')).sort()).toEqual(['.uploads', 'blobs', 'index.json', 'oci-layout'])
    expect(await collect(2 * hour)).toBe(2)
    expect(readdirSync(root)).toEqual([])
  })

  it('is not listed for an upload that has not ended', async () => {
    await storage.uploads.start('a')
    expect(await catalog()).toEqual([])
    expect(await catalog(openDiskStorage(root))).toEqual([])
  })

  it('counts as one that holds a manifest once it does, and until the last is gone', async () => {
    await upload(storage, 'a', 'blob')
    const image = await push(storage, 'b', 'v1', 'layer')
    expect(await storage.holding()).toEqual({ ok: true, value: ['b'] })
    await storage.manifests.delete('b', ref(image.digest))
    expect(await storage.holding()).toEqual({ ok: true, value: [] })
    await put(storage, 'b', 'v1', image).catch(() => {})
    await push(storage, 'a', 'v1', 'layer')
    expect(await storage.holding()).toMatchObject({ value: expect.arrayContaining(['a']) })
  })
})

it('loses no push that was acknowledged while the repository is emptied and removed over and over', async () => {
  const wrong: string[] = []
  let removed = 0
  let pushed = 0
  let isOver = false
  const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, Math.random() * ms))
  const pushAndDelete = async (tag: string): Promise<void> => {
    for (let at = 0; at < 25; at++) {
      // What lies there unnamed may be collected before the manifest comes: there is no delay here.
      const image = await push(storage, 'deep/a', tag, `layer ${at % 3}`, { annotations: { tag } }).catch(
        () => undefined,
      )
      if (!image) continue
      pushed++
      const found = await storage.manifests.get('deep/a', ref(tag))
      const onDisk = ['oci-layout', 'index.json'].filter(file => existsSync(join(root, 'deep/a', file)))
      if (!found.ok || onDisk.length < 2 || !(await catalog()).includes('deep/a'))
        wrong.push(`${tag} ${at}: ${JSON.stringify(found).slice(0, 80)} ${onDisk}`)
      await storage.manifests.delete('deep/a', ref(image.digest))
      await pause(30)
    }
  }
  const collectAll = async (): Promise<void> => {
    while (!isOver) {
      removed += await collect(2 * hour)
      await pause(3)
    }
  }
  const collecting = collectAll()
  await Promise.all(['one', 'two'].map(pushAndDelete)).finally(() => {
    isOver = true
  })
  await collecting
  expect(wrong).toEqual([])
  expect(pushed).toBeGreaterThan(5)
  expect(removed).toBeGreaterThan(2)
  await push(storage, 'deep/a', 'last', 'layer')
  expect(await openDiskStorage(root).manifests.tags('deep/a')).toEqual({ ok: true, value: ['last'] })
})
