import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EarlierFolder } from '../../../core/data-folder/folder-record.ts'
import { createFolderWatch } from '../../../core/data-folder/folder-watch.ts'
import type { CountedStore } from '../../../core/data-folder/known-folders.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-folder-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function repository(root: string, name: string): void {
  mkdirSync(join(root, name), { recursive: true })
  writeFileSync(join(root, name, 'index.json'), '{"manifests":[]}')
}

function store(root: string, names: string[], id = 'a'.repeat(32)): string {
  mkdirSync(join(root, '_zotbar'), { recursive: true })
  writeFileSync(join(root, '_zotbar', 'store.json'), JSON.stringify({ format: 1, id, createdAt: '' }))
  for (const name of names) repository(root, name)
  return root
}

function keeping(names: string[], earlier?: EarlierFolder) {
  const clock = fakeClock()
  const lost: number[] = []
  const restored: string[] = []
  const counted = { names, onCount: () => {} }
  const folderWatch = createFolderWatch({
    home: folder,
    clock,
    earlier: async () => earlier,
    report: () => {},
    log: () => {},
    onLost: () => lost.push(clock.now()),
    onRestored: path => restored.push(path),
  })
  const store: CountedStore = {
    figures: () => ({
      repositories: counted.names.length,
      tags: counted.names.length,
      bytes: 100,
      asOf: clock.now(),
    }),
    repositories() {
      counted.onCount()
      return counted.names.map(name => ({ name }))
    },
  }
  folderWatch.figuresChanged(store)
  return { folderWatch, clock, lost, restored, counted, store }
}

const written = () => JSON.parse(readFileSync(join(folder, 'folder.json'), 'utf8')) as Record<string, unknown>
const folders = (root: string) => ({ root, subs: {} })
const serve = async (watched: ReturnType<typeof keeping>, root: string) => {
  watched.folderWatch.setServing({ engine: 'zotbar-registry', version: '1.2.3', folders: folders(root) })
  await eventually(() => watched.clock.pending().length > 0 || undefined)
}

