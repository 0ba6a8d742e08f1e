import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunbookPart } from '../../../contract/runbook.ts'
import { digestOf } from '../../../core/releases/part-file.ts'
import type { Obtained, Release } from '../../../core/releases/release.ts'
import type { Releases } from '../../../core/releases/releases.ts'
import { verifyUnchanged } from '../../../core/releases/unchanged-file.ts'
import {
  checksumsOf,
  type Data,
  type ReleaseServer,
  type ServedAsset,
  sha256Of,
  startReleaseServer,
} from '../../fakes/release-server.ts'
import { placeZot } from '../../fakes/zot/build-zot.ts'
import { releasesAt } from './at.ts'

let home: string
let to: string
let server: ReleaseServer
const machine = { platform: 'linux', arch: 'x64' } as const
const name = 'zot-linux-amd64'
const signal = new AbortController().signal

/** Begins as a program for an architecture does. */
function elf(machineNumber = 62, size = 100_000): Buffer {
  const bytes = randomBytes(size)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1])
  bytes.writeUInt16LE(machineNumber, 18)
  return bytes
}
const program = elf()

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-trust-'))
  to = join(home, 'staging')
  server = await startReleaseServer()
})
afterEach(async () => {
  await server.close()
  await rm(home, { recursive: true, force: true })
})

interface Offer {
  data?: Data
  digest?: string | null
  size?: number
  checksums?: Data | null
  more?: ServedAsset[]
}

/** Serves v2.1.15 as told, and takes it. */
async function take(releases: Releases, { data = program, checksums, more = [], ...said }: Offer = {}) {
  const sums = checksums === undefined ? checksumsOf([{ name, data }]).data : checksums
  const all = sums === null ? more : [{ name: 'checksums.sha256.txt', data: sums }, ...more]
  server.put('v2.1.15', { assets: [{ name, data, ...said }, ...all] })
  const release = await releases.find('v2.1.15')
  if (!release.ok) throw new Error(JSON.stringify(release.error))
  const got = await releases.download(release.value, { to, signal })
  if (!got.ok) throw new Error(JSON.stringify(got.error))
  return { release: release.value, got: got.value }
}

async function look(
  releases: Releases,
  { got, release }: { got: Obtained; release: Release | undefined },
  allowDowngrade = false,
) {
  const rows = new Map<string, RunbookPart>()
  const onPart = (part: RunbookPart) => void rows.set(part.id, part)
  const result = await releases.verify(got, release, { signal, onPart, allowDowngrade })
  return { result, states: [...rows.values()].map(({ id, state }) => `${id} ${state}`), rows }
}
const at = (publicKey = '') => releasesAt(home, server.url, { machine, publicKey })

