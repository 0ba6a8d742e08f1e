import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fakeClock } from '../../fakes/clock.ts'
import { type ReleaseServer, startReleaseServer } from '../../fakes/release-server.ts'
import { releasesAt } from './at.ts'

let home: string
let server: ReleaseServer
const machine = { platform: 'linux', arch: 'x64' } as const
const day = 24 * 3600_000

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-releases-'))
  server = await startReleaseServer()
  server.put('v2.1.13', { assets: [{ name: 'zot-linux-amd64', data: 'old' }] })
  server.put('v2.1.15', {
    notes: 'x'.repeat(30_000),
    assets: [
      { name: 'zot-linux-amd64', data: 'new' },
      { name: 'zot-linux-amd64-minimal', data: 'small' },
      { name: 'zot-darwin-arm64', data: 'mac', digest: null },
      { name: 'checksums.sha256.txt', data: 'sums' },
    ],
  })
})
afterEach(async () => {
  await server.close()
  await rm(home, { recursive: true, force: true })
})
const releases = (more: Parameters<typeof releasesAt>[2] = {}) =>
  releasesAt(home, server.url, { machine, ...more })

describe('the list of releases', () => {
  it('has the newest first, with what this machine needs', async () => {
    const listed = await releases().list()
    expect(listed).toMatchObject({
      ok: true,
      value: {
        from: 'network',
        releases: [
          {
            version: 'v2.1.15',
            publishedAt: Date.UTC(2026, 2, 7, 10),
            asset: { name: 'zot-linux-amd64', bytes: 3, digest: expect.stringMatching(/^sha256:/) },
            checksums: { name: 'checksums.sha256.txt' },
          },
          { version: 'v2.1.13' },
        ],
      },
    })
    if (listed.ok) expect(listed.value.releases[0]?.notes).toHaveLength(20_000)
  })

  it('has no program where none is built, and no digest where none is told', async () => {
    const mac = await releases({ machine: { platform: 'darwin', arch: 'arm64' } }).list()
    expect(mac).toMatchObject({ value: { releases: [{ asset: { name: 'zot-darwin-arm64' } }, {}] } })
    if (!mac.ok) return
    expect(mac.value.releases[0]?.asset?.digest).toBeUndefined()
    expect(mac.value.releases[1]?.asset).toBeUndefined()
  })

  it('leaves out what is no version, and marks drafts and prereleases', async () => {
    server.put('v2.2.0-rc1', { assets: [] })
    server.put('nightly', { assets: [] })
    server.put('v2.2.0', { assets: [], prerelease: true })
    server.put('v2.3.0', { assets: [], draft: true })
    const listed = await releases().list()
    expect(listed).toMatchObject({
      value: {
        releases: [
          { version: 'v2.3.0', draft: true },
          { version: 'v2.2.0', prerelease: true, draft: false },
          { version: 'v2.1.15', prerelease: false },
          { version: 'v2.1.13' },
        ],
      },
    })
  })

  it('goes on from page to page, and asks for none twice that has not changed', async () => {
    server.perPage = 1
    const first = releases()
    expect(await first.list()).toMatchObject({ value: { releases: [{}, {}] } })
    expect(server.asked.map(({ status }) => status)).toEqual([200, 200])
    expect(await first.list()).toMatchObject({ value: { from: 'network', releases: [{}, {}] } })
    // Another start of the app knows them from the disk.
    expect(await releases().list()).toMatchObject({ value: { from: 'network', releases: [{}, {}] } })
    expect(server.asked.slice(2).map(({ status }) => status)).toEqual([304, 304, 304, 304])
  })

  it('is asked for once when two ask at the same time', async () => {
    const both = releases()
    await Promise.all([both.list(), both.list()])
    expect(server.asked).toHaveLength(1)
  })

  it('is the last known one, with the reason, when the network fails', async () => {
    const clock = fakeClock()
    await releases({ clock }).list()
    await clock.advance(day)
    await server.close()
    expect(await releases({ clock }).list()).toMatchObject({
      ok: true,
      value: {
        from: 'cache',
        asOf: clock.now() - day,
        releases: [{ version: 'v2.1.15' }, {}],
        trouble: { code: 'web-unreachable', cause: 'refused' },
      },
    })
  })

  it('is not that of another address', async () => {
    await releases().list()
    const other = await startReleaseServer()
    expect(await releasesAt(home, other.url).cached()).toBeUndefined()
    await other.close()
  })

  it('is cached for the user alone, and begun anew when the cache is broken', async () => {
    await releases().list()
    const file = join(home, 'cache', 'releases.json')
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ base: server.url })
    await writeFile(file, '{"half')
    expect(await releases().cached()).toBeUndefined()
    expect(await releases().list()).toMatchObject({ value: { from: 'network' } })
  })

  it.each([
    ['a page', 200, '<html>sign in</html>', { code: 'web-not-understood', reason: 'it is not JSON' }],
    ['something else', 200, '{"a":1}', { code: 'web-not-understood' }],
    ['an error', 500, '', { code: 'web-refused', status: 500 }],
    ['a plain 403', 403, '{}', { code: 'web-refused', status: 403 }],
  ])('says so when the answer is %s', async (_, status, body, error) => {
    server.failApi({ status, body })
    expect(await releases().list()).toMatchObject({ ok: false, error })
  })

  it('skips what is malformed in it', async () => {
    server.failApi({ status: 200, body: '[null, {"tag_name": 3}, {"tag_name": "v2.1.1", "assets": [7]}]' })
    expect(await releases().list()).toMatchObject({ value: { releases: [{ version: 'v2.1.1' }] } })
  })

  it('can be cancelled', async () => {
    const cancel = new AbortController()
    cancel.abort()
    expect(await releases().list({ signal: cancel.signal })).toEqual({
      ok: false,
      error: { code: 'cancelled' },
    })
  })
})

