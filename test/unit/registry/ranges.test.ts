import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isNotModified, isRangeFor } from '../../../registry/http/conditions.ts'
import { parseContentRange, parseRanges } from '../../../registry/oci/range.ts'
import { pageOf, parseCount } from '../../../registry/routes/lists.ts'

/** The bytes that a header asks for, taken literally, as a set of positions. */
function asked(specs: readonly (readonly [number | null, number | null])[], size: number): Set<number> {
  const found = new Set<number>()
  for (const [first, last] of specs) {
    const from = first ?? Math.max(0, size - (last ?? 0))
    const to = first === null ? size - 1 : (last ?? size - 1)
    for (let at = from; at <= Math.min(to, size - 1); at++) found.add(at)
  }
  return found
}

describe('Range', () => {
  const position = fc.option(fc.nat(60))
  const specs = fc.array(fc.tuple(position, position), { minLength: 1, maxLength: 8 })

  it('covers what was asked for, each byte once, within the content', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), specs, (size, list) => {
        const text = list.map(([first, last]) => `${first ?? ''}-${last ?? ''}`).join(',')
        const ranges = parseRanges(`bytes=${text}`, size)
        const isReversed = list.some(([first, last]) => first !== null && last !== null && last < first)
        const isUnreadable = list.some(([first, last]) => first === null && last === null)
        expect(ranges === 'all').toBe(isUnreadable)
        if (ranges === 'unsatisfiable') expect(isReversed || asked(list, size).size === 0).toBe(true)
        if (typeof ranges === 'string') return
        expect(isReversed).toBe(false)
        const positions = ranges.flatMap(({ start, end }) =>
          Array.from({ length: end - start + 1 }, (_, at) => start + at),
        )
        expect(new Set(positions).size).toBe(positions.length)
        expect(positions.sort((a, b) => a - b)).toEqual([...asked(list, size)].sort((a, b) => a - b))
        const sorted = [...ranges].sort((a, b) => a.start - b.start)
        for (const [at, range] of sorted.slice(1).entries())
          expect(range.start).toBeGreaterThan((sorted[at]?.end ?? 0) + 1)
      }),
    )
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), fc.nat(), (text, size) => void parseRanges(`bytes=${text}`, size)))
  })

  it.each([
    ['bytes=0-4', 10, [{ start: 0, end: 4 }]],
    ['bytes=5-', 10, [{ start: 5, end: 9 }]],
    ['bytes=-3', 10, [{ start: 7, end: 9 }]],
    ['bytes=-30', 10, [{ start: 0, end: 9 }]],
    ['bytes=8-100', 10, [{ start: 8, end: 9 }]],
    ['bytes= 1-2 ', 10, [{ start: 1, end: 2 }]],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=5-4', 10, 'unsatisfiable'],
    ['bytes=0-1,5-4', 10, 'unsatisfiable'],
    ['bytes=10-,11-12', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'all'],
    ['bytes=-5', 0, 'all'],
    ['bytes=5-4', 0, 'unsatisfiable'],
    ['items=0-1', 10, 'all'],
    ['bytes=a-b', 10, 'all'],
    ['bytes=0-1,a', 10, 'all'],
    ['bytes=-', 10, 'all'],
    ['bytes=,,', 10, 'all'],
    [undefined, 10, 'all'],
  ])('%s of %d', (header, size, ranges) => {
    expect(parseRanges(header, size)).toEqual(ranges)
  })

  it.each([
    [
      'bytes=6-7,0-1,3-3',
      [
        [6, 7],
        [0, 1],
        [3, 3],
      ],
      'stay in their order',
    ],
    [
      'bytes=0-1,,12-13, 5-6',
      [
        [0, 1],
        [5, 6],
      ],
      'leave out what is beyond the end',
    ],
    [
      'bytes=5-6,0-1,2-3',
      [
        [5, 6],
        [0, 3],
      ],
      'are one where they touch',
    ],
    [
      'bytes=0-5,8-9,3-6',
      [
        [0, 6],
        [8, 9],
      ],
      'are one where they overlap',
    ],
    ['bytes=0-,0-,0-', [[0, 9]], 'are never more than the content'],
  ])('several: %s %s', (header, expected) => {
    expect(parseRanges(header, 10)).toEqual(expected.map(([start, end]) => ({ start, end })))
  })

  it('of more parts than are good for anybody is passed over, fast', () => {
    const parts = (count: number) =>
      `bytes=${Array.from({ length: count }, (_, at) => `${at * 3}-${at * 3}`)}`
    expect(parseRanges(parts(200), 1000)).toHaveLength(200)
    expect(parseRanges(parts(201), 1000)).toBe('all')
    const timeOf = (work: () => unknown): number => {
      const before = performance.now()
      work()
      return performance.now() - before
    }
    const [few, many] = [parts(200), parts(10_000)]
    const often = Array.from({ length: 100 }, () => few)
    expect(parseRanges(many, 1000)).toBe('all')
    expect(timeOf(() => parseRanges(many, 1000))).toBeLessThan(
      timeOf(() => often.map(header => parseRanges(header, 1000))),
    )
  })
})

describe('conditions on a digest', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  it.each([
    [undefined, false],
    [`"${digest}"`, true],
    [`W/"${digest}"`, true],
    [digest, true],
    ['*', true],
    [`"x", W/"y,z" , "${digest}"`, true],
    ['"x", *', true],
    [`"${digest}-gzip"`, false],
    [`"sha256:${'b'.repeat(64)}"`, false],
    ['', false],
    ['"', false],
  ])('If-None-Match: %s', (header, isKnown) => {
    expect(isNotModified(header, digest)).toBe(isKnown)
  })

  it.each([
    [undefined, true],
    [`"${digest}"`, true],
    [`W/"${digest}"`, false],
    ['Tue, 01 Dec 2026 10:00:00 GMT', false],
    ['"other"', false],
  ])('If-Range: %s', (header, counts) => {
    expect(isRangeFor(header, digest)).toBe(counts)
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
