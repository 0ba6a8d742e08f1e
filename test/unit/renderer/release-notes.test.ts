import { expect, it } from 'vitest'
import { blocksOf } from '../../../renderer/views/release-notes.tsx'

it('reads heads, lists and paragraphs, and leaves nothing that could become markup or a link', () => {
  const notes = [
    '<!-- Release notes generated -->',
    "## What's **Changed**",
    '* fix: `latest` by [@a](https://example.net/a) in #1',
    '- build: go',
    '',
    '![badge](https://example.net/b.svg) <script>alert(1)</script>',
  ].join('\r\n')
  expect(blocksOf(notes)).toEqual([
    { kind: 'head', text: "What's Changed" },
    { kind: 'list', items: ['fix: latest by @a in #1', 'build: go'] },
    { kind: 'text', text: 'badge <script>alert(1)</script>' },
  ])
  expect(blocksOf('')).toEqual([])
})
