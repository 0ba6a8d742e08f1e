import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asyncDisk, type Disk } from '../../../core/storage/disk.ts'
import { startScan } from '../../../core/storage/scan.ts'
import { createStorage, type Storage } from '../../../core/storage/storage.ts'
import { StoreCount } from '../../../core/storage/store-count.ts'
import { walkAll } from '../../../core/storage/walk.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'
import { StoreTree } from '../../fakes/store-tree.ts'

let base: string
let tree: StoreTree
let storage: Storage | undefined
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'zotbar-recount-'))
  mkdirSync(join(base, 'home'))
  tree = new StoreTree(join(base, 'data'))
  mkdirSync(tree.root)
})
afterEach(async () => {
  await storage?.close()
  await rm(base, { recursive: true, force: true })
})

function open(subFolders: Record<string, string> = {}, fileTime = Date.now) {
  const clock = fakeClock()
  storage = createStorage({
    clock,
    home: join(base, 'home'),
    dataFolder: () => tree.root,
    subFolders: () => subFolders,
    fileTime,
    freeSpace: async () => ({ freeBytes: 1e9, volumeBytes: 2e12 }),
    log: () => undefined,
    report: () => undefined,
  })
  return { storage, clock }
}
const sums = (of: Storage) => {
  const { bytes, repositories, tags } = of.state()
  return { bytes, repositories, tags }
}
/** A whole count of what is there. */
async function truth() {
  const outcome = await startScan(tree.root).done
  if (outcome.kind !== 'counted') throw new Error(outcome.kind)
  const { bytes, repositories, tags } = outcome.ledger
  return { bytes, repositories, tags }
}

