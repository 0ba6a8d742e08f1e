import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  emptyIndex,
  type LayoutIndex,
  parseIndex,
  printIndex,
  withManifest,
  withoutDigest,
  withoutTag,
} from '../../../registry/oci/layout-index.ts'
import { digestText } from '../../suites/image.ts'

const described = (text: string) => ({ digest: digestText(text), mediaType: 'm', size: text.length })
const tags = (index: LayoutIndex) =>
  new Map(index.entries.flatMap(({ tag, digest }) => (tag === undefined ? [] : [[tag, digest] as const])))

const content = fc.constantFrom('a', 'b', 'c')
const tag = fc.constantFrom('x', 'y', 'z')
const step = fc.oneof(
  fc.record({ do: fc.constant('put' as const), content, tag: fc.option(tag, { nil: undefined }) }),
  fc.record({ do: fc.constant('untag' as const), tag }),
  fc.record({ do: fc.constant('delete' as const), content }),
)

it('behaves like a map of tags and a set of manifests, and survives printing', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), steps => {
      let index = emptyIndex
      const expected = new Map<string, string>()
      const known = new Set<string>()
      for (const one of steps) {
        if (one.do === 'put') {
          index = withManifest(index, described(one.content), one.tag)
          known.add(digestText(one.content))
          if (one.tag !== undefined) expected.set(one.tag, digestText(one.content))
        } else if (one.do === 'untag') {
          index = withoutTag(index, one.tag)
          expected.delete(one.tag)
        } else {
          const digest = digestText(one.content)
          index = withoutDigest(index, digest)
          known.delete(digest)
          for (const [name, of] of expected) if (of === digest) expected.delete(name)
        }
        const read = parseIndex(printIndex(index))
        if (!read) throw new Error('unreadable')
        expect(tags(read)).toEqual(expected)
        expect(new Set(read.entries.map(entry => entry.digest))).toEqual(known)
        // One descriptor per tag; without a tag only where no tag names the manifest.
        for (const digest of known) {
          const of = read.entries.filter(entry => entry.digest === digest)
          expect(of.filter(entry => entry.tag === undefined).length).toBe(
            of.some(entry => entry.tag !== undefined) ? 0 : 1,
          )
        }
      }
    }),
  )
})

it('is the same object when nothing changes', () => {
  const index = withManifest(emptyIndex, described('a'), 'x')
  expect(withManifest(index, described('a'), 'x')).toBe(index)
  expect(withManifest(index, described('a'), undefined)).toBe(index)
  expect(withoutTag(index, 'y')).toBe(index)
  expect(withoutDigest(index, digestText('b'))).toBe(index)
})

it.each(['', '[]', 'null', '"x"', '{"manifests":{}}', '{"manifests":[}', '{"manifests":"x"}'])(
  '%j is no index',
  text => {
    expect(parseIndex(text)).toBeUndefined()
  },
)

it("reads zot's new repository", () => {
  expect(parseIndex('{"schemaVersion":2,"manifests":null}')).toEqual({
    rest: { schemaVersion: 2 },
    entries: [],
  })
})
