import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ed25519Key } from '../../../core/platform/ed25519.ts'
import { checkManifest, type ManifestCheck } from '../../../core/releases/manifest.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const now = Date.UTC(2026, 2, 10)
const sha256 = 'a'.repeat(64)
const good = {
  version: 'v2.1.15',
  assets: { 'zot-linux-amd64': { sha256, bytes: 1000 } },
  issuedAt: '2026-03-08T00:00:00Z',
  expiresAt: '2026-06-08T00:00:00Z',
}
function check(manifest: unknown, more: Partial<ManifestCheck> = {}) {
  const bytes = Buffer.from(typeof manifest === 'string' ? manifest : JSON.stringify(manifest))
  const result = checkManifest({
    bytes,
    signature: sign(null, bytes, privateKey),
    key: publicKey,
    version: 'v2.1.15',
    asset: 'zot-linux-amd64',
    sha256,
    size: 1000,
    now,
    accepted: {},
    allowDowngrade: false,
    ...more,
  })
  return 'fault' in result ? result.fault : 'accepted'
}

describe('a signed manifest', () => {
  it('is accepted with a signature of 64 bytes, or their base64', () => {
    expect(check(good)).toBe('accepted')
    const signature = sign(null, Buffer.from(JSON.stringify(good)), privateKey)
    expect(check(good, { signature: Buffer.from(`${signature.toString('base64')}\n`) })).toBe('accepted')
  })

  it.each([
    [
      'of another key',
      sign(null, Buffer.from(JSON.stringify(good)), generateKeyPairSync('ed25519').privateKey),
    ],
    ['of other bytes', sign(null, Buffer.from('{}'), privateKey)],
    ['too short', Buffer.alloc(10)],
    ['nothing', Buffer.alloc(0)],
    ['a page', Buffer.from('<html>')],
  ])('is refused with a signature that is %s', (_, signature) => {
    expect(check(good, { signature })).toEqual({ kind: 'signature' })
  })

  it.each([
    ['another version', { ...good, version: 'v2.1.13' }, { kind: 'another-version', version: 'v2.1.13' }],
    ['expired', { ...good, expiresAt: '2026-03-10T00:00:00Z' }, { kind: 'expired', at: now }],
    [
      'of tomorrow',
      { ...good, issuedAt: '2026-03-11T00:00:00Z' },
      { kind: 'not-yet', at: Date.UTC(2026, 2, 11) },
    ],
    ['of other files', { ...good, assets: {} }, { kind: 'not-named', asset: 'zot-linux-amd64' }],
    [
      'of another file',
      { ...good, assets: { 'zot-linux-amd64': { sha256: 'b'.repeat(64), bytes: 1000 } } },
      { kind: 'differs', asset: 'zot-linux-amd64', sha256: 'b'.repeat(64), bytes: 1000 },
    ],
    ['not JSON', 'version: v2.1.15', { kind: 'not-understood', reason: 'it is not JSON' }],
    ['without an end', { ...good, expiresAt: undefined }, { kind: 'not-understood' }],
    ['with a time of its own kind', { ...good, issuedAt: 'yesterday' }, { kind: 'not-understood' }],
    ['a list', [good], { kind: 'not-understood' }],
  ])('is refused when it is %s', (_, manifest, fault) => {
    expect(check(manifest)).toMatchObject(fault)
  })

  it('is refused when one of its line that was issued later was accepted', () => {
    const newest = Date.UTC(2026, 2, 9)
    const replayed = { kind: 'replayed', at: Date.UTC(2026, 2, 8), newest }
    expect(check(good, { accepted: { 'v2.1.15': newest } })).toEqual(replayed)
    expect(check(good, { accepted: { 'v2.1.18': newest } })).toEqual(replayed)
    expect(check(good, { accepted: { 'v2.1.15': Date.UTC(2026, 2, 8) } })).toBe('accepted')
    expect(check(good, { accepted: { 'v2.2.0': newest } })).toBe('accepted')
  })

  it('of an older version is taken by who wants to go back, unless it is an old one of that version', () => {
    const newest = Date.UTC(2026, 2, 9)
    expect(check(good, { accepted: { 'v2.1.18': newest }, allowDowngrade: true })).toBe('accepted')
    expect(check(good, { accepted: { 'v2.1.15': newest }, allowDowngrade: true })).toMatchObject({
      kind: 'replayed',
    })
  })
})

describe('a public key', () => {
  const der = publicKey.export({ format: 'der', type: 'spki' })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  it.each([
    ['PEM', pem],
    ['PEM on one line', pem.trim().replaceAll('\n', '\\n')],
    ['its 32 bytes', der.subarray(12).toString('base64')],
    ['its DER', der.toString('base64')],
  ])('is read from %s', (_, text) => {
    expect(ed25519Key(text)?.equals(publicKey)).toBe(true)
  })

  it.each([
    '',
    'no key',
    'AAAA',
    generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .publicKey.export({ format: 'pem', type: 'spki' })
      .toString(),
    privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  ])('is nothing else', text => {
    expect(ed25519Key(text)).toBeUndefined()
  })
})
