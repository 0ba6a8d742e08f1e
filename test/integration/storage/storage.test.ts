import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { SetAside } from '../../../core/platform/json-file.ts'
import { startScan } from '../../../core/storage/scan.ts'
import { createStorage, type Storage } from '../../../core/storage/storage.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'
import { StoreTree } from '../../fakes/store-tree.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function setUp(over: { smallStore?: number } = {}) {
  const base = await mkdtemp(join(tmpdir(), 'zotbar-storage-'))
  undo.push(() => rm(base, { recursive: true, force: true }))
  const home = join(base, 'home')
  mkdirSync(home)
  const tree = new StoreTree(join(base, 'data'))
  mkdirSync(tree.root)
  const clock = fakeClock()
  const reports: SetAside[] = []
  let folder: string | undefined = tree.root
  const open = (): Storage => {
    const storage = createStorage({
      clock,
      home,
      dataFolder: () => folder,
      freeSpace: async () => ({ freeBytes: 1e9, volumeBytes: 2e12 }),
      log: () => undefined,
      report: what => reports.push(what),
      scanner: at => startScan(at, over),
    })
    undo.push(() => storage.close())
    return storage
  }
  const use = (next: string | undefined) => {
    folder = next
  }
  return { base, home, tree, clock, reports, open, use }
}

const line = (method: string, path: string, statusCode: number) =>
  JSON.stringify({
    time: '2026-03-01T12:00:00Z',
    message: 'HTTP API',
    method,
    path,
    statusCode,
    username: 'ci',
  })
const wrote = (name: string) => line('PUT', `/v2/${name}/blobs/uploads/1?digest=sha256:a`, 201)

/** What is on disk, counted in another way: one recursion, one set of inodes. */
function truth(root: string) {
  const seen = new Set<number>()
  const sum = { bytes: 0, repositories: 0, tags: 0 }
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (/(^|\/)([._][^/]*|loop)\//.test(path)) continue
    const stat = lstatSync(join(root, path))
    const [, repository] = /^(.+)\/(?:index\.json|oci-layout|blobs\/sha256\/[^/]+)$/.exec(path) ?? []
    if (!stat.isFile() || !repository || !existsSync(join(root, repository, 'oci-layout'))) continue
    if (!seen.has(stat.ino)) sum.bytes += stat.size
    seen.add(stat.ino)
    if (!path.endsWith('/index.json')) continue
    sum.repositories += 1
    sum.tags += (JSON.parse(readFileSync(join(root, path), 'utf8')).manifests ?? []).length
  }
  return sum
}
const sums = (storage: Storage) => {
  const { bytes, repositories, tags } = storage.state()
  return { bytes, repositories, tags }
}