describe('the folder that serves', () => {
  it('is written down with what it holds, and known again by the next life of the app', async () => {
    const root = store(join(folder, 'zot'), ['a', 'b/c'])
    const first = keeping(['a', 'b/c'])
    await serve(first, root)
    expect(written()).toMatchObject({
      root: { folder: root, marker: 'a'.repeat(32), sample: ['a', 'b/c'] },
      repositories: 2,
      served: { engine: 'zotbar-registry', version: '1.2.3' },
    })
    await first.folderWatch.close()
    const next = keeping([])
    expect(await next.folderWatch.recorded()).toMatchObject({
      folder: root,
      repositories: 2,
      tags: 2,
      bytes: 100,
      servedBy: { engine: 'zotbar-registry', ours: true, until: first.clock.now() },
    })
    expect(await next.folderWatch.compare(folders(root))).toEqual({
      ok: true,
      value: { same: true, restored: false },
    })
    renameSync(root, join(folder, 'away'))
    expect(await next.folderWatch.compare(folders(root))).toMatchObject({
      value: { same: false, difference: 'missing', folder: root },
    })
    mkdirSync(root)
    expect(await next.folderWatch.compare(folders(root))).toMatchObject({ value: { difference: 'empty' } })
    await next.folderWatch.accept(folders(root))
    expect(await next.folderWatch.compare(folders(root))).toMatchObject({ value: { same: true } })
  })

  it('is known by its first images at once, and by more of them within 30 s, whatever ends the app', async () => {
    const root = store(join(folder, 'zot'), ['a', 'b'])
    const watched = keeping([])
    await serve(watched, root)
    watched.counted.names = ['a']
    watched.folderWatch.figuresChanged(watched.store)
    await eventually(() => written()['repositories'] === 1 || undefined)
    expect(written()).toMatchObject({ root: { sample: ['a'] } })
    watched.counted.names = ['a', 'b']
    watched.folderWatch.figuresChanged(watched.store)
    await watched.folderWatch.check()
    expect(written()).toMatchObject({ repositories: 1 })
    for (let turn = 0; turn < 3; turn++) {
      await watched.clock.advance(10_000)
      await eventually(() => watched.clock.pending().length > 0 || undefined)
    }
    expect(written()).toMatchObject({ repositories: 2, root: { sample: ['a', 'b'] } })
  })

  it('is lost within 11 s when it goes, after a second check, and not for the instant of a rename', async () => {
    const root = store(join(folder, 'zot'), ['a'])
    const watched = keeping(['a'])
    await serve(watched, root)
    const away = join(folder, 'away')
    const pass = async (ms: number) => {
      await watched.clock.advance(ms)
      await eventually(() => watched.clock.pending().length > 0 || watched.lost.length > 0 || undefined)
    }
    renameSync(root, away)
    await pass(10_000)
    renameSync(away, root)
    await pass(1_000)
    expect(watched.lost).toEqual([])
    renameSync(root, away)
    await pass(10_000)
    expect(watched.lost).toEqual([])
    await pass(1_000)
    expect(watched.lost).toHaveLength(1)
    expect(watched.folderWatch.loss()).toEqual({ code: 'data-volume-missing', path: root, parent: root })
    watched.folderWatch.setServing(undefined)
    // What is written down is not what is left of it.
    await watched.folderWatch.close()
    expect(written()).toMatchObject({ root: { sample: ['a'] }, repositories: 1 })
    renameSync(away, root)
    await serve(watched, root)
    expect(watched.folderWatch.loss()).toBeUndefined()
  })

  it('is written down with the version of what serves it, also where that is known later', async () => {
    const root = store(join(folder, 'zot'), ['a'])
    const watched = keeping(['a'])
    watched.folderWatch.setServing({ engine: 'zot', folders: folders(root) })
    await eventually(() => watched.clock.pending().length > 0 || undefined)
    expect(written()['served']).toEqual({ engine: 'zot' })
    watched.folderWatch.setServing({
      engine: 'zot',
      version: 'v2.1.15',
      folders: folders(join(folder, 'another')),
    })
    for (let passed = 0; passed < 30_000; passed += 10_000) {
      await watched.clock.advance(10_000)
      await eventually(() => watched.clock.pending().length > 0 || undefined)
    }
    expect(written()).toMatchObject({ root: { folder: root }, served: { version: 'v2.1.15' } })
    await watched.folderWatch.close()
  })

  it('is another one when an empty folder stands in its place', async () => {
    const root = store(join(folder, 'zot'), ['a'])
    const watched = keeping(['a'])
    await serve(watched, root)
    renameSync(root, join(folder, 'away'))
    mkdirSync(root)
    for (const ms of [10_000, 1_000]) {
      await watched.clock.advance(ms)
      await eventually(() => watched.clock.pending().length > 0 || watched.lost.length > 0 || undefined)
    }
    expect(watched.folderWatch.loss()).toEqual({ code: 'other-folder', path: root })
  })

  it('is another one when a copy of it stands in its place: the process goes on in the one that it opened', async () => {
    const root = store(join(folder, 'zot'), ['a'])
    const watched = keeping(['a'])
    await serve(watched, root)
    renameSync(root, join(folder, 'away'))
    store(root, ['a'])
    for (const ms of [10_000, 1_000]) {
      await watched.clock.advance(ms)
      await eventually(() => watched.clock.pending().length > 0 || watched.lost.length > 0 || undefined)
    }
    expect(watched.folderWatch.loss()).toEqual({ code: 'other-folder', path: root })
    expect(watched.restored).toEqual([])
    // It is what is served from the next start on, and it is said.
    watched.folderWatch.setServing(undefined)
    expect(await watched.folderWatch.compare(folders(root))).toMatchObject({
      value: { same: true, restored: true },
    })
    await serve(watched, root)
    expect([watched.folderWatch.loss(), watched.restored]).toEqual([undefined, [root]])
    await watched.folderWatch.close()
  })

  it('that began empty is another one when one with images comes over it, and is never written down as it', async () => {
    const [root, away] = [join(folder, 'zot'), join(folder, 'away')]
    store(away, ['a', 'b'], 'a'.repeat(32))
    store(root, [], 'b'.repeat(32))
    const watched = keeping([])
    await serve(watched, root)
    renameSync(root, join(folder, 'trash'))
    renameSync(away, root)
    // Its images are counted before the next look at the folder.
    watched.counted.names = ['a', 'b']
    watched.folderWatch.figuresChanged(watched.store)
    await watched.folderWatch.check()
    expect(written()).toMatchObject({ root: { marker: 'b'.repeat(32), sample: [] } })
    await watched.clock.advance(1_000)
    await eventually(() => watched.lost.length > 0 || undefined)
    expect(watched.folderWatch.loss()).toEqual({ code: 'other-folder', path: root })
    await watched.folderWatch.close()
    expect(await keeping([]).folderWatch.compare(folders(root))).toMatchObject({
      value: { same: false, difference: 'contents' },
    })
  })

  it('that is accepted while another one serves stays accepted', async () => {
    const [old, next] = [store(join(folder, 'old'), ['a']), join(folder, 'next')]
    mkdirSync(next)
    const watched = keeping(['a'])
    await serve(watched, old)
    await watched.folderWatch.accept(folders(next))
    expect(watched.clock.pending()).toEqual([])
    watched.folderWatch.setServing(undefined)
    await watched.folderWatch.close()
    expect(written()).toMatchObject({ root: { folder: next } })
  })

  it('that was restored from a backup serves, and is said once', async () => {
    const root = store(join(folder, 'zot'), ['a'])
    const first = keeping(['a'])
    await serve(first, root)
    await first.folderWatch.close()
    renameSync(root, join(folder, 'old'))
    store(root, ['a'])
    const next = keeping(['a'])
    await serve(next, root)
    expect(next.restored).toEqual([root])
    await next.folderWatch.close()
    const last = keeping(['a'])
    await serve(last, root)
    expect(last.restored).toEqual([])
    await last.folderWatch.close()
  })
})

