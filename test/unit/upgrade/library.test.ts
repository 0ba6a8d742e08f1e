import { lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Release } from '../../../core/releases/release.ts'
import { createLibrary } from '../../../core/upgrade/library.ts'
import { newestRelease, previousVersion } from '../../../core/upgrade/versions.ts'
import { sha256Of } from '../../../lib/hash-file.ts'
import { smallVolume } from '../../fakes/small-volume.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-library-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const file = (path: string, text: string): string => {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text, { mode: 0o700 })
  return path
}
const staged = (name: string, text: string): string => {
  file(join(home, 'upgrades', name, 'zot'), text)
  return join(home, 'upgrades', name)
}

describe('the programs of the app', () => {
  it('lie by version, and by digest where a version has other bytes', async () => {
    const library = createLibrary(home)
    const put = async (name: string, text: string) => {
      const folder = staged(name, text)
      const sha256 = await sha256Of(join(folder, 'zot'))
      return library.add(folder, { version: 'v2.1.15', sha256, from: 'a file', at: 1 })
    }
    const first = await put('one', 'one')
    expect(first).toMatchObject({ name: 'v2.1.15', version: 'v2.1.15' })
    expect(await put('again', 'one')).toEqual(first)
    const other = await put('two', 'two')
    expect(other.name).toMatch(/^v2\.1\.15\+[0-9a-f]{12}$/)
    expect((await library.list()).map(({ name }) => name).sort()).toEqual(['v2.1.15', other.name])
  })

  it('are reached by a link that is turned in one step', async () => {
    const library = createLibrary(home)
    for (const name of ['v2.1.13', 'v2.1.15']) file(join(library.folder, name, 'zot'), name)
    await library.activate('v2.1.13')
    expect(await readFile(library.program, 'utf8')).toBe('v2.1.13')
    const inode = lstatSync(join(library.folder, 'current')).ino
    await library.activate('v2.1.13')
    expect(lstatSync(join(library.folder, 'current')).ino).toBe(inode)
    await library.activate('v2.1.15')
    expect(readlinkSync(join(library.folder, 'current'))).toBe('v2.1.15')
    expect(await library.activeProgram()).toContain('v2.1.15')
  })

  it('hold a copy of one that lies elsewhere, also behind a link, and take no copy of their own', async () => {
    const library = createLibrary(home)
    const real = file(join(home, 'cellar', 'zot'), 'elsewhere')
    const link = join(home, 'zot')
    symlinkSync(real, link)
    const kept = await library.preserve(link, 'v2.1.13', 1)
    expect(kept).toMatchObject({ name: 'v2.1.13', version: 'v2.1.13' })
    expect(await readFile(kept.path, 'utf8')).toBe('elsewhere')
    expect(lstatSync(kept.path).mode & 0o777).toBe(0o700)
    expect(await library.preserve(kept.path, 'v2.1.13', 2)).toEqual(kept)
    expect((await library.preserve(link, undefined, 1)).version).toMatch(/^unknown-/)
  })

  it('leave nothing of a copy for which there was no room', async () => {
    const small = smallVolume(join(home, 'volume'), '64k')
    if (!small.mounted) return
    const library = createLibrary(join(home, 'volume'))
    const copied = library.preserve(file(join(home, 'zot'), 'z'.repeat(100_000)), 'v2.1.13', 1)
    expect(await copied.catch((error: NodeJS.ErrnoException) => error.code)).toBe('ENOSPC')
    const left = [readdirSync(join(home, 'volume', 'upgrades')), await library.list()]
    small.unmount()
    expect(left).toEqual([[], []])
  })

  it('remember what failed and what was before', async () => {
    const library = createLibrary(home)
    file(join(library.folder, 'v2.1.13', 'zot'), 'old')
    expect(await previousVersion(library)).toBeUndefined()
    await library.setPrevious(['v2.1.13', 'v2.1.14'])
    expect((await previousVersion(library))?.version).toBe('v2.1.13')
    await library.markBad('v2.1.15', { at: 1, reason: 'It did not stay up.', sha256: 'ab' })
    const releases = ['v2.1.14', 'v2.1.15', 'v2.1.9'].map(
      version => ({ version, draft: false, prerelease: false, asset: {} }) as Release,
    )
    expect(newestRelease(releases, {})).toBe('v2.1.15')
    expect(newestRelease(releases, await library.bad())).toBe('v2.1.14')
    await library.clearBad('v2.1.15')
    expect(await library.bad()).toEqual({})
    file(join(library.folder, 'bad.json'), '{')
    expect(await library.bad()).toEqual({})
  })
})