describe('a release', () => {
  it('is published where both digests, size and type agree', async () => {
    const { result, states } = await look(at(), await take(at()))
    expect(result).toMatchObject({ ok: true, value: { origin: 'published', sha256: sha256Of(program) } })
    expect(states).toEqual([
      'size passed',
      'digest passed',
      'checksums passed',
      'type passed',
      'signature skipped',
    ])
  })

  it('is published where one of the digests is not told', async () => {
    const unlisted = await look(at(), await take(at(), { digest: null }))
    expect(unlisted.result).toMatchObject({ value: { origin: 'published' } })
    expect(unlisted.states).toContain('digest unproven')
    const unsummed = await look(at(), await take(at(), { checksums: null }))
    expect(unsummed.result).toMatchObject({ value: { origin: 'published' } })
    expect(unsummed.states).toContain('checksums unproven')
  })

  it('is unproven where no digest is told', async () => {
    const { result } = await look(at(), await take(at(), { digest: null, checksums: null }))
    expect(result).toMatchObject({ ok: true, value: { origin: 'unproven' } })
  })

  it('is refused when the two sources do not agree', async () => {
    const other = 'd'.repeat(64)
    const { result, states, rows } = await look(at(), await take(at(), { checksums: `${other} *${name}\n` }))
    expect(result).toEqual({
      ok: false,
      error: {
        code: 'digest-differs',
        name,
        claims: [
          { source: 'the file that came', sha256: sha256Of(program) },
          { source: 'the list of assets', sha256: sha256Of(program) },
          { source: 'checksums.sha256.txt', sha256: other },
        ],
      },
    })
    expect(states).toEqual([
      'size passed',
      'digest passed',
      'checksums failed',
      'type skipped',
      'signature skipped',
    ])
    expect(rows.get('checksums')?.words).toContain(other)
  })

  it('is refused when the list has another digest, or the checksums do not name it', async () => {
    const listed = await look(at(), await take(at(), { digest: `sha256:${'e'.repeat(64)}` }))
    expect(listed.result).toMatchObject({ error: { code: 'digest-differs' } })
    expect(listed.states).toContain('digest failed')
    const unnamed = await look(at(), await take(at(), { checksums: `${'e'.repeat(64)} *zli\n` }))
    expect(unnamed.result).toMatchObject({ error: { code: 'digest-differs' } })
  })

  it('is refused when it is smaller than the list says', async () => {
    const { result } = await look(
      at(),
      await take(at(), { size: 200_000, digest: null }).catch(() => taken()),
    )
    expect(result).toMatchObject({ error: { code: 'size-differs', listed: 200_000 } })
    // The download noticed it already; what lies there is looked at all the same.
    async function taken() {
      const found = await at().find('v2.1.15')
      if (!found.ok) throw new Error(found.error.code)
      const file = join(to, name)
      await writeFile(file, program)
      const got = {
        origin: 'release',
        file,
        bytes: program.length,
        sha256: sha256Of(program),
        from: '',
      } as const
      return { got, release: found.value }
    }
  })

  it('is not trusted while the checksums cannot be had', async () => {
    const taken = await take(at())
    server.fail('v2.1.15', 'checksums.sha256.txt', { kind: 'status', status: 500 })
    expect((await look(at(), taken)).result).toMatchObject({ error: { code: 'web-refused', status: 500 } })
    server.fail('v2.1.15', 'checksums.sha256.txt', { kind: 'endless' })
    expect((await look(at(), taken)).result).toMatchObject({ error: { code: 'web-too-large' } })
  })

  it.each<[string, Buffer, string]>([
    ['a gzip archive', gzipSync(program), 'it is a gzip archive'],
    ['a page', Buffer.from('<!doctype html><title>Sign in</title>'), 'it is an HTML page'],
    ['a script', Buffer.from('#!/bin/sh\ntouch /tmp/ran\n'), 'it is a script'],
    ['for another architecture', elf(183), 'it is for arm64, and this machine is x64'],
    ['empty', Buffer.alloc(0), 'it is empty'],
  ])('is refused when it is %s, whatever its digests say', async (_, data, reason) => {
    const { result, states } = await look(at(), await take(at(), { data }))
    expect(result).toMatchObject({ error: { code: 'not-a-program', reason } })
    expect(states).toContain('type failed')
  })

  it('is refused when the file changed after it was fetched', async () => {
    const taken = await take(at())
    await appendFile(taken.got.file, 'x')
    expect((await look(at(), taken)).result).toMatchObject({
      error: { code: 'file-changed', expected: taken.got.sha256 },
    })
  })
})

describe('a file of the user', () => {
  it('is unproven, also where a key is pinned', async () => {
    const path = join(home, 'mine')
    await writeFile(path, program)
    const releases = at(rawKey)
    const got = await releases.fromFile(path, { to, signal })
    if (!got.ok) throw new Error(got.error.code)
    const { result, states, rows } = await look(releases, { got: got.value, release: undefined })
    expect(result).toMatchObject({ value: { origin: 'unproven', sha256: sha256Of(program) } })
    expect(states).toEqual([
      'size passed',
      'digest unproven',
      'checksums unproven',
      'type passed',
      'signature skipped',
    ])
    expect(rows.get('digest')?.words).toContain(sha256Of(program))
    expect(server.asked).toEqual([])
  })
})

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const rawKey = publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64')
const day = 24 * 3600_000
const ago = (days: number) => new Date(Date.now() - days * day).toISOString()

function signed(more: object = {}, key = privateKey): ServedAsset[] {
  const manifest = {
    version: 'v2.1.15',
    assets: { [name]: { sha256: sha256Of(program), bytes: program.length } },
    issuedAt: ago(2),
    expiresAt: ago(-30),
    ...more,
  }
  const bytes = Buffer.from(JSON.stringify(manifest, null, 2))
  return [
    { name: 'zot-manifest.json', data: bytes },
    { name: 'zot-manifest.json.sig', data: `${sign(null, bytes, key).toString('base64')}\n` },
  ]
}

