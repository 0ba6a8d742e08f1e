import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  collectRepository,
  type GcTotals,
  noTotals,
  type UsageRecords,
} from '../../../registry/maintenance/gc.ts'
import { compileRetention } from '../../../registry/maintenance/retention-policy.ts'
import { type DiskStorage, openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import { config, digestOf, imageOf, indexOf } from '../../suites/image.ts'
import { push, put, ref, upload } from '../../suites/store.ts'

const hour = 3_600_000
const day = 24 * hour

let root: string
let storage: DiskStorage
let log: Record<string, unknown>[]
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-gc-'))
  storage = openDiskStorage(root)
  log = []
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const fileOf = (repo: string, bytes: Buffer | string): string =>
  join(root, repo, 'blobs', 'sha256', digestOf(bytes).hex)
const has = (repo: string, bytes: Buffer | string): boolean => existsSync(fileOf(repo, bytes))

/** Makes everything look a day old. */
function age(folder = root): void {
  const then = new Date(Date.now() - day)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) age(path)
    utimesSync(path, then, then)
  }
}

interface Settings {
  policies?: object[]
  dryRun?: boolean
  now?: number
  pause?: () => Promise<void>
  usage?: UsageRecords
}

async function collect(
  repo: string,
  { policies = [], dryRun = false, now, pause, usage }: Settings = {},
): Promise<GcTotals> {
  const whole = policies.map(it => ({
    repositories: ['**'],
    deleteReferrers: false,
    deleteUntagged: true,
    keepTags: [],
    keepUntagged: undefined,
    ...it,
  }))
  const compiled = compileRetention({ retention: { dryRun, delay: hour, policies: whole } })
  if (!compiled.ok) throw new Error(compiled.problems.join())
  const totals = noTotals()
  const context = {
    maintenance: storage.maintenance,
    logger: {
      log: (level: string, message: string, fields = {}) => void log.push({ level, message, ...fields }),
    },
    usage,
    countedSince: 0,
    now: () => now ?? Date.now(),
    pause: pause ?? (async () => {}),
  }
  const rules = { delay: hour, retention: compiled.retention }
  await collectRepository(context, rules, repo, totals, new AbortController().signal)
  return totals
}
const keepV = {
  keepTags: [
    {
      patterns: ['^v'],
      pulledWithin: undefined,
      pushedWithin: undefined,
      mostRecentlyPushedCount: 0,
      mostRecentlyPulledCount: 0,
    },
  ],
}

