import { matchesGlob } from 'node:path/posix'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGlobs } from '../../../registry/auth/glob.ts'
import { compileGlob } from '../../fakes/compile-glob.ts'
import { cpuTime } from '../../fakes/cpu-time.ts'
import { expandingGlob } from '../../fakes/expanding-glob.ts'

const matches = (pattern: string, name: string): boolean | undefined => compileGlob(pattern)?.(name)

describe('globs', () => {
  it.each([
    ['**', 'a/b/c', true],
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['ci/**', 'ci/a/b', true],
    ['ci/**', 'ci', true],
    ['ci/**', 'cix/a', false],
    ['ci/*', 'ci/a/b', false],
    ['**/x', 'x', true],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a**', 'abc', true],
    ['a**', 'a/b', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['v[0-9]', 'v7', true],
    ['v[^0-9]', 'v7', false],
    ['v[!a]', 'vb', true],
    ['{dev,prod}/*', 'prod/app', true],
    ['{a,b{c,d}}', 'bd', true],
    ['{a/b,c}/d', 'a/b/d', true],
    ['a{,b}', 'a', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a.b', 'axb', false],
    ['(a|b)', 'a', false],
    ['', 'a', false],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(matches(pattern, name) ?? false).toBe(expected)
  })

  it.each(['{a', 'a}', '[a', '[]', 'a\\', '[z-a]', '{a,b}'.repeat(20), 'a'.repeat(2000)])(
    '%s is no pattern',
    pattern => {
      expect(compileGlob(pattern)).toBeUndefined()
    },
  )

  it('agrees with another implementation', () => {
    const piece = fc.constantFrom('a', 'b', 'ab', '*', '?', '[ab]', '[!a]', '{a,b}', '{ab,b*}')
    const component = fc.oneof(
      { weight: 1, arbitrary: fc.constant('**') },
      { weight: 4, arbitrary: fc.array(piece, { minLength: 1, maxLength: 4 }).map(list => list.join('')) },
    )
    const segment = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
      .map(list => list.join(''))
    const path = (part: fc.Arbitrary<string>) =>
      fc.array(part, { minLength: 1, maxLength: 4 }).map(list => list.join('/'))
    fc.assert(
      fc.property(path(component), path(segment), (pattern, name) => {
        // The two differ about `**` glued to other text and about `a/**` for `a` itself.
        fc.pre(!/[^/]\*\*|\*\*[^/]/.test(pattern) && !pattern.endsWith('/**'))
        expect(matches(pattern, name)).toBe(matchesGlob(name, pattern))
      }),
      { numRuns: 1000 },
    )
  })

  it('say what the written out alternatives say, also where a component is put together from several', () => {
    const piece = fc.constantFrom(
      ...['a', 'b', '*', '**', '?', '/', '/', ',', '.', '\\*', '\\a', '[ab]', '[!a]', '[^b-c]'],
      ...['{a,b}', '{**,*}/', '{*,a}*', '{,/**}', '{a/,b}', 'a{/**,}', '{{a,b},c}', '{}', '{', '}'],
    )
    const pattern = fc.array(piece, { minLength: 1, maxLength: 8 }).map(list => list.join(''))
    const name = fc
      .array(fc.constantFrom('a', 'b', 'c', '/', '.', '*', '-', 'é'), { maxLength: 8 })
      .map(list => list.join(''))
    const names = fc.array(name, { minLength: 3, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 4 }), names, (patterns, asked) => {
        const known = patterns.filter(one => {
          const expected = expandingGlob(one)
          expect(compileGlob(one) !== undefined, one).toBe(expected !== undefined)
          return expected
        })
        const together = compileGlobs(known)
        for (const one of asked) {
          const expected = known.flatMap((text, index) => (expandingGlob(text)?.(one) ? [index] : []))
          expect(together?.matching(one), JSON.stringify({ known, one })).toEqual(expected)
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('are undefined together when one of them is none', () => {
    expect(compileGlobs(['a', '[b'])).toBeUndefined()
    expect(compileGlobs([])?.matching('a')).toEqual([])
  })

  it('takes no longer for patterns made to be slow', () => {
    const slow = compileGlob(`${'*a'.repeat(100)}b`)
    const deep = compileGlob(`${'**/a*/'.repeat(40)}b`)
    const spent = cpuTime(() => {
      expect(slow?.('a'.repeat(255))).toBe(false)
      expect(deep?.('a/'.repeat(120))).toBe(false)
    })
    expect(spent).toBeLessThan(1000)
  })
})
