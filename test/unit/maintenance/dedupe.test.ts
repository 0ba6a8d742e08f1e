import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BlobIndex } from '../../../registry/storage/blob-index.ts'
import { Dedupe } from '../../../registry/storage/dedupe.ts'
import { type DiskStorage, openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import { digestOf, digestText } from '../../suites/image.ts'
import { push, upload } from '../../suites/store.ts'

let root: string
let index: BlobIndex
let storage: DiskStorage
const open = (enabled = true): void => {
  index = new BlobIndex(root)
  storage = openDiskStorage(root, { dedupe: new Dedupe(root, index, enabled) })
}
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-dedupe-'))
  open()
})
afterEach(() => {
  index.close()
  rmSync(root, { recursive: true, force: true })
})
const fileOf = (repo: string, bytes: string): string => join(root, repo, 'blobs/sha256', digestOf(bytes).hex)
const links = (repo: string, bytes: string): number => statSync(fileOf(repo, bytes)).nlink

describe('dedupe', () => {
  it('stores a blob once, however many repositories get it', async () => {
    for (const repo of ['a', 'b', 'c/d']) await upload(storage, repo, 'blob')
    expect(links('a', 'blob')).toBe(3)
    expect(readFileSync(fileOf('c/d', 'blob'), 'utf8')).toBe('blob')
    await storage.blobs.delete('a', digestOf('blob'))
    expect(links('b', 'blob')).toBe(2)
  })

  it('says where a blob can be mounted from, without a search through all repositories', async () => {
    await upload(storage, 'a', 'blob')
    index.close()
    open()
    const any = () => true
    // No repository of the catalog, so no search would find it.
    expect(await storage.blobs.find('to', digestOf('blob'), any)).toEqual({ ok: true, value: 'a' })
    expect(await storage.blobs.find('to', digestOf('blob'), name => name !== 'a')).toEqual({
      ok: true,
      value: undefined,
    })
    rmSync(fileOf('a', 'blob'))
    expect(await storage.blobs.find('to', digestOf('blob'), any)).toEqual({ ok: true, value: undefined })
    // What nobody told it of is searched for, as long as it does not know all.
    await push(storage, 'b', 'v1', 'layer')
    index.drop('b', digestText('layer'))
    expect(await storage.blobs.find('to', digestOf('layer'), any)).toEqual({ ok: true, value: 'b' })
    index.close()
    open()
    index.setComplete()
    expect(await storage.blobs.find('to', digestOf('layer'), any)).toEqual({ ok: true, value: undefined })
  })

  it('considers only holders that count, however many do not', async () => {
    for (let at = 0; at < 20; at++) index.note(`hidden/${at}`, digestText('blob'))
    await upload(storage, 'z', 'blob')
    const isSeen = (name: string) => name === 'z'
    for (const turn of ['from memory', 'from disk']) {
      expect(index.holders(digestText('blob'), isSeen), turn).toEqual(['z'])
      expect(
        index.holders(digestText('blob'), () => false),
        turn,
      ).toEqual([])
      index.flush()
    }
    // Complete, so nothing is searched for: those that hold it without being seen cost no time.
    index.setComplete()
    rmSync(fileOf('z', 'blob'))
    expect(await storage.blobs.find('to', digestOf('blob'), () => false)).toEqual({
      ok: true,
      value: undefined,
    })
  })

  it('asks about as many where a hidden repository holds it as where none does, as the time would tell', async () => {
    for (let at = 0; at < 400; at++) index.note(`other/${at}`, digestText(String(at)))
    for (let at = 0; at < 150; at++) index.note(`hidden/${at}`, digestText('common'))
    index.note('hidden/0', digestText('single'))
    index.flush()
    const askedFor = async (blob: string): Promise<number> => {
      let asked = 0
      const accepts = (): boolean => asked++ < 0
      expect(await storage.blobs.find('to', digestOf(blob), accepts, 'known')).toMatchObject({
        value: undefined,
      })
      return asked
    }
    const ofNone = await askedFor('none')
    expect([await askedFor('single'), await askedFor('common')]).toEqual([ofNone, ofNone])
  })

  it('remembers over a restart', async () => {
    await upload(storage, 'a', 'blob')
    index.close()
    open()
    expect(index.holders(digestText('blob'))).toEqual(['a'])
    await upload(storage, 'b', 'blob')
    expect(links('a', 'blob')).toBe(2)
  })

  it('stores anew what is gone or has another size', async () => {
    await upload(storage, 'a', 'gone')
    await upload(storage, 'a', 'short')
    rmSync(fileOf('a', 'gone'))
    truncateSync(fileOf('a', 'short'), 2)
    for (const bytes of ['gone', 'short']) {
      await upload(storage, 'b', bytes)
      expect([links('b', bytes), readFileSync(fileOf('b', bytes), 'utf8')]).toEqual([1, bytes])
      expect(index.holders(digestText(bytes))).toEqual(['b'])
    }
  })

  it('never puts a damaged copy in the place of good bytes, and heals the one that is there', async () => {
    await upload(storage, 'a', 'sound')
    writeFileSync(fileOf('a', 'sound'), 'sounD')
    await upload(storage, 'b', 'sound')
    expect([links('b', 'sound'), readFileSync(fileOf('b', 'sound'), 'utf8')]).toEqual([1, 'sound'])
    await upload(storage, 'a', 'sound')
    expect(readFileSync(fileOf('a', 'sound'), 'utf8')).toBe('sound')
  })

  it('stores each copy where dedupe is off', async () => {
    open(false)
    for (const repo of ['a', 'b']) await upload(storage, repo, 'blob')
    expect(links('a', 'blob')).toBe(1)
  })

  it('works without its file', async () => {
    index.close()
    for (const repo of ['a', 'b']) await upload(storage, repo, 'blob')
    expect(readFileSync(fileOf('b', 'blob'), 'utf8')).toBe('blob')
  })

  it('makes a damaged file anew', async () => {
    await upload(storage, 'a', 'blob')
    index.close()
    writeFileSync(
      join(root, '_zotbar/blobs.db'),
      'no database at all, and long enough to be looked at as one',
    )
    open()
    await upload(storage, 'a', 'other')
    await upload(storage, 'b', 'other')
    expect(links('a', 'other')).toBe(2)
  })

  it('is not said to know all where the disk did not take a note', () => {
    expect(index.isComplete).toBe(false)
    const other = new DatabaseSync(join(root, '_zotbar/blobs.db'))
    other.exec('ALTER TABLE places RENAME TO unwritable')
    index.note('a', digestText('layer'))
    index.flush()
    other.exec('ALTER TABLE unwritable RENAME TO places')
    other.close()
    expect([index.setComplete(), index.isComplete]).toEqual([false, false])
    index.note('a', digestText('layer'))
    expect([index.setComplete(), index.isComplete]).toEqual([true, true])
    expect(index.holders(digestText('layer'))).toEqual(['a'])
  })

  it('keeps no more than so much without its file', () => {
    index.close()
    for (let at = 0; at < 10_001; at++) index.note('a', digestText(`${at}`))
    expect(index.holders(digestText('0'))).toEqual([])
    expect(index.holders(digestText('10000'))).toEqual(['a'])
  })

  it('takes many notes', () => {
    for (let at = 0; at < 1200; at++) index.note('a', digestText(`${at}`))
    index.drop('a', digestText('7'))
    index.setComplete()
    index.close()
    open()
    expect(index.isComplete).toBe(true)
    expect(index.holders(digestText('1199'))).toEqual(['a'])
    expect(index.holders(digestText('7'))).toEqual([])
  })
})
