import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { repositoriesOf, ruleFor, uploadsIn, uploadsLeftIn } from '../../../core/storage/uploads.ts'

let root: string
const now = Date.now() + 60_000
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-uploads-'))
})
afterEach(() => rmSync(root, { recursive: true }))

/** An upload of 3 bytes that was written to so long ago. */
function upload(path: string, agoMs: number): string {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, 'abc')
  utimesSync(file, (now - agoMs) / 1000, (now - agoMs) / 1000)
  return file
}
const folderOf = () => root
const underWay = async (files: string[], clients: number | undefined, at = now) => {
  const use = clients === undefined ? undefined : { files, clients }
  return (await uploadsIn(folderOf, ['app', 'team/new'], ruleFor(use, at))).map(
    ({ repository, bytes }) => `${repository} ${bytes}`,
  )
}

describe('an upload is under way', () => {
  it('while it is held open, however long it is still, also below .sync and by another path of its folder', async () => {
    upload('app/.uploads/one', 600_000)
    upload('app/.sync/uuid/app/blobs/sha256/two', 600_000)
    expect(await underWay([], 3)).toEqual([])
    expect(await underWay(['/other/app/.uploads/one'], 0)).toEqual(['app 3'])
    const both = ['/r/app/.uploads/one', '/r/app/.sync/uuid/app/blobs/sha256/two']
    expect(await underWay(both, 0)).toEqual(['app 6'])
  })

  it.each<[string, number, number | undefined, boolean]>([
    ['between two requests of a client that is connected', 4_000, 1, true],
    ['no longer once that client is silent for 5 s', 5_000, 1, false],
    ['a moment after its client has gone', 900, 0, true],
    ['not when it was still for a second and nobody is connected', 1_000, 0, false],
    ['a moment where nobody can look at the process', 900, undefined, true],
    ['not for long there', 1_000, undefined, false],
  ])('%s', async (_, agoMs, clients, is) => {
    upload('app/.uploads/one', agoMs)
    expect(await underWay([], clients)).toEqual(is ? ['app 3'] : [])
  })

  it('between two blobs of a push, while its client is connected', async () => {
    const file = upload('team/new/.uploads/one', 0)
    rmSync(file)
    const at = Date.now()
    expect(await underWay([], 1, at)).toEqual(['team/new 0'])
    expect(await underWay([], 0, at)).toEqual([])
    expect(await underWay([], 1, at + 2_000)).toEqual([])
  })
})

it('the repositories of uploads are known from what is held open, without a look at the folders', () => {
  const files = [
    '/data/a/b/.uploads/x',
    '/sub/c/d/.sync/u/c/d/blobs/y',
    '/data/meta.db',
    '/else/e/.uploads/z',
  ]
  expect(repositoriesOf(files, ['/data', '/sub'])).toEqual(['a/b', 'c/d'])
})

it('what an end left behind is what was under way, or was written to since', async () => {
  const still = upload('app/.uploads/one', 600_000)
  upload('team/new/.uploads/two', 100)
  const left = (known: string[], sinceMs: number) =>
    uploadsLeftIn(folderOf, ['app', 'team/new', 'none'], { known: new Set(known), since: now - sinceMs, now })
  expect(await left([], 50)).toEqual([])
  expect(await left([], 200)).toEqual(['team/new'])
  expect(await left([still], 50)).toEqual(['app'])
  rmSync(still)
  expect(await left([still], 50)).toEqual([])
})