describe('a count of a store on disk', () => {
  it('finds repositories at any depth and counts hard links once', async () => {
    const { tree, open } = await setUp()
    const blob = tree.blob('app', Buffer.alloc(5000, 1))
    tree.tag('app', '1.0', blob)
    tree.tag('app', 'latest', blob)
    tree.link('app', 'team/deep/er/app', blob)
    tree.blob('app/nested', 'x')
    tree.repository('blobs')
    const storage = open()
    await storage.scan()
    expect(sums(storage)).toEqual(truth(tree.root))
    expect(storage.state()).toMatchObject({ repositories: 4, tags: 2, scanning: false, freeBytes: 1e9 })
    expect(storage.state().biggest[0]?.name).toBe('app')
    expect([...(storage.repositories() ?? [])]).toEqual([{ name: 'app', digest: blob }])
  })

  it('leaves out what is no repository, and follows no link', async () => {
    const { base, tree, open } = await setUp()
    tree.blob('app', 'x')
    tree.blob('_trivy/app', 'y')
    tree.blob('app/.sync/uuid/app', 'z')
    for (const path of ['app/.uploads/uuid', 'meta.db', '_zotbar/lock.db']) {
      mkdirSync(join(tree.root, path, '..'), { recursive: true })
      writeFileSync(join(tree.root, path), 'bytes')
    }
    mkdirSync(join(tree.root, 'half'))
    writeFileSync(join(tree.root, 'half', 'index.json'), '{}')
    const { symlinkSync } = await import('node:fs')
    symlinkSync(base, join(tree.root, 'loop'))
    const storage = open()
    await storage.scan()
    expect(sums(storage)).toEqual(truth(tree.root))
    expect(storage.state().repositories).toBe(1)
  })

  it('counts 1,000 repositories in a thread as it does without one', async () => {
    const { tree, open } = await setUp({ smallStore: 100 })
    const shared = tree.blob('base', Buffer.alloc(2000, 7))
    for (let n = 0; n < 1000; n += 1) {
      const name = `team${n % 7}/app${n}`
      tree.link('base', name, shared)
      for (let b = 0; b < 9; b += 1) tree.blob(name, `${n}/${b}`)
      tree.tag(name, 'v1', shared)
    }
    const storage = open()
    await storage.scan()
    expect(sums(storage)).toEqual(truth(tree.root))
    const here = startScan(tree.root, { smallStore: 1e9 })
    const outcome = await here.done
    expect(outcome.kind === 'counted' && outcome.ledger.bytes).toBe(storage.state().bytes)
  })

  it('ends when it is closed in the middle, and shows nothing half counted', async () => {
    const { tree, open } = await setUp({ smallStore: 10 })
    for (let n = 0; n < 200; n += 1) tree.blob(`app${n}`, `${n}`)
    const storage = open()
    const scan = storage.scan()
    await storage.close()
    await scan
    expect(storage.state().bytes).toBeUndefined()
  })

  it('joins a second call and starts anew for another folder', async () => {
    const { base, tree, open, use } = await setUp()
    tree.blob('app', 'x')
    const other = new StoreTree(join(base, 'other'))
    other.blob('a', 'x')
    other.blob('b', 'y')
    const storage = open()
    const first = storage.scan()
    expect(storage.scan()).toBe(first)
    use(other.root)
    await storage.scan()
    expect(storage.state().repositories).toBe(2)
  })
})

describe('writes seen in the log', () => {
  it('are counted within a second, and pushes are told', async () => {
    const { tree, clock, open } = await setUp()
    const storage = open()
    await storage.scan()
    expect(sums(storage)).toEqual({ bytes: 0, repositories: 0, tags: 0 })
    tree.tag('new/app', '1.0', tree.blob('new/app', Buffer.alloc(1000)))
    storage.readLogLine(line('PUT', '/v2/new/app/manifests/1.0', 201))
    await clock.advance(200)
    await eventually(() => storage.state().repositories === 1)
    expect(sums(storage)).toEqual(truth(tree.root))
    const at = Date.parse('2026-03-01T12:00:00Z')
    expect(storage.pushes()).toEqual([{ at, repository: 'new/app', reference: '1.0', by: 'ci' }])
  })

  it('leave the sums equal to a full count after any sequence of them', { timeout: 60_000 }, async () => {
    const names = ['a', 'b', 'a/c', 'deep/er/d']
    const step = fc.record({
      op: fc.constantFrom('blob', 'link', 'remove', 'tag', 'untag', 'drop'),
      name: fc.constantFrom(...names),
      other: fc.constantFrom(...names),
      n: fc.integer({ min: 0, max: 5 }),
    })
    const perform = (
      tree: StoreTree,
      { op, name, other, n }: { op: string; name: string; other: string; n: number },
    ) => {
      const content = Buffer.alloc(100 * (n + 1), n)
      if (op === 'drop') return tree.removeRepository(name)
      if (op === 'untag') return tree.untag(name, `t${n}`)
      const digest = tree.blob(op === 'link' ? other : name, content)
      if (op === 'remove') tree.removeBlob(name, digest)
      if (op === 'tag') tree.tag(name, `t${n}`, digest)
      if (op === 'link' && other !== name) tree.link(other, name, digest)
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.array(step, { maxLength: 30 }),
        async (before, after) => {
          const { tree, clock, open } = await setUp()
          for (const one of before) perform(tree, one)
          const storage = open()
          await storage.scan()
          for (const [at, one] of after.entries()) {
            perform(tree, one)
            for (const name of [one.name, one.other]) storage.readLogLine(wrote(name))
            if (at % 5 === 4) await clock.advance(300)
          }
          await clock.advance(1500)
          const expected = JSON.stringify(truth(tree.root))
          await eventually(async () => {
            await clock.advance(250)
            return JSON.stringify(sums(storage)) === expected
          })
        },
      ),
      { numRuns: 40 },
    )
  })

  it('during a count are read again after it', async () => {
    const { tree, clock, open } = await setUp()
    for (let n = 0; n < 50; n += 1) tree.blob(`app${n}`, `${n}`)
    const storage = open()
    const scan = storage.scan()
    tree.blob('app0', 'late')
    storage.readLogLine(wrote('app0'))
    await scan
    await clock.advance(300)
    await eventually(() => sums(storage).bytes === truth(tree.root).bytes)
  })

  it('keeps the tags it knew while index.json is being written in place', async () => {
    const { tree, clock, open } = await setUp()
    tree.tag('app', '1', tree.blob('app', 'x'))
    const storage = open()
    await storage.scan()
    const index = readFileSync(join(tree.root, 'app', 'index.json'))
    writeFileSync(join(tree.root, 'app', 'index.json'), '')
    storage.readLogLine(wrote('app'))
    await clock.advance(250)
    await eventually(() => sums(storage).bytes === truth2(tree.root))
    expect(storage.state().tags).toBe(1)
    writeFileSync(join(tree.root, 'app', 'index.json'), index)
    await eventually(async () => {
      await clock.advance(250)
      return sums(storage).bytes === truth(tree.root).bytes
    })
  })
})