describe('garbage collection', () => {
  it('removes blobs that nothing names, when they are old', async () => {
    const image = await push(storage, 'a', 'v1', 'layer')
    await upload(storage, 'a', 'loose')
    expect(await collect('a')).toMatchObject({ blobs: 0, manifests: 0 })
    age()
    await upload(storage, 'a', 'new')
    expect(await collect('a')).toMatchObject({ blobs: 1, bytes: 5, failures: 0 })
    expect([has('a', 'layer'), has('a', config), has('a', image.bytes), has('a', 'new')]).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(has('a', 'loose')).toBe(false)
  })

  it('removes an untagged manifest and what only it named; a second run finds nothing', async () => {
    const old = await push(storage, 'a', 'v1', 'one')
    const image = await push(storage, 'a', 'v1', 'two')
    age()
    expect(await collect('a')).toMatchObject({ manifests: 1, blobs: 2 })
    expect(has('a', old.bytes)).toBe(false)
    expect(await storage.manifests.get('a', ref(old.digest))).toMatchObject({
      error: { name: 'manifest-unknown' },
    })
    expect(storage.manifests.peek('a', old.digest)).toBeUndefined()
    expect(await storage.manifests.get('a', ref('v1'))).toMatchObject({ value: { digest: image.digest } })
    expect(await collect('a')).toMatchObject({ manifests: 0, blobs: 0 })
  })

  it('gives whoever has just resolved a moved or deleted tag the time to pull it', async () => {
    const old = await push(storage, 'a', 'v1', 'one')
    const other = await push(storage, 'a', 'v2', 'two')
    age()
    await push(storage, 'a', 'v1', 'three')
    await storage.manifests.delete('a', ref('v2'))
    expect(await collect('a')).toMatchObject({ manifests: 0, blobs: 0 })
    for (const { digest } of [old, other])
      expect(await storage.manifests.get('a', ref(digest))).toMatchObject({ ok: true })
  })

  it('keeps what an index lists, also where index.json does not', async () => {
    await upload(storage, 'a', config)
    await upload(storage, 'a', 'amd')
    const child = imageOf(['amd'])
    await put(storage, 'a', child.digest, child)
    await put(storage, 'a', 'multi', indexOf([child]))
    const path = join(root, 'a/index.json')
    const index = JSON.parse(readFileSync(path, 'utf8'))
    index.manifests = index.manifests.filter((it: { digest: string }) => it.digest !== child.digest)
    writeFileSync(path, JSON.stringify(index))
    storage = openDiskStorage(root)
    age()
    expect(await collect('a')).toMatchObject({ manifests: 0, blobs: 0 })
    expect([has('a', 'amd'), has('a', child.bytes)]).toEqual([true, true])
  })

  it('keeps referrers of what stays, and their blobs', async () => {
    const image = await push(storage, 'a', 'v1', 'layer')
    const subject = {
      subject: { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length },
    }
    await push(storage, 'a', undefined, 'signature', { ...subject, artifactType: 'text/signature' })
    age()
    expect(await collect('a', { policies: [{ deleteReferrers: true }] })).toMatchObject({
      manifests: 0,
      blobs: 0,
    })
    await storage.manifests.delete('a', ref('v1'))
    age()
    await collect('a', { policies: [{ deleteReferrers: true }] })
    expect(readdirSync(join(root, 'a/blobs/sha256'))).toEqual([])
  })

  it('keeps to policies, and in a dry run only says what they would do', async () => {
    for (const tag of ['v1', 'dev', 'test']) await push(storage, 'a', tag, tag)
    age()
    expect(await collect('a', { policies: [keepV], dryRun: true })).toMatchObject({ manifests: 0, blobs: 0 })
    const said = log.filter(({ message }) => message === 'applied policy')
    expect(said.map(it => [it['tag'], it['decision'], it['dry-run']])).toEqual([
      ['dev', 'delete', true],
      ['test', 'delete', true],
      ['v1', 'keep', true],
    ])
    expect(await storage.manifests.tags('a')).toEqual({ ok: true, value: ['dev', 'test', 'v1'] })
    expect(await collect('a', { policies: [keepV] })).toMatchObject({ manifests: 2, blobs: 4 })
    expect(await storage.manifests.tags('a')).toEqual({ ok: true, value: ['v1'] })
  })

  it('forgets the pulls of what it removed, by tag and by digest, and of nothing else', async () => {
    const kept = await push(storage, 'a', 'v1', 'layer')
    await storage.manifests.put('a', ref('dev'), kept.mediaType, kept.bytes)
    const gone = await push(storage, 'a', 'test', 'other')
    age()
    const forgotten: string[] = []
    const usage = {
      list: () => new Map(),
      forget: (_: string, reference: string) => void forgotten.push(reference),
    }
    await collect('a', { policies: [keepV], usage })
    expect(forgotten.sort()).toEqual(['dev', 'test', gone.digest].sort())
  })

  it('leaves the blobs of a repository alone while it cannot tell what they are for', async () => {
    const image = await push(storage, 'a', 'v1', 'layer')
    await upload(storage, 'a', 'loose')
    age()
    rmSync(fileOf('a', image.bytes))
    storage = openDiskStorage(root)
    expect(await collect('a')).toMatchObject({ blobs: 0 })
    writeFileSync(fileOf('a', image.bytes), 'damaged')
    expect(await collect('a')).toMatchObject({ blobs: 0, failures: 1 })
    rmSync(join(root, 'a/index.json'))
    storage = openDiskStorage(root)
    expect(await collect('a')).toMatchObject({ blobs: 0 })
    writeFileSync(join(root, 'a/index.json'), '{')
    expect(await collect('a')).toMatchObject({ blobs: 0, failures: 1 })
    expect([has('a', 'layer'), has('a', 'loose')]).toEqual([true, true])
    expect(log.every(({ level }) => level === 'warn')).toBe(true)
  })

  it('cleans up after pushes that never came to a manifest', async () => {
    await upload(storage, 'a', 'blob')
    const id = await storage.uploads.start('a')
    age()
    const young = await storage.uploads.start('a')
    mkdirSync(join(root, 'b/.sync/1234/b/blobs'), { recursive: true })
    writeFileSync(join(root, 'b/.sync/1234/b/blobs/x'), 'x')
    age(join(root, 'b'))
    mkdirSync(join(root, 'b/.sync/5678'))
    const names = []
    for await (const name of storage.maintenance.names()) names.push(name)
    expect(names).toEqual(expect.arrayContaining(['a', 'b']))
    expect(await collect('a')).toMatchObject({ blobs: 1, uploads: 1 })
    expect(await collect('b')).toMatchObject({ syncs: 1 })
    expect(readdirSync(join(root, 'a/.uploads'))).toEqual([young.ok && young.value])
    expect(readdirSync(join(root, 'b/.sync'))).toEqual(['5678'])
    expect(await storage.uploads.offset('a', id.ok ? id.value : '')).toMatchObject({
      error: { name: 'upload-unknown' },
    })
  })

  it('leaves files alone that it does not know', async () => {
    await push(storage, 'a', 'v1', 'layer')
    for (const name of ['a/blobs/sha256/README', 'a/blobs/sha256/abc', 'a/.uploads/notes', 'a/blobs/md5'])
      writeFileSync(join(root, name), 'mine')
    age()
    await collect('a')
    for (const name of ['a/blobs/sha256/README', 'a/blobs/sha256/abc', 'a/.uploads/notes', 'a/blobs/md5'])
      expect(existsSync(join(root, name))).toBe(true)
  })
})

