import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startScan } from '../../../core/storage/scan.ts'
import { createStorage, type Storage } from '../../../core/storage/storage.ts'
import { takeInventory } from '../../../core/verify/inventory.ts'
import { rootOf } from '../../../lib/sub-folders.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'
import { StoreTree } from '../../fakes/store-tree.ts'

let base: string
let main: StoreTree
let sub: StoreTree
let storage: Storage | undefined
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'zotbar-sub-folders-'))
  main = new StoreTree(join(base, 'data'))
  sub = new StoreTree(join(base, 'other', 'team'))
  mkdirSync(main.root)
  mkdirSync(join(base, 'home'))
})
afterEach(async () => {
  await storage?.close()
  await rm(base, { recursive: true, force: true })
})

const clock = fakeClock()
function open(smallStore: number): Storage {
  storage = createStorage({
    clock,
    home: join(base, 'home'),
    dataFolder: () => main.root,
    subFolders: () => ({ team: sub.root }),
    freeSpace: async () => ({ freeBytes: 1e9, volumeBytes: 2e12 }),
    log: () => undefined,
    report: () => undefined,
    scanner: (at, options) => startScan(at, { ...options, smallStore }),
  })
  return storage
}

function fill(): void {
  main.tag('app', '1', main.blob('app', 'one'))
  // Its name has one part, so it lies in the main folder.
  main.tag('team', '1', main.blob('team', 'two'))
  // Left from before the sub path was there: not served, so not counted.
  main.tag('team/old', '1', main.blob('team/old', 'three'))
  sub.tag('team/app', '1', sub.blob('team/app', 'four'))
  sub.tag('team/app', '2', sub.blob('team/app', 'five'))
}

describe('the folders of storage.subPaths', () => {
  it.each([
    ['here', 1e9],
    ['in a thread', 0],
  ])('are counted %s', async (_, smallStore) => {
    fill()
    const counted = open(smallStore)
    await counted.scan()
    expect(counted.state()).toMatchObject({ repositories: 3, tags: 4 })
    expect([...(counted.repositories() ?? [])].map(({ name }) => name).sort()).toEqual([
      'app',
      'team',
      'team/app',
    ])
    expect(await counted.readDigest('team/app')).toBeDefined()
    expect(await counted.readDigest('team/old')).toBeUndefined()
  })

  it('are read again after a write, and looked at for uploads', async () => {
    fill()
    const counted = open(1e9)
    await counted.scan()
    sub.tag('team/new', '1', sub.blob('team/new', 'six'))
    counted.readLogLine(
      JSON.stringify({
        time: '2026-03-01T12:00:00Z',
        message: 'HTTP API',
        method: 'PUT',
        path: '/v2/team/new/manifests/1',
        statusCode: 201,
      }),
    )
    await eventually(async () => {
      await clock.advance(1000)
      return counted.state().repositories === 4
    })
    const uploads = join(sub.root, 'team', 'app', '.uploads')
    mkdirSync(uploads)
    writeFileSync(join(uploads, 'u'), 'half')
    utimesSync(join(uploads, 'u'), clock.now() / 1000, clock.now() / 1000)
    expect(await counted.uploadsInProgress()).toEqual([{ repository: 'team/app', bytes: 4 }])
  })

  it('are counted once they hold something, also where neither was there before', async () => {
    rmSync(main.root, { recursive: true })
    const counted = open(1e9)
    await counted.scan()
    expect(counted.state()).toMatchObject({ repositories: 0, tags: 0 })
    fill()
    await counted.recount('it serves this folder')
    expect(counted.state()).toMatchObject({ repositories: 3, tags: 4 })
  })

  it('may be missing, and one that cannot be read is said', async () => {
    main.tag('app', '1', main.blob('app', 'one'))
    const counted = open(1e9)
    await counted.scan()
    expect(counted.state()).toMatchObject({ repositories: 1, tags: 1 })
    expect(counted.state().error).toBeUndefined()
    mkdirSync(join(base, 'other'), { recursive: true })
    writeFileSync(sub.root, 'no folder')
    await counted.scan()
    expect(counted.state()).toMatchObject({
      repositories: 1,
      error: { code: 'data-unreadable', path: sub.root },
    })
  })

  it('are part of an inventory, without what they serve no more', async () => {
    fill()
    const serves = (root: string, name: string) => rootOf(main.root, { team: sub.root }, name) === root
    const { repositories } = await takeInventory([main.root, sub.root], { now: () => 0, serves })
    const tags = repositories.map(one => [one.name, one.kind === 'read' ? [...one.tags.keys()].sort() : []])
    expect(tags).toEqual([
      ['app', ['1']],
      ['team', ['1']],
      ['team/app', ['1', '2']],
    ])
  })
})
