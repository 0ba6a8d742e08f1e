import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { appVersion } from '../../../lib/app-version.ts'
import { readBuild, thisBuild } from '../../../lib/build.ts'

let dist: string
beforeEach(() => {
  dist = mkdtempSync(join(tmpdir(), 'zotbar-build-'))
  mkdirSync(join(dist, 'chunks'))
  writeFileSync(join(dist, 'chunks', 'a.mjs'), '')
})
afterEach(() => rmSync(dist, { recursive: true, force: true }))

it('is the one that is written above the bundle', () => {
  const written = { build: '0123456789abcdef', version: '9.9.9', registry: 'ab' }
  writeFileSync(join(dist, 'build.json'), JSON.stringify(written))
  expect(readBuild(join(dist, 'chunks', 'a.mjs'))).toEqual(written)
})

it('is called source where the sources run', () => {
  expect(thisBuild()).toEqual({ build: 'source', version: appVersion() })
})

it('never goes on with a bundle whose build is not known', () => {
  expect(() => readBuild(join(dist, 'chunks', 'a.mjs'))).toThrow(/build\.json/)
  writeFileSync(join(dist, 'build.json'), '{"build":1}')
  expect(() => readBuild(join(dist, 'chunks', 'a.mjs'))).toThrow(/not of a build/)
})