describe('a recount by the times of folders, without a line of any log', () => {
  it('finds pushes, restored repositories at any depth, and what is gone', async () => {
    tree.tag('team/app', '1', tree.blob('team/app', 'x'))
    tree.tag('old', '1', tree.blob('old', 'y'))
    const { storage } = open()
    await storage.scan()
    tree.tag('team/app', '2', tree.blob('team/app', 'more'))
    tree.tag('team/app/nested/deep', '1', tree.blob('team/app/nested/deep', 'z'))
    tree.blob('restored/by/hand', 'w')
    // As rsync -a does it: the times are those of the original.
    cpSync(join(tree.root, 'team/app'), join(tree.root, 'copied'), {
      recursive: true,
      preserveTimestamps: true,
    })
    rmSync(join(tree.root, 'old'), { recursive: true })
    await storage.recount()
    expect(sums(storage)).toEqual(await truth())
    expect([...(storage.repositories() ?? [])].map(({ name }) => name).sort()).toEqual([
      'copied',
      'copied/nested/deep',
      'team/app',
      'team/app/nested/deep',
    ])
  })

  it('comes by itself every few minutes', async () => {
    const { storage, clock } = open()
    await storage.scan()
    tree.tag('app', '1', tree.blob('app', 'x'))
    await clock.advance(5 * 60_000)
    await eventually(() => storage.state().repositories === 1)
    expect(sums(storage)).toEqual(await truth())
  })

  it('comes soon where the engine that serves tells nothing', async () => {
    const { storage, clock } = open()
    await storage.scan()
    storage.setFrequentRecounts(true)
    for (const name of ['app', 'other']) {
      tree.tag(name, '1', tree.blob(name, name))
      await clock.advance(20_000)
      await eventually(() => storage.state().repositories === (name === 'app' ? 1 : 2))
      expect(sums(storage)).toEqual(await truth())
      // The round must be over before the next one is due.
      await storage.recount()
    }
    storage.setFrequentRecounts(false)
    tree.tag('late', '1', tree.blob('late', 'z'))
    await clock.advance(60_000)
    expect(storage.state().repositories).toBe(2)
  })

  it('shows nothing of the store before once another folder was accepted at its place', async () => {
    tree.tag('app', '1', tree.blob('app', 'x'))
    const { storage } = open()
    await storage.scan()
    expect(storage.state()).toMatchObject({ repositories: 1, history: [expect.anything()] })
    rmSync(tree.root, { recursive: true })
    mkdirSync(tree.root)
    const seen: unknown[] = []
    storage.onChange(() => seen.push(storage.state().repositories))
    storage.forget()
    expect(storage.state()).toEqual({ scanning: true, biggest: [], history: [] })
    // A registry that has begun to serve it asks at once.
    await storage.recount('it serves this folder')
    await storage.scan()
    expect(storage.state()).toMatchObject({ repositories: 0, tags: 0, bytes: 0 })
    expect(storage.state().history.map(([, bytes]) => bytes)).toEqual([0])
    expect(new Set(seen)).toEqual(new Set([undefined, 0]))
  })

  it('equals a whole count after anything that happens to the folders', async () => {
    const name = fc.constantFrom('a', 'b', 'a/c', 'deep/er/d', 'deep/e')
    const step = fc.record({
      op: fc.constantFrom('blob', 'tag', 'untag', 'drop', 'move', 'sha512', 'recount'),
      name,
      other: name,
      n: fc.integer({ min: 0, max: 4 }),
    })
    const perform = ({ op, name, other, n }: { op: string; name: string; other: string; n: number }) => {
      if (op === 'drop') return rmSync(join(tree.root, name), { recursive: true, force: true })
      // The tree knows only what it wrote itself.
      const fresh = new StoreTree(tree.root)
      const content = Buffer.alloc(50 * (n + 1), n)
      if (op === 'tag') return fresh.tag(name, `t${n}`, fresh.blob(name, content))
      if (op === 'untag') return fresh.untag(name, `t${n}`)
      if (op === 'blob') return void fresh.blob(name, content)
      if (op === 'sha512') {
        fresh.repository(name)
        mkdirSync(join(tree.root, name, 'blobs', 'sha512'), { recursive: true })
        return writeFileSync(join(tree.root, name, 'blobs', 'sha512', `${n}`), content)
      }
      if (op !== 'move') return
      fresh.repository(name)
      rmSync(join(tree.root, 'moved', other), { recursive: true, force: true })
      mkdirSync(join(tree.root, 'moved', other, '..'), { recursive: true })
      renameSync(join(tree.root, name), join(tree.root, 'moved', other))
    }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.array(step, { maxLength: 15 }), async (a, b) => {
        rmSync(tree.root, { recursive: true })
        mkdirSync(tree.root)
        for (const one of a) perform(one)
        const { storage } = open()
        await storage.scan()
        for (const one of b) {
          perform(one)
          if (one.op === 'recount') await storage.recount()
        }
        await storage.recount()
        expect(sums(storage)).toEqual(await truth())
        await storage.close()
      }),
      { numRuns: 30 },
    )
  })

  it('counts the folders of storage.subPaths of a store that is new', async () => {
    const sub = new StoreTree(join(base, 'other'))
    rmSync(tree.root, { recursive: true })
    const { storage } = open({ team: sub.root })
    await storage.scan()
    expect(storage.state()).toMatchObject({ bytes: 0, repositories: 0 })
    tree.tag('app', '1', tree.blob('app', 'x'))
    sub.tag('team/app', '1', sub.blob('team/app', 'y'))
    sub.tag('team/app', '2', sub.blob('team/app', 'z'))
    await storage.recount()
    expect(storage.state()).toMatchObject({ repositories: 2, tags: 3 })
    expect(await storage.readDigest('team/app')).toBeDefined()
  })

  it('takes another folder in the place of the store for no empty store', async () => {
    tree.tag('app', '1', tree.blob('app', 'x'))
    const { storage, clock } = open()
    await storage.scan()
    const known = sums(storage)
    renameSync(tree.root, join(base, 'away'))
    mkdirSync(tree.root)
    await storage.recount()
    expect(sums(storage)).toEqual(known)
    expect(storage.state().error).toMatchObject({ code: 'data-volume-missing', path: tree.root })
    await clock.advance(10 * 60_000)
    await storage.recount()
    expect(sums(storage)).toEqual(known)
    rmSync(tree.root, { recursive: true })
    renameSync(join(base, 'away'), tree.root)
    await storage.recount()
    expect(storage.state().error).toBeUndefined()
    expect(sums(storage)).toEqual(known)
  })

  it('asks four things of each repository, and reads nothing where nothing changed', async () => {
    for (let n = 0; n < 100; n += 1)
      tree.tag(`team${n % 5}/app${n}`, '1', tree.blob(`team${n % 5}/app${n}`, `${n}`))
    const asked = { stamp: 0, list: 0, text: 0, stats: 0 }
    const disk: Disk = {
      ...asyncDisk,
      stamp: path => {
        asked.stamp += 1
        return asyncDisk.stamp(path)
      },
      list: folder => {
        asked.list += 1
        return asyncDisk.list(folder)
      },
      text: file => {
        asked.text += 1
        return asyncDisk.text(file)
      },
      stats: (folder, names, visit) => {
        asked.stats += 1
        return asyncDisk.stats(folder, names, visit)
      },
    }
    // Later than the steps of the file system's clock, so that every time can be trusted.
    const now = () => Date.now() + 10_000
    const count = new StoreCount({ disk, folder: tree.root, subFolders: {}, now })
    await walkAll(asyncDisk, tree.root, {}, batch => {
      count.addBatch(batch, now())
      return true
    })
    expect(await count.recount()).toEqual({ changed: 0, isReplaced: false })
    expect(asked).toEqual({ stamp: 1 + 5 + 4 * 100, list: 0, text: 0, stats: 0 })
    tree.tag('team0/app0', '2', tree.blob('team0/app0', 'new'))
    expect(await count.recount()).toEqual({ changed: 1, isReplaced: false })
    expect(asked).toMatchObject({ text: 1 })
    expect(count.ledger.tags).toBe(101)
  })
})

