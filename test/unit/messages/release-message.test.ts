import { describe, expect, it } from 'vitest'
import type { ManifestFault, ReleaseFailure, WebCause } from '../../../contract/failure.ts'
import { failureMessage } from '../../../contract/messages/failure-message.ts'

const url = 'https://api.github.com/repos/project-zot/zot/releases'
const path = '/home/a/engines/zot'
const causes: WebCause[] = ['no-network', 'name', 'refused', 'proxy', 'silent', 'cut', 'certificate', 'other']
const at = Date.UTC(2026, 2, 8)
const faults: ManifestFault[] = [
  { kind: 'missing' },
  { kind: 'key-unusable' },
  { kind: 'signature' },
  { kind: 'not-understood', reason: 'it is not JSON' },
  { kind: 'another-version', version: 'v2.1.13' },
  { kind: 'expired', at },
  { kind: 'not-yet', at },
  { kind: 'replayed', at, newest: at + 1 },
  { kind: 'not-named', asset: 'zot-linux-amd64' },
  { kind: 'differs', asset: 'zot-linux-amd64', sha256: 'a', bytes: 3 },
]
const failures: ReleaseFailure[] = [
  ...causes.map(cause => ({ code: 'web-unreachable', url, cause, reason: 'nothing listens there' }) as const),
  ...faults.map(fault => ({ code: 'manifest-refused', version: 'v2.1.15', fault }) as const),
  { code: 'web-limited', url, until: at },
  { code: 'web-refused', url, status: 404 },
  { code: 'web-refused', url, status: 500 },
  { code: 'web-not-understood', url, reason: 'it is not JSON' },
  { code: 'web-redirect-refused', url, to: 'http://x/', why: 'unsafe' },
  { code: 'web-redirect-refused', url, to: 'http://x/', why: 'too-many' },
  { code: 'web-too-large', url, limit: 300_000_000 },
  { code: 'bad-url', url: 'x', reason: 'it is no address' },
  { code: 'release-not-found', version: 'v9.9.9', url },
  { code: 'release-not-built-for', version: 'v2.1.15', asset: 'zot-darwin-arm64' },
  { code: 'download-broken', url, bytes: 5, of: 10, reason: 'it ended early' },
  { code: 'download-broken', url, bytes: 5, reason: 'it ended early' },
  { code: 'too-large', path, limit: 300_000_000 },
  { code: 'no-space', path, needed: 5, free: 3 },
  { code: 'no-space', path, needed: 5 },
  { code: 'size-differs', path, bytes: 5, listed: 6 },
  {
    code: 'digest-differs',
    name: 'zot',
    claims: [{ source: 'the list of assets', sha256: 'a' }, { source: 'x' }],
  },
  { code: 'not-a-program', path, reason: 'it is a script' },
  { code: 'file-changed', path, expected: 'a', found: 'b' },
  { code: 'version-not-told', path, reason: 'it did not end', version: 'v2.1.10' },
  { code: 'version-not-told', path, reason: 'it did not end' },
  { code: 'version-differs', path, wanted: 'v2.1.15', told: 'v2.1.13' },
]

describe('the failures of a release', () => {
  it.each(failures.map(failure => [failure.code, failure] as const))('%s has words', (_, failure) => {
    const { title, steps } = failureMessage(failure)
    const all = [title, ...steps].join('\n')
    expect(title).toMatch(/^\S.*[^.!]$/)
    expect(steps.length).toBeGreaterThan(0)
    for (const step of steps) expect(step).toMatch(/^\S/)
    expect(all).not.toMatch(/undefined|NaN|\[object|!|successfully|\.\./)
  })

  it('names the host, without what stands before it', () => {
    expect(failureMessage({ code: 'web-limited', url: 'https://a.b:8443/c?d', until: at }).title).toBe(
      'a.b:8443 wants fewer requests',
    )
  })

  it('says that v2.1.10 cannot prove what it is', () => {
    const { steps } = failureMessage({ code: 'version-not-told', path, reason: 'x', version: 'v2.1.10' })
    expect(steps.join(' ')).toContain('v2.1.11')
  })
})
