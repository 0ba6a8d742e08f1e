import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { embeddedVersion } from '../../../core/releases/program-version.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-embedded-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function program(...parts: (string | number)[]): string {
  const file = join(folder, 'zot')
  const bytes = parts.map(part => (typeof part === 'number' ? Buffer.alloc(part, 0xe9) : Buffer.from(part)))
  writeFileSync(file, Buffer.concat(bytes))
  return file
}

it.each([0, 12, (1 << 20) - 10, (1 << 20) * 2 - 3])(
  'finds what the build put in after %d bytes',
  async before => {
    const file = program(before, 'v2.1.15-0-g0123456789abcdef', 5000)
    expect(await embeddedVersion(file)).toBe('v2.1.15')
  },
)

it('takes the same version twice, and neither of two', async () => {
  expect(await embeddedVersion(program('v2.1.13-0-gabcdef0', 9, 'v2.1.13-0-gabcdef0'))).toBe('v2.1.13')
  expect(await embeddedVersion(program('v2.1.13-0-gabcdef0', 9, 'v2.1.15-0-gabcdef1'))).toBeUndefined()
})

it('knows nothing of other bytes, and of no file', async () => {
  expect(await embeddedVersion(program('v0.0.0-20240101120000-abcdef012345', 99))).toBeUndefined()
  expect(await embeddedVersion(join(folder, 'nowhere'))).toBeUndefined()
})