describe('a rate limit', () => {
  it.each([
    [
      'used up',
      403,
      (at: number) => ({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(at / 1000) }),
    ],
    ['retry-after', 429, () => ({ 'retry-after': '600' })],
  ])('%s is kept to, and told with its end', async (_, status, headers) => {
    const clock = fakeClock()
    const until = clock.now() + 600_000
    const first = releases({ clock })
    await first.list()
    server.failApi({ status, headers: headers(until) }, 1)
    const limited = { code: 'web-limited', until }
    expect(await first.list()).toMatchObject({ value: { from: 'cache', trouble: limited } })
    expect(await releases({ clock }).list()).toMatchObject({ value: { from: 'cache', trouble: limited } })
    expect(server.asked).toHaveLength(2)
    await clock.advance(600_001)
    expect(await releases({ clock }).list()).toMatchObject({ value: { from: 'network' } })
  })

  it('is a failure where nothing is known yet, and lasts a day at most', async () => {
    const clock = fakeClock()
    server.failApi({ status: 429, headers: { 'retry-after': '99999999' } })
    expect(await releases({ clock }).list()).toEqual({
      ok: false,
      error: { code: 'web-limited', url: expect.any(String), until: clock.now() + day },
    })
  })
})

describe('one version', () => {
  it('is found in the list, or by its tag', async () => {
    const all = releases()
    expect(await all.find('v2.1.13')).toMatchObject({ ok: true, value: { version: 'v2.1.13' } })
    server.failApi({ status: 200, body: '[]' }, 1)
    expect(await all.find('v2.1.13')).toMatchObject({ ok: true, value: { asset: { bytes: 3 } } })
  })

  it('is asked for by a version alone', async () => {
    expect(await releases().find('../../../user')).toMatchObject({ error: { code: 'release-not-found' } })
    expect(server.asked).toEqual([])
  })

  it('that there is not', async () => {
    expect(await releases().find('v9.9.9')).toMatchObject({
      ok: false,
      error: { code: 'release-not-found', version: 'v9.9.9' },
    })
  })
})

describe('the daily look', () => {
  it('is due once a day, never soon after a start, and not while a limit lasts', async () => {
    const clock = fakeClock()
    const all = releases({ clock })
    expect(await all.due(clock.now())).toBe(false)
    await clock.advance(10 * 60_000)
    expect(await all.due(clock.now())).toBe(true)
    await all.list()
    expect(await all.due(clock.now())).toBe(false)
    await clock.advance(day)
    expect(await all.due(clock.now())).toBe(true)
    server.failApi({ status: 429, headers: { 'retry-after': '86400' } })
    await all.list()
    await clock.advance(day - 1)
    expect(await all.due(clock.now())).toBe(false)
    await clock.advance(2)
    expect(await all.due(clock.now())).toBe(true)
  })

  it('is never due when the user does not want it', async () => {
    const clock = fakeClock()
    const all = releases({ clock, check: false })
    await clock.advance(2 * day)
    expect(await all.due(clock.now())).toBe(false)
  })
})