/** Bytes alone: for a store whose index.json cannot be parsed. */
const truth2 = (root: string) =>
  ['index.json', 'oci-layout'].reduce((sum, file) => sum + lstatSync(join(root, 'app', file)).size, 1)

describe('uploads under way', () => {
  it('are those that grew lately, also in a repository that is new', async () => {
    const { tree, clock, open } = await setUp()
    tree.blob('app', 'x')
    const storage = open()
    await storage.scan()
    await clock.jump(Math.max(0, Date.now() - clock.now()))
    for (const [path, size] of [
      ['app/.uploads/1', 300],
      ['app/.uploads/2', 50],
      ['app/.sync/uuid/app/blobs/sha256/x', 7],
      ['fresh/.uploads/3', 9],
    ] as const) {
      mkdirSync(join(tree.root, path, '..'), { recursive: true })
      writeFileSync(join(tree.root, path), Buffer.alloc(size))
    }
    // No line of a log told of the new one.
    const under = [
      { repository: 'app', bytes: 357 },
      { repository: 'fresh', bytes: 9 },
    ]
    expect(await storage.uploadsInProgress()).toEqual(under)
    await storage.recount()
    expect(await storage.uploadsInProgress()).toEqual(under)
    await clock.advance(20_000)
    expect(await storage.uploadsInProgress()).toEqual([])
  })
})

