import { expect, it } from 'vitest'
import { isDotSegment, referencePath } from '../../../core/platform/reference-path.ts'

it.each([
  ['v1.2_3-x', 'v1.2_3-x'],
  [`sha256:${'0'.repeat(64)}`, `sha256:${'0'.repeat(64)}`],
  ['-x', '-x'],
  ["a:b@c+d'e;f", "a:b@c+d'e;f"],
  // zot has a tag as it stood in the path.
  ['a%2Fb', 'a%2Fb'],
  ['%zz', '%25zz'],
  ['50%', '50%25'],
  ['a/b?c#d', 'a%2Fb%3Fc%23d'],
  ['a b\n"<ä', 'a%20b%0A%22%3C%C3%A4'],
  ['\ud800', '%EF%BF%BD'],
])('%j stands in a path as %s', (tag, path) => {
  expect(referencePath(tag)).toBe(path)
  expect(new URL(`http://x/v2/a/manifests/${path}`).pathname).toBe(`/v2/a/manifests/${path}`)
})

it('knows what leads up in a path', () => {
  expect(['.', '..', '%2e%2E', '.%2e'].every(isDotSegment)).toBe(true)
  expect(['...', '.x', 'v1', '%2e%2ex'].some(isDotSegment)).toBe(false)
})
