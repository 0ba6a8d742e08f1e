import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Result } from '../../../registry/oci/error-table.ts'
import { isDigest } from '../../../registry/oci/reference.ts'
import { openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import type { Storage } from '../../../registry/storage/storage.ts'
import { type Fault, failStep, hasDied, heal, stepsTaken } from '../../fakes/faulty-fs.ts'
import { config, digestOf, imageOf } from '../../suites/image.ts'
import { push, ref } from '../../suites/store.ts'

vi.mock('node:fs/promises', async importOriginal => {
  const { faultyFs } = await import('../../fakes/faulty-fs.ts')
  return faultyFs(await importOriginal())
})

// In memory where there is such a place: thousands of syncs, and what matters is only their order.
const fast = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const folder = mkdtempSync(join(fast, 'zotbar-faults-'))
const base = join(folder, 'base')
const old = imageOf(['old layer'])
const layer = Buffer.alloc(100_000, 'new layer ')
const image = imageOf([layer])
const everyStep = 120
let root: string
let rounds = 0

beforeAll(async () => {
  heal()
  mkdirSync(base)
  expect((await push(openDiskStorage(base), 'a', 'v1', 'old layer')).digest).toBe(old.digest)
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

const freshRoot = (): string => {
  root = join(folder, `root-${rounds++}`)
  cpSync(base, root, { recursive: true })
  return root
}

type Acknowledged = 'layer' | 'mounted' | 'moved' | 'tagged'

/** Everything a push can do, step by step, until something is refused. */
async function pushAll(storage: Storage, done: Set<Acknowledged>): Promise<Result<unknown>> {
  const started = await storage.uploads.start('a')
  if (!started.ok) return started
  for (const part of [layer.subarray(0, 60_000), layer.subarray(60_000)]) {
    const written = await storage.uploads.write('a', started.value, { body: Readable.from([part]) })
    if (!written.ok) return written
  }
  const committed = await storage.uploads.commit('a', started.value, digestOf(layer))
  if (!committed.ok) return committed
  done.add('layer')
  for (const bytes of [config, layer]) {
    const mounted = await storage.blobs.mount('a', 'team/b', digestOf(bytes))
    if (!mounted.ok) return mounted
  }
  done.add('mounted')
  const moved = await storage.manifests.put('a', ref('v1'), image.mediaType, image.bytes)
  if (!moved.ok) return moved
  done.add('moved')
  const { mediaType, bytes, digest } = image
  const tagged = await storage.manifests.put('team/b', ref(digest), mediaType, bytes, 'replace', ['x', 'y'])
  if (tagged.ok) done.add('tagged')
  return tagged
}

const blobOf = async (storage: Storage, name: string, bytes: Buffer): Promise<boolean> => {
  const opened = await storage.blobs.open(name, digestOf(bytes))
  if (!opened.ok) return false
  const into = Buffer.alloc(opened.value.size)
  await opened.value.read(into, 0)
  await opened.value.close()
  return into.equals(bytes)
}
const digestAt = async (storage: Storage, name: string, reference: string): Promise<string | undefined> => {
  const found = await storage.manifests.get(name, ref(reference))
  return found.ok ? found.value.digest : undefined
}

/** What was there and what was acknowledged is there; a tag is what it was or what it was to become. */
async function expectKept(storage: Storage, done: ReadonlySet<Acknowledged>): Promise<void> {
  expect(await digestAt(storage, 'a', old.digest)).toBe(old.digest)
  expect(await blobOf(storage, 'a', Buffer.from('old layer'))).toBe(true)
  if (done.has('layer')) expect(await blobOf(storage, 'a', layer)).toBe(true)
  if (done.has('mounted')) expect(await blobOf(storage, 'team/b', layer)).toBe(true)
  const v1 = await digestAt(storage, 'a', 'v1')
  expect(done.has('moved') ? [image.digest] : [old.digest, image.digest]).toContain(v1)
  const tags = await Promise.all(['x', 'y', image.digest].map(tag => digestAt(storage, 'team/b', tag)))
  const all = [image.digest, image.digest, image.digest]
  // Of the tags of one push there are all or none.
  if (done.has('tagged') || tags.some(tag => tag !== undefined)) expect(tags).toEqual(all)
}

/** Whatever has the name of a blob is that blob; whatever an index names is there. */
function expectWhole(): void {
  for (const name of ['a', 'team/b']) {
    const names = listing(join(root, name, 'blobs/sha256'))
    for (const hex of names) {
      const bytes = readFileSync(join(root, name, 'blobs/sha256', hex))
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(hex)
    }
    if (!listing(join(root, name)).includes('index.json')) continue
    const { manifests } = JSON.parse(readFileSync(join(root, name, 'index.json'), 'utf8'))
    for (const { digest } of manifests) {
      expect(isDigest(digest)).toBe(true)
      expect(names).toContain(digest.slice(7))
    }
  }
}

const listing = (path: string): string[] => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

it('syncs what it moves into place, and the folder it moves it to, before it answers', async () => {
  const storage = openDiskStorage(freshRoot())
  heal()
  expect(await pushAll(storage, new Set())).toMatchObject({ ok: true })
  const steps = [...stepsTaken()]
  expect(steps.length).toBeGreaterThan(30)
  expect(steps.length).toBeLessThan(everyStep)
  const renames = steps.flatMap((step, at) => (step.startsWith('rename ') ? [{ step, at }] : []))
  expect(renames.length).toBeGreaterThanOrEqual(5)
  for (const { step, at } of renames) {
    const [, from = '', to = ''] = step.split(' ')
    const last = steps.slice(0, at).lastIndexOf(`datasync ${from}`)
    expect([step, last >= 0]).toEqual([step, true])
    expect(steps.slice(last, at).filter(one => one.startsWith('write') && one.endsWith(from))).toEqual([])
    expect(steps.slice(at)).toContain(`sync ${dirname(to)}`)
  }
  for (const step of steps.filter(one => one.startsWith('link ')))
    expect(steps.slice(steps.indexOf(step))).toContain(`sync ${dirname(step.split(' ')[2] ?? '')}`)
})

describe('a push that meets a fault at each of its steps in turn', () => {
  it.each<Fault>(['ENOSPC', 'EIO', 'short'])(
    '%s: is told, harms nothing, and works when tried again',
    async how => {
      const refusals = new Set<string>()
      for (let number = 0; number < everyStep; number++) {
        const storage = openDiskStorage(freshRoot())
        const done = new Set<Acknowledged>()
        failStep(number, how)
        const result = await pushAll(storage, done)
        const reached = stepsTaken().length > number
        heal()
        if (!result.ok) refusals.add(result.error.name)
        await expectKept(storage, done)
        expectWhole()
        expect(await pushAll(storage, done)).toMatchObject({ ok: true })
        expect(done.size).toBe(4)
        await expectKept(storage, done)
        // No staging files; an upload that was under way may be gone on with.
        expect(listing(join(root, 'a/.uploads')).length).toBeLessThanOrEqual(1)
        expect(listing(join(root, 'team/b/.uploads'))).toEqual([])
        await expectKept(openDiskStorage(root), done)
        expectWhole()
        rmSync(root, { recursive: true })
        if (!reached) break
      }
      expect([...refusals]).toEqual([how === 'EIO' ? 'storage-failed' : 'disk-full'])
    },
  )

  it.each<Fault>(['before', 'torn', 'after'])(
    'killed (%s it): what was acknowledged is there, the rest is whole or not',
    async how => {
      let deaths = 0
      for (let number = 0; number < everyStep; number++) {
        const done = new Set<Acknowledged>()
        failStep(number, how)
        const pushing = pushAll(openDiskStorage(freshRoot()), done)
        const died = new Promise<'died'>(resolve => {
          const look = (): void => (hasDied() ? resolve('died') : void setImmediate(look))
          look()
          void pushing.then(() => resolve('died'))
        })
        await Promise.race([pushing, died])
        const killed = hasDied()
        heal()
        const storage = openDiskStorage(root)
        await expectKept(storage, done)
        expectWhole()
        expect(await pushAll(storage, done)).toMatchObject({ ok: true })
        await expectKept(storage, done)
        rmSync(root, { recursive: true })
        if (!killed) break
        deaths++
      }
      expect(deaths).toBeGreaterThan(30)
    },
  )
})