describe('a push under way', () => {
  it('keeps a blob that it has just been told of, has mounted, or has sent again', async () => {
    for (const bytes of ['checked', 'mounted', 'again', 'idle']) await upload(storage, 'a', bytes)
    age()
    expect(await storage.blobs.stat('a', digestOf('checked'))).toMatchObject({ ok: true })
    expect(await storage.blobs.mount('a', 'b', digestOf('mounted'))).toMatchObject({ ok: true })
    await upload(storage, 'a', 'again')
    expect(await collect('a')).toMatchObject({ blobs: 1 })
    expect(await collect('b')).toMatchObject({ blobs: 0 })
    expect(['checked', 'mounted', 'again', 'idle'].map(bytes => has('a', bytes))).toEqual([
      true,
      true,
      true,
      false,
    ])
    // Also for a process that has not seen any of it.
    storage = openDiskStorage(root)
    expect(await collect('a', { now: Date.now() + hour / 2 })).toMatchObject({ blobs: 0 })
    expect(await collect('a', { now: Date.now() + 2 * hour })).toMatchObject({ blobs: 3 })
  })

  it('keeps a blob that it is told of while the collection is at work', async () => {
    for (let at = 0; at < 50; at++) await upload(storage, 'a', `blob ${at}`)
    const later = Date.now() + 2 * hour
    const told: number[] = []
    let at = 0
    const pause = async (): Promise<void> => {
      const next = at++ % 50
      if ((await storage.blobs.stat('a', digestOf(`blob ${next}`))).ok) told.push(next)
    }
    await collect('a', { now: later, pause })
    expect(told.length).toBeGreaterThan(10)
    for (const next of told) expect(has('a', `blob ${next}`)).toBe(true)
  })

  it('keeps what a manifest names that arrives between the look and the removal', async () => {
    await upload(storage, 'a', config)
    for (let at = 0; at < 20; at++) await upload(storage, 'a', `layer ${at}`)
    const image = imageOf(['layer 3', 'layer 19'])
    let stored: boolean | undefined
    await collect('a', {
      now: Date.now() + 2 * hour,
      pause: async () => {
        stored ??= (await storage.manifests.put('a', ref('v1'), image.mediaType, image.bytes)).ok
      },
    })
    // Either the manifest was refused, or all that it names is there.
    expect(has('a', 'layer 3') && has('a', 'layer 19') && has('a', config)).toBe(stored)
  })

  it('decides anew when the manifest it chose is pushed again', async () => {
    await push(storage, 'a', 'dev', 'layer')
    const image = imageOf(['layer'])
    age()
    let again = false
    await collect('a', {
      policies: [{ ...keepV, keepTags: [{ ...keepV.keepTags[0], patterns: [], pushedWithin: hour }] }],
      pause: async () => {
        if (again) return
        again = true
        await put(storage, 'a', 'dev', image)
      },
    })
    expect(again).toBe(true)
    expect(await storage.manifests.tags('a')).toEqual({ ok: true, value: ['dev'] })
    expect([has('a', image.bytes), has('a', 'layer')]).toEqual([true, true])
  })

  it.each(['one level', 'two levels'])(
    'keeps what an index names that is pushed while its children are being removed: %s',
    // On a busy machine the removal may be over first, which refuses the push.
    { retry: 5 },
    async levels => {
      await push(storage, 'a', 'v1', 'one')
      const child = await push(storage, 'a', undefined, 'two')
      const inner = indexOf([child])
      if (levels === 'two levels') await put(storage, 'a', inner.digest, inner)
      const index = indexOf([levels === 'two levels' ? inner : child], { annotations: { of: 'both' } })
      age()
      let putting: Promise<void> | undefined
      await storage.maintenance.collect('a', {
        decide: manifests => {
          // The new index.json is being written when it begins.
          setImmediate(() => {
            putting = put(storage, 'a', 'multi', index)
            putting.catch(() => {})
          })
          return manifests
            .filter(({ tags }) => tags.length === 0)
            .map(({ digest }) => ({ digest, tag: undefined, staysByDigest: false }))
        },
        blobsBefore: Date.now() - hour,
        pause: async () => {},
        signal: new AbortController().signal,
      })
      await putting
      for (const opened of [storage, openDiskStorage(root)])
        for (const it of levels === 'two levels' ? [child, inner] : [child])
          expect(await opened.manifests.get('a', ref(it.digest))).toMatchObject({ ok: true })
      expect([has('a', 'two'), has('a', config), has('a', child.bytes)]).toEqual([true, true, true])
    },
  )

  it('refuses an index of which a child, or a layer of a child, is gone', async () => {
    const child = await push(storage, 'a', undefined, 'layer')
    const index = indexOf([child])
    rmSync(fileOf('a', 'layer'))
    await expect(put(storage, 'a', 'multi', index)).rejects.toThrow('manifest-incomplete')
    await upload(storage, 'a', 'layer')
    await put(storage, 'a', 'multi', index)
    const other = indexOf([await push(storage, 'a', undefined, 'second')])
    await storage.manifests.delete('a', ref(imageOf(['second']).digest))
    await upload(storage, 'a', imageOf(['second']).bytes)
    await expect(put(storage, 'a', 'other', other)).rejects.toThrow('manifest-incomplete')
  })

  it('loses nothing that was acknowledged, whatever comes together', async () => {
    const pushed: { tag: string; layer: string }[] = []
    let over = false
    let delay = 100
    const pushing = (async () => {
      for (let at = 0; at < 30; at++) {
        const layer = `shared ${at % 7}`
        // With so short a delay a push may be told that something is missing; then it was not acknowledged.
        // A slow disk needs a longer one.
        while (!(await push(storage, 'a', `v${at}`, layer).catch(() => undefined)))
          delay = Math.min(delay * 1.5, hour)
        pushed.push({ tag: `v${at}`, layer })
        if (at % 3 === 0) await storage.manifests.delete('a', ref(`v${at}`))
      }
    })().finally(() => {
      over = true
    })
    while (!over) await collect('a', { now: Date.now() + hour - delay })
    await pushing
    expect(pushed).toHaveLength(30)
    for (const [at, { tag, layer }] of pushed.entries()) {
      if (at % 3 === 0) continue
      expect(await storage.manifests.get('a', ref(tag))).toMatchObject({ ok: true })
      expect([has('a', layer), has('a', config)]).toEqual([true, true])
    }
  })
})

it('a shared file stays for the other repository', async () => {
  await push(storage, 'a', 'v1', 'layer')
  await upload(storage, 'b', 'x')
  await storage.blobs.mount('a', 'b', digestOf('layer'))
  expect(statSync(fileOf('b', 'layer')).ino).toBe(statSync(fileOf('a', 'layer')).ino)
  await collect('b', { now: Date.now() + 2 * hour })
  expect([has('a', 'layer'), has('b', 'layer')]).toEqual([true, false])
  expect(dirname(fileOf('a', 'layer'))).toContain(root)
})