describe('another folder', () => {
  it('is not accepted where that cannot be written down', async () => {
    const root = store(join(folder, 'zot'), ['a'])
    const watched = keeping(['a'])
    await serve(watched, root)
    renameSync(root, join(folder, 'away'))
    mkdirSync(root)
    const record = join(folder, 'folder.json')
    rmSync(record)
    mkdirSync(record)
    expect(await watched.folderWatch.accept(folders(root))).toEqual({
      ok: false,
      error: { code: 'home-unusable', path: record, reason: 'it is a folder' },
    })
    // What serves is watched as before.
    expect(watched.clock.pending()).toHaveLength(1)
    expect(await watched.folderWatch.compare(folders(root))).toMatchObject({
      value: { same: false, difference: 'empty' },
    })
    rmdirSync(record)
    expect(await watched.folderWatch.accept(folders(root))).toEqual({ ok: true, value: null })
    expect(await watched.folderWatch.compare(folders(root))).toMatchObject({ value: { same: true } })
    expect(written()).toMatchObject({ root: { folder: root, sample: [] } })
  })

  it('that is accepted during a check is not overwritten by what the check found', async () => {
    const [root, next] = [store(join(folder, 'zot'), ['a']), join(folder, 'next')]
    mkdirSync(next)
    const watched = keeping(['a'])
    let accepted: Promise<unknown> | undefined
    watched.counted.onCount = () => {
      accepted ??= watched.folderWatch.accept(folders(next))
    }
    watched.folderWatch.setServing({ engine: 'zotbar-registry', folders: folders(root) })
    await eventually(() => accepted)
    expect(await accepted).toMatchObject({ ok: true })
    expect(written()).toMatchObject({ root: { folder: next } })
    expect(written()).not.toHaveProperty('served')
  })
})

describe('a home that has no record yet', () => {
  it('knows the last count, and the biggest repositories', async () => {
    const root = join(folder, 'zot')
    mkdirSync(root)
    const earlier = { folder: root, asOf: 5, repositories: 3, tags: 9, bytes: 1000, names: ['a', 'b'] }
    const watched = keeping([], earlier)
    expect(await watched.folderWatch.recorded()).toEqual({
      folder: root,
      repositories: 3,
      tags: 9,
      bytes: 1000,
      asOf: 5,
    })
    expect(await watched.folderWatch.compare(folders(root))).toMatchObject({
      value: { same: false, difference: 'empty' },
    })
    repository(root, 'b')
    expect(await watched.folderWatch.compare(folders(root))).toMatchObject({ value: { same: true } })
    expect(await keeping([]).folderWatch.recorded()).toBeUndefined()
  })
})

describe("somebody else's zot", () => {
  it('is the one that served last', async () => {
    const watched = keeping([])
    await watched.folderWatch.sawForeignZot({ version: 'v2.1.13', program: '/opt/zot', sameStore: true })
    await watched.clock.advance(5_000)
    await watched.folderWatch.sawForeignZot({ version: 'v2.1.13', program: '/opt/zot', sameStore: true })
    expect(await watched.folderWatch.recorded()).toEqual({
      servedBy: {
        engine: 'zot',
        version: 'v2.1.13',
        program: '/opt/zot',
        until: watched.clock.now(),
        ours: false,
      },
    })
    expect(await keeping([]).folderWatch.foreignZot()).toMatchObject({ program: '/opt/zot', sameStore: true })
  })
  it('is not forgotten by a check that began before it was seen', async () => {
    const root = store(join(folder, 'zot'), ['a'])
    const watched = keeping(['a'])
    let saw: Promise<void> | undefined
    watched.counted.onCount = () => {
      saw ??= watched.folderWatch.sawForeignZot({ program: '/opt/zot', sameStore: true })
    }
    await serve(watched, root)
    await saw
    expect(written()).toMatchObject({
      root: { folder: root },
      served: { engine: 'zotbar-registry' },
      foreignZot: { program: '/opt/zot' },
    })
  })
})