describe('a data folder that is not as it should be', () => {
  it('that was never made is an empty store', async () => {
    const { base, open, use } = await setUp()
    use(join(base, 'not-yet'))
    const storage = open()
    await storage.scan()
    expect(storage.state()).toMatchObject({ bytes: 0, repositories: 0 })
    expect(storage.state().error).toBeUndefined()
  })

  it('that went away keeps its numbers with their time, and is counted again when it is back', async () => {
    const { base, tree, clock, open } = await setUp()
    tree.blob('app', Buffer.alloc(1000))
    const first = open()
    await first.scan()
    await first.close()
    const known = first.state()
    renameSync(tree.root, join(base, 'away'))
    await clock.advance(60_000)
    const storage = open()
    await storage.scan()
    expect(storage.state()).toMatchObject({ bytes: known.bytes, asOf: known.asOf, scanning: false })
    expect(storage.state().error).toEqual({ code: 'data-volume-missing', path: tree.root, parent: tree.root })
    renameSync(join(base, 'away'), tree.root)
    await clock.advance(5 * 60_000)
    await eventually(() => storage.state().error === undefined && storage.state().asOf !== known.asOf)
  })

  it('whose parent is missing names it', async () => {
    const { base, open, use } = await setUp()
    use(join(base, 'volume', 'zot'))
    const storage = open()
    await storage.scan()
    const error = {
      code: 'data-volume-missing',
      path: join(base, 'volume', 'zot'),
      parent: join(base, 'volume'),
    }
    expect(storage.state()).toMatchObject({ error })
    expect(storage.state().bytes).toBeUndefined()
  })

  it('that is a file is said to be one', async () => {
    const { base, open, use } = await setUp()
    writeFileSync(join(base, 'file'), '')
    use(join(base, 'file'))
    const storage = open()
    await storage.scan()
    expect(storage.state().error).toMatchObject({ code: 'data-not-a-folder' })
  })

  it.skipIf(process.getuid?.() === 0)(
    'with a folder that may not be read names it, until it can be',
    async () => {
      const { tree, open } = await setUp()
      tree.blob('app', 'x')
      tree.blob('other', 'y')
      chmodSync(join(tree.root, 'app'), 0)
      undo.push(() => chmodSync(join(tree.root, 'app'), 0o700))
      const storage = open()
      await storage.scan()
      expect(storage.state()).toMatchObject({
        repositories: 1,
        unreadable: [{ repository: 'app', reason: 'access is denied' }],
      })
      expect(storage.state().error).toBeUndefined()
      chmodSync(join(tree.root, 'app'), 0o700)
      await storage.recount()
      expect(storage.state().repositories).toBe(2)
      expect(storage.state().unreadable).toBeUndefined()
    },
  )

  it('with a damaged index names its repository and counts the others, until it is mended', async () => {
    const { tree, clock, open } = await setUp()
    tree.tag('app', '1', tree.blob('app', 'x'))
    tree.tag('other', '1', tree.blob('other', 'y'))
    const index = readFileSync(join(tree.root, 'app', 'index.json'))
    writeFileSync(join(tree.root, 'app', 'index.json'), '')
    const storage = open()
    await storage.scan()
    const named = await eventually(async () => {
      await clock.advance(250)
      return storage.state().unreadable
    })
    expect(named).toEqual([{ repository: 'app', reason: 'its index.json is damaged' }])
    expect(storage.state()).toMatchObject({ repositories: 2, tags: 1 })
    expect(storage.state().error).toBeUndefined()
    writeFileSync(join(tree.root, 'app', 'index.json'), index)
    await storage.recount()
    expect(storage.state().tags).toBe(2)
    expect(storage.state().unreadable).toBeUndefined()
  })

  it('that is unknown shows nothing', async () => {
    const { open, use } = await setUp()
    use(undefined)
    const storage = open()
    await storage.scan()
    expect(storage.state()).toEqual({ scanning: false, biggest: [], history: [] })
  })
})

describe('the history', () => {
  it('is there at the next start before anything is counted', async () => {
    const { tree, clock, open } = await setUp()
    tree.blob('app', Buffer.alloc(1000))
    const first = open()
    await first.scan()
    const { bytes, asOf } = first.state()
    await first.close()
    await clock.advance(3_600_000)
    const second = open()
    const seen: object[] = []
    second.onChange(() => seen.push(second.state()))
    await second.scan()
    expect(seen[0]).toMatchObject({ scanning: true, bytes, asOf, repositories: 1 })
    expect(seen.at(-1)).toMatchObject({ scanning: false, asOf: clock.now() })
  })

  it('gives growth and days to full after days of pushes', async () => {
    const { tree, clock, open } = await setUp()
    const storage = open()
    await storage.scan()
    for (let day = 0; day < 10; day += 1) {
      await clock.advance(86_400_000)
      tree.blob('app', Buffer.alloc(1_000_000, day))
      storage.readLogLine(wrote('app'))
      const before = storage.state().bytes ?? 0
      await clock.advance(300)
      await eventually(() => (storage.state().bytes ?? 0) > before)
    }
    const state = storage.state()
    // Of days that are long past the last sample stays, so the first day may count in part.
    expect(state.growth?.days).toBeGreaterThanOrEqual(9)
    expect(state.growth?.days).toBeLessThanOrEqual(10.1)
    expect(state.growth?.bytes).toBeGreaterThan(9_000_000)
    expect(state.daysToFull).toBeCloseTo(1000, -2)
    expect(state.history.length).toBeGreaterThanOrEqual(10)
    expect(structuredClone(state)).toEqual(state)
  })

  it('that is corrupt is set aside, told, and begun anew', async () => {
    const { home, tree, reports, open } = await setUp()
    tree.blob('app', 'x')
    writeFileSync(join(home, 'samples.json'), '{"version":1,"stores":[{')
    const storage = open()
    await storage.scan()
    await storage.close()
    expect(reports).toEqual([
      { file: join(home, 'samples.json'), keptAs: expect.stringContaining('.corrupt-') },
    ])
    expect(JSON.parse(readFileSync(join(home, 'samples.json'), 'utf8')).stores).toHaveLength(1)
    expect(lstatSync(join(home, 'samples.json')).mode & 0o777).toBe(0o600)
  })
})
