import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { inspectContents } from '../../../core/data-folder/folder-contents.ts'
import { sampleOf } from '../../../core/data-folder/folder-identity.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-contents-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const put = (name: string, text = ''): void => {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), text)
}
const ref = 'org.opencontainers.image.ref.name'
const index = (tags: number): string =>
  JSON.stringify({
    manifests: [{}, ...Array.from({ length: tags }, (_, n) => ({ annotations: { [ref]: `${n}` } }))],
  })

it('says what a folder holds: images, nothing, or files of somebody', async () => {
  expect(await inspectContents(root)).toEqual({ holds: 'nothing' })
  // What every new volume has, and what registries keep for themselves.
  for (const name of ['.DS_Store', 'lost+found/x', '_zotbar/store.json', 'meta.db', 'cache.db']) put(name)
  expect(await inspectContents(root)).toEqual({ holds: 'nothing' })
  put('letters/one.txt')
  expect(await inspectContents(root)).toEqual({ holds: 'other-files' })
  put('a/index.json', index(2))
  put('a/blobs/sha256/00')
  put('a/b/index.json', index(1))
  put('broken/index.json', '{')
  // Its index was lost.
  put('lost/oci-layout')
  put('lost/blobs/sha256/00')
  expect(await inspectContents(root)).toEqual({ holds: 'images', repositories: 4, tags: 3 })
})

it('ends early in a large store, and says so', async () => {
  for (let n = 0; n < 1010; n++) put(`r${n}/index.json`, index(1))
  expect(await inspectContents(root)).toEqual({
    holds: 'images',
    repositories: 1000,
    tags: 1000,
    atLeast: true,
  })
})

it('takes 20 names from all of them, keeps those that are still there, and minds folders of their own', () => {
  const names = Array.from({ length: 100 }, (_, n) => `r${String(n).padStart(3, '0')}`)
  const first = sampleOf(names, undefined, {}, [])
  expect(first).toHaveLength(20)
  expect([first[0], first[19]]).toEqual(['r000', 'r095'])
  const fewer = names.filter(name => name !== 'r000')
  const next = sampleOf(fewer, undefined, {}, first)
  expect(next).toHaveLength(20)
  expect(first.filter(name => next.includes(name))).toHaveLength(19)
  const mixed = ['a', 'a/x', 'b/y']
  expect(sampleOf(mixed, undefined, { a: '/sub' }, [])).toEqual(['a', 'b/y'])
  expect(sampleOf(mixed, 'a', { a: '/sub' }, [])).toEqual(['a/x'])
})
