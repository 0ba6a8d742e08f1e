import fc from 'fast-check'
import { expect, it } from 'vitest'
import { nestsDeeper } from '../../../registry/oci/json.ts'

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

it('tells the depth of JSON without parsing it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 6 }), (value, limit) => {
      const bytes = Buffer.from(JSON.stringify(value))
      expect(nestsDeeper(bytes, limit)).toBe(depthOf(value) > limit)
    }),
  )
})

it.each([
  ['[[[[', 3, true],
  ['"[[[["', 3, false],
  ['"\\"[[[["', 3, false],
  ['"\\\\"[[[[', 3, true],
  ['[][][][][]', 1, false],
])('%s deeper than %d: %s', (text, limit, deeper) => {
  expect(nestsDeeper(Buffer.from(text), limit)).toBe(deeper)
})
