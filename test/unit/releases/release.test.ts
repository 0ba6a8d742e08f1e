import { describe, expect, it } from 'vitest'
import { limitedUntil } from '../../../core/platform/web.ts'
import { compareVersions, isVersion } from '../../../core/platform/zot-version.ts'
import { parseNextPage, parseRelease } from '../../../core/releases/github.ts'
import { assetName } from '../../../core/releases/release.ts'
import { parseChecksum } from '../../../core/releases/trust.ts'

describe('versions', () => {
  it('are of one form', () => {
    for (const good of ['v2.1.15', 'v0.0.0', 'v10.20.30']) expect(isVersion(good)).toBe(true)
    for (const bad of ['2.1.15', 'v2.1', 'v2.1.15-rc1', 'v2.1.15\n', 'v2.1.1.1', '../v2.1.15', ''])
      expect(isVersion(bad)).toBe(false)
  })

  it('are compared by number', () => {
    const sorted = ['v2.1.20', 'v2.1.9', 'v2.10.0', 'v2.1.10', 'v1.99.99'].sort(compareVersions)
    expect(sorted).toEqual(['v1.99.99', 'v2.1.9', 'v2.1.10', 'v2.1.20', 'v2.10.0'])
    expect(compareVersions('v2.1.15', 'v2.1.15')).toBe(0)
  })

  it('have a program for some machines', () => {
    expect(assetName({ platform: 'darwin', arch: 'arm64' })).toBe('zot-darwin-arm64')
    expect(assetName({ platform: 'linux', arch: 'x64' })).toBe('zot-linux-amd64')
    expect(assetName({ platform: 'win32', arch: 'x64' })).toBeUndefined()
    expect(assetName({ platform: 'linux', arch: 'riscv64' })).toBeUndefined()
  })
})

describe('checksums.sha256.txt', () => {
  const digest = 'AB'.repeat(32)
  const text = `${'c'.repeat(64)} *zot-linux-amd64-minimal\r\n${digest} *zot-linux-amd64\n${'d'.repeat(64)}  zli\nnoise\n`
  it('is read by whole names', () => {
    expect(parseChecksum(text, 'zot-linux-amd64')).toBe(digest.toLowerCase())
    expect(parseChecksum(text, 'zot-linux-amd64-minimal')).toBe('c'.repeat(64))
    expect(parseChecksum(text, 'zli')).toBe('d'.repeat(64))
    expect(parseChecksum(text, 'zot')).toBeUndefined()
    expect(parseChecksum('<html>', 'zot')).toBeUndefined()
  })
})

describe('a release of the list', () => {
  it('keeps what is needed and nothing that is malformed', () => {
    const asset = {
      name: 'zot-linux-amd64',
      size: 5,
      browser_download_url: 'https://x/y',
      digest: 'sha256:short',
    }
    const file = { ...asset, browser_download_url: 'file:///etc/passwd' }
    expect(
      parseRelease({ tag_name: 'v2.1.1', body: null, assets: [asset, file, { ...asset, size: -1 }, 3] }),
    ).toEqual({
      version: 'v2.1.1',
      publishedAt: 0,
      notes: '',
      draft: false,
      prerelease: false,
      assets: [{ name: 'zot-linux-amd64', bytes: 5, url: 'https://x/y' }],
    })
  })

  it('is followed by the next page', () => {
    const link =
      '<https://a/?page=1>; rel="prev", <https://a/?page=3>; rel="next", <https://a/?page=9>; rel="last"'
    expect(parseNextPage(link)).toBe('https://a/?page=3')
    expect(parseNextPage('<https://a/>; rel="last"')).toBeUndefined()
    expect(parseNextPage(undefined)).toBeUndefined()
  })
})

describe('a rate limit', () => {
  const now = Date.UTC(2026, 2, 1)
  const until = (status: number, headers: Record<string, string>) => limitedUntil({ status, headers }, now)
  it('ends when the answer says so', () => {
    const used = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 90) }
    expect(until(403, used)).toBe(now + 90_000)
    expect(until(429, { 'retry-after': '30' })).toBe(now + 30_000)
    expect(until(403, { 'retry-after': new Date(now + 60_000).toUTCString() })).toBe(now + 60_000)
  })

  it('ends within a minute or a day where the answer says nothing that makes sense', () => {
    expect(until(429, {})).toBe(now + 60_000)
    expect(until(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '5' })).toBe(now + 60_000)
    expect(until(429, { 'retry-after': 'soon' })).toBe(now + 60_000)
    expect(until(429, { 'retry-after': '999999999' })).toBe(now + 24 * 3600_000)
  })

  it('is none of the other answers', () => {
    expect(until(403, { 'x-ratelimit-remaining': '12' })).toBeUndefined()
    expect(until(200, { 'x-ratelimit-remaining': '0' })).toBeUndefined()
    expect(until(503, { 'retry-after': '30' })).toBeUndefined()
  })
})
