import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type LayoutIndex, withManifest } from '../../../registry/oci/layout-index.ts'
import { Damage } from '../../../registry/storage/damage.ts'
import { Repository } from '../../../registry/storage/repository.ts'
import { digestText } from '../../suites/image.ts'

/** What the next write of an index meets. */
const broken = vi.hoisted(() => ({ write: undefined as Error | undefined }))
vi.mock('node:fs/promises', async importOriginal => {
  const real = await importOriginal<typeof import('node:fs/promises')>()
  return {
    ...real,
    rename: (async (from, to) => {
      if (broken.write) throw broken.write
      return await real.rename(from, to)
    }) as typeof real.rename,
  }
})

let root: string
let repository: Repository
let bugs: unknown[]
const bug = new TypeError('a bug')
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-repository-'))
  bugs = []
  broken.write = undefined
  repository = new Repository(root, 'a', new Damage(), { onBug: (_, error) => bugs.push(error) })
})
afterEach(() => rmSync(root, { recursive: true }))

const adding = (tag: string) => (index: LayoutIndex) =>
  withManifest(index, { digest: digestText(tag), mediaType: 'x', size: 1 }, tag)
const throwing = (): never => {
  throw bug
}
const tags = async (): Promise<readonly string[] | undefined> => {
  const loaded = await repository.load()
  return loaded.ok ? loaded.value.tagNames : undefined
}

it('a change that throws fails alone, is told, and holds up nothing', async () => {
  // The first one is written by itself, the next ones together.
  const before = repository.change(adding('before'))
  const together = [
    repository.change(adding('one')),
    repository.change(throwing),
    repository.change(adding('two')),
  ]
  expect(await before).toMatchObject({ ok: true })
  expect(await Promise.all(together)).toMatchObject([
    { ok: true },
    { ok: false, error: { name: 'unexpected' } },
    { ok: true },
  ])
  expect(bugs).toEqual([bug])
  expect(await repository.change(throwing)).toMatchObject({ error: { name: 'unexpected' } })
  expect(await repository.change(adding('three'))).toMatchObject({ ok: true })
  expect(await tags()).toEqual(['before', 'one', 'three', 'two'])
  expect(repository.idle).toBe(true)
})

it.each([
  ['a bug', bug, 'unexpected'],
  ['the disk', Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'rename' }), 'storage-failed'],
])('a write that fails by %s holds up nothing', async (_, error, name) => {
  expect(await repository.change(adding('one'))).toMatchObject({ ok: true })
  broken.write = error
  const both = [repository.change(adding('two')), repository.change(adding('three'))]
  expect(await Promise.all(both)).toMatchObject([{ error: { name } }, { error: { name } }])
  broken.write = undefined
  expect(await repository.change(adding('four'))).toMatchObject({ ok: true })
  expect(await tags()).toEqual(['four', 'one'])
  expect(repository.idle).toBe(true)
})

it('an observer that throws is a bug like any other', async () => {
  const watched = new Repository(root, 'b', new Damage(), {
    onWait: throwing,
    onBug: (_, error) => bugs.push(error),
  })
  expect(await watched.change(adding('one'))).toMatchObject({ error: { name: 'unexpected' } })
  expect(bugs).toEqual([bug])
  expect(watched.idle).toBe(true)
})
