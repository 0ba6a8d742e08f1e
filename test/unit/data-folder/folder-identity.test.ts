import { describe, expect, it } from 'vitest'
import type { FolderIdentity, FolderState } from '../../../core/data-folder/folder-identity.ts'
import { compareFolder } from '../../../core/data-folder/folder-identity.ts'

const id = 'a'.repeat(32)
const names = ['a/one', 'b/two', 'c/three', 'd/four']
const was = (over: Partial<FolderIdentity> = {}): FolderIdentity => ({
  folder: '/v/zot',
  inode: 10,
  marker: id,
  databases: {},
  sample: names,
  ...over,
})
/** A folder with nothing in it. */
const now = (over: Partial<FolderState> = {}): FolderState => ({
  folder: '/v/zot',
  inode: 10,
  databases: {},
  present: [],
  ...over,
})
const ofZot = (over: Partial<FolderIdentity> = {}): FolderIdentity => {
  const { marker: _, ...rest } = was({ databases: { 'meta.db': 77 }, ...over })
  return rest
}
const same = (was: FolderIdentity, seen: FolderState, other = false) => compareFolder(was, seen, other)

describe('a folder of the same path', () => {
  it('with the marker is the one, whatever was deleted in it', () => {
    expect(same(was(), now({ marker: id }))).toEqual({ same: true, restored: false })
  })

  it('that came from a backup is the one, and that is said', () => {
    expect(same(was(), now({ inode: 11, marker: id }))).toEqual({ same: true, restored: true })
    expect(same(was(), now({ inode: 11, present: names.slice(0, 2) }))).toEqual({
      same: true,
      restored: true,
    })
  })

  it.each([
    ['is empty', now(), 'empty'],
    ['is empty under the inode it had', now({ inode: 10 }), 'empty'],
    ['is not there', { folder: '/v/zot', databases: {}, present: [] }, 'missing'],
    ['holds another store', now({ marker: 'b'.repeat(32) }), 'contents'],
    ['holds a quarter of what it held', now({ present: names.slice(0, 1) }), 'contents'],
  ] as const)('that %s is not the one', (_, seen, difference) => {
    expect(same(was(), { ...seen, present: [...seen.present] })).toEqual({ same: false, difference })
  })

  it('is known by its marker where it held no images', () => {
    expect(same(was({ sample: [] }), now({ marker: id }))).toMatchObject({ same: true })
    expect(same(was({ sample: [] }), now())).toEqual({ same: false, difference: 'empty' })
  })

  it('of zot is known by half of its repositories, or by its inode and that of a database', () => {
    expect(same(ofZot(), now({ inode: 99, present: names.slice(0, 2) }))).toMatchObject({ same: true })
    expect(same(ofZot(), now({ databases: { 'meta.db': 77 } }))).toMatchObject({ same: true })
    // The inode of a root is often the same on every volume: 2, 128.
    expect(same(ofZot(), now({ databases: { 'meta.db': 78 } }))).toMatchObject({ same: false })
    expect(same(ofZot(), now({ inode: 11, databases: { 'meta.db': 77 } }))).toMatchObject({ same: false })
    expect(same(ofZot(), now())).toEqual({ same: false, difference: 'empty' })
  })

  it('of a zot without images yet is not another one with databases of its own', () => {
    const empty = ofZot({ sample: [] })
    expect(same(empty, now({ inode: 11, databases: { 'meta.db': 78 } }))).toEqual({
      same: false,
      difference: 'contents',
    })
    // Nothing was lost where nothing was: made anew, or its databases were.
    expect(same(empty, now({ inode: 11 }))).toMatchObject({ same: true })
    expect(same(empty, now({ databases: { 'meta.db': 78 } }))).toMatchObject({ same: true })
  })

  it('of which nothing is known starts as it is', () => {
    const unknown: FolderIdentity = { folder: '/v/zot', databases: {}, sample: [] }
    expect(same(unknown, now())).toMatchObject({ same: true })
    expect(same(unknown, { folder: '/v/zot', databases: {}, present: [] })).toMatchObject({ same: true })
  })
})

describe('another path in config.json', () => {
  it.each([
    ['an empty folder', now()],
    ['one that is not there', { folder: '/w/zot', databases: {}, present: [] }],
    ['another store', now({ inode: 12, marker: 'b'.repeat(32), present: [] })],
    ['an old copy', now({ inode: 12, marker: id, present: names.slice(0, 3) })],
    ['a copy without its marker', now({ inode: 12, present: names })],
  ])('to %s has to be accepted', (_, seen) => {
    expect(same(was(), seen, true)).toEqual({ same: false, difference: 'path' })
  })

  it('to the store itself, moved there whole, is said', () => {
    expect(same(was(), now({ inode: 12, marker: id, present: names }), true)).toEqual({
      same: true,
      restored: true,
    })
    expect(same(ofZot(), now({ inode: 10, present: names }), true)).toMatchObject({ same: true })
  })

  it('to a folder that was never known to hold anything is no news', () => {
    const unknown: FolderIdentity = { folder: '/v/zot', databases: {}, sample: [] }
    expect(same(unknown, now(), true)).toMatchObject({ same: true })
  })
})
