import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseContentRange, parseRange } from '../../../registry/oci/range.ts'
import { pageOf, parseCount } from '../../../registry/routes/lists.ts'

describe('Range', () => {
  it('stays within the content', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.option(fc.nat(1200)), fc.option(fc.nat(1200)), (size, first, last) => {
        const range = parseRange(`bytes=${first ?? ''}-${last ?? ''}`, size)
        if (typeof range === 'string') return
        expect(range.start).toBeGreaterThanOrEqual(0)
        expect(range.end).toBeGreaterThanOrEqual(range.start)
        expect(range.end).toBeLessThan(size)
      }),
    )
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), fc.nat(), (text, size) => void parseRange(text, size)))
  })

  it.each([
    ['bytes=0-4', 10, { start: 0, end: 4 }],
    ['bytes=5-', 10, { start: 5, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=-30', 10, { start: 0, end: 9 }],
    ['bytes=8-100', 10, { start: 8, end: 9 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=5-4', 10, 'ignore'],
    ['bytes=0-1,3-4', 10, 'ignore'],
    ['items=0-1', 10, 'ignore'],
    ['bytes=a-b', 10, 'ignore'],
    ['bytes=-', 10, 'ignore'],
    [undefined, 10, 'ignore'],
  ])('%s of %d', (header, size, range) => {
    expect(parseRange(header, size)).toEqual(range)
  })
})

describe('Content-Range of an upload', () => {
  it.each([
    ['0-9', { start: 0, end: 9 }],
    ['bytes 0-9/10', { start: 0, end: 9 }],
    ['bytes 5-9/*', { start: 5, end: 9 }],
    ['bytes=5-9', { start: 5, end: 9 }],
    ['9-0', undefined],
    ['-5', undefined],
    ['a-b', undefined],
    ['', undefined],
    ['99999999999999999999-99999999999999999999', undefined],
  ])('%j', (header, range) => {
    expect(parseContentRange(header)).toEqual(range)
  })
})

describe('pages', () => {
  it('give every item once, in order', () => {
    const list = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,5}$/)).map(items => items.sort())
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 7 }), (items, n) => {
        const seen: string[] = []
        let last: string | undefined
        do {
          const page = pageOf(items, { n, last })
          expect(page.items.length).toBeLessThanOrEqual(n)
          seen.push(...page.items)
          last = page.next
        } while (last !== undefined)
        expect(seen).toEqual(items)
      }),
    )
  })

  it('go on after a name that is gone', () => {
    expect(pageOf(['a', 'c', 'd'], { n: 1, last: 'b' })).toEqual({ items: ['c'], next: 'c' })
    expect(pageOf(['a', 'c'], { n: undefined, last: 'z' })).toEqual({ items: [], next: undefined })
    expect(pageOf(['a'], { n: 0, last: undefined })).toEqual({ items: [], next: undefined })
  })

  it.each([
    [null, undefined],
    ['5', 5],
    ['0', 0],
    ['-1', 'bad'],
    ['x', 'bad'],
    ['', 'bad'],
    ['1.5', 'bad'],
  ])('n=%j', (text, count) => {
    expect(parseCount(text)).toBe(count)
  })
})
