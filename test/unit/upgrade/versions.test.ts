import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyProgram } from '../../../core/releases/copy-file.ts'
import type { Release } from '../../../core/releases/release.ts'
import type { UpgradeDeps } from '../../../core/upgrade/deps.ts'
import { createLibrary, type Library } from '../../../core/upgrade/library.ts'
import { downloadStep } from '../../../core/upgrade/obtain-steps.ts'
import { findTarget } from '../../../core/upgrade/upgrade-request.ts'
import { releaseRows } from '../../../core/upgrade/versions.ts'

let home: string
let library: Library
const betweenReleases = 'v2.1.20-25-g6d19b445'
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-versions-'))
  library = createLibrary(home)
  for (const version of ['v2.1.15', betweenReleases]) {
    mkdirSync(join(library.folder, version), { recursive: true })
    writeFileSync(join(library.folder, version, 'zot'), version)
    const label = { version, sha256: sha256(version), from: '/x', at: 1 }
    writeFileSync(join(library.folder, version, 'label.json'), JSON.stringify(label))
  }
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const release = (version: string): Release => ({
  version,
  publishedAt: 1,
  notes: '',
  draft: false,
  prerelease: false,
  asset: { name: 'zot', url: `https://x.example/${version}`, bytes: 7, digest: `sha256:${sha256(version)}` },
})
const listed = [release('v2.1.21'), release('v2.1.15')]

describe('the versions', () => {
  const options = () => ({ library, running: betweenReleases, findings: async () => [] })

  it('are those of the list, with what is here and in no list in its place', async () => {
    const rows = await releaseRows(listed, options())
    expect(rows.map(({ version, installed, running }) => [version, installed, running])).toEqual([
      ['v2.1.21', false, false],
      [betweenReleases, true, true],
      ['v2.1.15', true, false],
    ])
    expect(rows[0]?.older).toBe(false)
    expect(rows[2]?.older).toBe(true)
  })

  it('are those that are here where no list can be had', async () => {
    const rows = await releaseRows([], options())
    expect(rows.map(({ version }) => version)).toEqual([betweenReleases, 'v2.1.15'])
  })

  it('that no list names are taken from here', async () => {
    const deps = {
      library,
      releases: { list: async () => ({ ok: true, value: { releases: listed, asOf: 1, from: 'network' } }) },
      settings: { get: () => '' },
      current: () => ({}),
      running: () => 'v2.1.15',
    } as unknown as Parameters<typeof findTarget>[1]
    const request = { to: betweenReleases, dryRun: true, undo: false, yes: true, allowDowngrade: false }
    expect(await findTarget(request, deps)).toMatchObject({
      ok: true,
      value: { version: betweenReleases, source: join(library.folder, betweenReleases, 'zot') },
    })
  })

  it('that are here with the digest of the list are not downloaded again', async () => {
    const work = join(home, 'upgrades', '1')
    const deps = {
      home,
      library,
      releases: {
        find: async (version: string) => ({ ok: true, value: release(version) }),
        fromFile: (path: string, request: Parameters<typeof copyProgram>[1]) =>
          copyProgram(path, request, 1000),
        download: async () => ({ ok: false, error: { code: 'bad-url', url: '', reason: 'asked' } }),
      },
    } as unknown as UpgradeDeps
    const step = downloadStep(deps)
    const memory = { work, version: 'v2.1.15', undo: false } as Parameters<typeof step.apply>[0]['memory']
    const context = { memory, signal: new AbortController().signal, progress() {}, ask: async () => true }
    expect((await step.apply(context)).ok).toBe(true)
    expect(memory.got).toMatchObject({ origin: 'release', version: 'v2.1.15', sha256: sha256('v2.1.15') })
    // One that was changed since is no longer what the list names.
    writeFileSync(join(library.folder, 'v2.1.15', 'zot'), 'another')
    expect(await step.apply(context)).toMatchObject({ ok: false, error: { code: 'bad-url' } })
  })
})