describe('a pinned key', () => {
  it('makes a release with a valid manifest a signed one', async () => {
    const { result, states } = await look(at(rawKey), await take(at(), { more: signed() }))
    expect(result).toMatchObject({ value: { origin: 'signed' } })
    expect(states).toContain('signature passed')
  })

  it.each<[string, () => ServedAsset[], string]>([
    ['has no manifest', () => [], 'missing'],
    ['has no signature', () => signed().slice(0, 1), 'missing'],
    ['is signed by another key', () => signed({}, generateKeyPairSync('ed25519').privateKey), 'signature'],
    ['is of another version', () => signed({ version: 'v2.1.13' }), 'another-version'],
    ['has expired', () => signed({ expiresAt: ago(1) }), 'expired'],
    ['names another file', () => signed({ assets: {} }), 'not-named'],
  ])('refuses a release that %s', async (_, more, kind) => {
    const { result, states } = await look(at(rawKey), await take(at(), { more: more() }))
    expect(result).toMatchObject({ error: { code: 'manifest-refused', fault: { kind } } })
    expect(states).toContain('signature failed')
  })

  it('refuses an old manifest after a newer one, also after another start, and takes the newer one again', async () => {
    const [newer, older] = [signed({ issuedAt: ago(1) }), signed({ issuedAt: ago(2) })]
    expect((await look(at(rawKey), await take(at(), { more: newer }))).result.ok).toBe(true)
    expect(JSON.parse(await readFile(join(home, 'manifests.json'), 'utf8'))).toHaveProperty(['v2.1.15'])
    expect((await look(at(rawKey), await take(at(), { more: older }))).result).toMatchObject({
      error: { code: 'manifest-refused', fault: { kind: 'replayed' } },
    })
    expect((await look(at(rawKey), await take(at(), { more: newer }))).result.ok).toBe(true)
  })

  it('refuses everything when what was accepted cannot be read', async () => {
    await mkdir(join(home, 'manifests.json'))
    const { result } = await look(at(rawKey), await take(at(), { more: signed() }))
    expect(result).toMatchObject({ error: { code: 'file-unusable', reason: 'it is a folder' } })
  })
})

describe('a staged program', () => {
  const own = () => releasesAt(home, server.url)
  async function ask(file: string, wanted?: string, sha256?: string) {
    const known = sha256 ?? (await digestOf(file))?.sha256 ?? ''
    return own().verifyStaged(file, known, wanted, { from: file, signal })
  }

  it('tells its version, which is the one asked for', async () => {
    const file = placeZot(join(home, 'a'), 'good', 'v2.1.15')
    expect(await ask(file, 'v2.1.15')).toEqual({
      ok: true,
      value: {
        version: 'v2.1.15',
        part: { id: 'version', title: expect.any(String), state: 'passed', words: 'v2.1.15' },
      },
    })
    expect(await ask(file)).toMatchObject({ value: { version: 'v2.1.15' } })
    expect(await ask(file, 'v2.1.18')).toMatchObject({
      error: { code: 'version-differs', wanted: 'v2.1.18', told: 'v2.1.15' },
    })
  })

  it('is refused when it tells none, as v2.1.10', async () => {
    const file = placeZot(join(home, 'b'), 'good', 'broken')
    expect(await ask(file, 'v2.1.10')).toMatchObject({
      error: { code: 'version-not-told', version: 'v2.1.10' },
    })
  })

  it('is refused when it is another program', async () => {
    const file = join(home, 'other')
    await copyFile(process.platform === 'darwin' ? '/usr/bin/true' : '/bin/true', file)
    await chmod(file, 0o700)
    expect(await ask(file)).toMatchObject({ error: { code: 'version-not-told' } })
  })

  it('is not run when its bytes are others, or it is no program', async () => {
    const file = join(home, 'script')
    await writeFile(file, `#!/bin/sh\ntouch ${join(home, 'ran')}\n`, { mode: 0o700 })
    expect(await ask(file, 'v2.1.15', 'a'.repeat(64))).toMatchObject({ error: { code: 'file-changed' } })
    expect(await ask(file)).toMatchObject({ error: { code: 'not-a-program', reason: 'it is a script' } })
    await expect(readFile(join(home, 'ran'))).rejects.toThrow()
  })
})

describe('the moment of the swap', () => {
  it('notices a file that was exchanged', async () => {
    const file = join(home, 'zot')
    await writeFile(file, program)
    expect(await verifyUnchanged(file, sha256Of(program))).toEqual({ ok: true, value: null })
    const other = elf()
    await writeFile(`${file}.new`, other)
    await rename(`${file}.new`, file)
    expect(await verifyUnchanged(file, sha256Of(program))).toEqual({
      ok: false,
      error: { code: 'file-changed', path: file, expected: sha256Of(program), found: sha256Of(other) },
    })
    await rm(file)
    expect(await verifyUnchanged(file, sha256Of(program))).toMatchObject({ error: { code: 'file-unusable' } })
  })
})
