import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FileList } from '../../../core/storage/file-list.ts'
import { InodeTable } from '../../../core/storage/inode-table.ts'
import { Ledger } from '../../../core/storage/ledger.ts'

const filesOf = (...inodes: [ino: number | bigint, size: number][]) => {
  const list = new FileList()
  for (const [ino, size] of inodes) list.add({ dev: 2049, ino, size })
  return list.take()
}
const named = (name: string, tags = 0) => ({ name, tags, sample: undefined })

describe('the ledger', () => {
  it('counts a file in two repositories once in the total and in each of them', () => {
    const ledger = new Ledger()
    ledger.put(named('a'), filesOf([1, 100], [2, 10]))
    ledger.put(named('b'), filesOf([1, 100], [3, 1]))
    expect(ledger.bytes).toBe(111)
    expect(ledger.biggest(9)).toEqual([
      { name: 'a', bytes: 110, tags: 0 },
      { name: 'b', bytes: 101, tags: 0 },
    ])
    ledger.drop('a')
    expect([ledger.bytes, ledger.files, ledger.repositories]).toEqual([101, 2, 1])
  })

  it('adds nothing when a blob is linked into a second repository later', () => {
    const ledger = new Ledger()
    ledger.put(named('a'), filesOf([1, 100]))
    ledger.put(named('b'), filesOf([1, 100]))
    expect(ledger.bytes).toBe(100)
  })

  it('takes the size of an inode that was used again', () => {
    const ledger = new Ledger()
    ledger.put(named('a'), filesOf([7, 100]))
    ledger.put(named('b'), filesOf([7, 5]))
    expect(ledger.bytes).toBe(5)
    ledger.put(named('a'), filesOf())
    expect(ledger.bytes).toBe(5)
  })

  it('keeps the tags it knew when index.json could not be understood', () => {
    const ledger = new Ledger()
    ledger.put({ name: 'a', tags: 3, sample: 'sha256:1' }, filesOf())
    ledger.put({ name: 'a', tags: undefined, sample: undefined }, filesOf())
    expect(ledger.tags).toBe(3)
    expect([...ledger.samples()]).toEqual([{ name: 'a', digest: 'sha256:1' }])
  })

  it('tells inodes apart that differ only beyond 53 bits', () => {
    const ledger = new Ledger()
    ledger.put(named('a'), filesOf([2n ** 63n + 1n, 1], [2n ** 63n + 2n, 1], [1, 1]))
    expect(ledger.bytes).toBe(3)
  })

  it('lists the biggest only', () => {
    const ledger = new Ledger()
    for (let n = 0; n < 50; n += 1) ledger.put(named(`r${n}`), filesOf([n, (n * 37) % 50]))
    expect(ledger.biggest(3).map(({ bytes }) => bytes)).toEqual([49, 48, 47])
  })
})

describe('the inode table', () => {
  it('equals a plain Map over any sequence of additions and removals', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 60 }), add: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), steps => {
        const table = new InodeTable()
        const uses = new Map<number, number>()
        for (const { key, add } of steps) {
          const known = uses.get(key) ?? 0
          if (!add && known === 0) continue
          uses.set(key, known + (add ? 1 : -1))
          // Far apart keys, so that the table's words are all used.
          if (add) table.add(key * 0x1234567, key * 77, key)
          else table.remove(key * 0x1234567, key * 77)
        }
        const live = [...uses].filter(([, count]) => count > 0)
        expect(table.files).toBe(live.length)
        expect(table.bytes).toBe(live.reduce((sum, [key]) => sum + key, 0))
      }),
      { numRuns: 200 },
    )
  })

  it('grows, and forgets what was released when it does', () => {
    const table = new InodeTable()
    for (let n = 0; n < 50_000; n += 1) table.add(n, 0, 1)
    for (let n = 0; n < 49_000; n += 1) table.remove(n, 0)
    for (let n = 100_000; n < 150_000; n += 1) table.add(n, 0, 1)
    expect([table.files, table.bytes]).toEqual([51_000, 51_000])
  })

  it('throws for a file that it never saw', () => {
    expect(() => new InodeTable().remove(1, 2)).toThrow()
  })
})