it('a repository whose index was lost is named once it has settled, until it is there again', async () => {
  let ahead = 0
  for (const name of ['folder', 'linked', 'lost', 'whole']) tree.tag(name, '1', tree.blob(name, name))
  const index = (name: string): string => join(tree.root, name, 'index.json')
  const aside = (name: string): string => join(base, `${name}.json`)
  for (const name of ['folder', 'linked', 'lost']) renameSync(index(name), aside(name))
  mkdirSync(index('folder'))
  symlinkSync(aside('linked'), index('linked'))
  // A push that has not ended.
  mkdirSync(join(tree.root, 'pushing', 'blobs', 'sha256'), { recursive: true })
  writeFileSync(join(tree.root, 'pushing', 'blobs', 'sha256', 'f'.repeat(64)), 'layer')
  const { storage } = open({}, () => Date.now() + ahead)
  await storage.scan()
  const folder = { repository: 'folder', reason: 'its index.json is a folder' }
  const lost = { repository: 'lost', reason: 'its index.json is missing' }
  expect(storage.state()).toMatchObject({ repositories: 2, tags: 2, unreadable: [folder] })
  await storage.recount()
  expect(storage.state().unreadable).toEqual([folder])
  ahead = 60_000
  for (let round = 0; round < 2; round++) {
    await storage.recount()
    expect(storage.state().unreadable).toEqual([folder, lost])
  }
  // Something else in its folder changes: it stays lost.
  mkdirSync(join(tree.root, 'lost', '.uploads'))
  await storage.recount()
  expect(storage.state().unreadable).toEqual([folder, lost])
  rmSync(index('folder'), { recursive: true })
  for (const name of ['folder', 'lost']) renameSync(aside(name), index(name))
  await storage.recount()
  expect(storage.state()).toMatchObject({ repositories: 4, tags: 4 })
  expect(storage.state().unreadable).toBeUndefined()
  // Taken away while it is known, it is named as well.
  renameSync(index('whole'), aside('whole'))
  await storage.recount()
  expect(storage.state().unreadable).toEqual([{ repository: 'whole', reason: 'its index.json is missing' }])
  rmSync(join(tree.root, 'whole'), { recursive: true })
  await storage.recount()
  expect(storage.state().unreadable).toBeUndefined()
})
