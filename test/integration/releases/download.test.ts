import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Release } from '../../../core/releases/release.ts'
import type { Releases } from '../../../core/releases/releases.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type Fault, type ReleaseServer, sha256Of, startReleaseServer } from '../../fakes/release-server.ts'
import { releasesAt } from './at.ts'

let home: string
let to: string
let server: ReleaseServer
let releases: Releases
const machine = { platform: 'linux', arch: 'x64' } as const
const name = 'zot-linux-amd64'
const data = randomBytes(3_000_000)
const signal = new AbortController().signal

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-download-'))
  to = join(home, 'engines', 'staging')
  server = await startReleaseServer()
  server.put('v2.1.15', { assets: [{ name, data }] })
  releases = releasesAt(home, server.url, { machine })
})
afterEach(async () => {
  await server.close()
  await rm(home, { recursive: true, force: true })
})

async function release(): Promise<Release> {
  const found = await releases.find('v2.1.15')
  if (!found.ok) throw new Error(JSON.stringify(found.error))
  return found.value
}
const fails = (fault: Fault | undefined) => server.fail('v2.1.15', name, fault)
const fetched = () => server.asked.filter(({ host }) => host === 'assets')
const ranges = () => fetched().map(({ headers }) => headers.range)

describe('the program of a release', () => {
  it('comes whole from another host, for its user alone and not executable', async () => {
    const seen: [number, number | undefined][] = []
    const progress = (done: number, total?: number) => void seen.push([done, total])
    const got = await releases.download(await release(), { to, signal, progress })
    expect(got).toEqual({
      ok: true,
      value: {
        origin: 'release',
        file: join(to, name),
        bytes: data.length,
        sha256: sha256Of(data),
        version: 'v2.1.15',
        from: server.downloadUrl('v2.1.15', name),
      },
    })
    expect((await readFile(join(to, name))).equals(data)).toBe(true)
    expect((await stat(join(to, name))).mode & 0o777).toBe(0o600)
    expect(await readdir(to)).toEqual([name])
    expect(seen.at(-1)).toEqual([data.length, data.length])
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).sort((a, b) => a - b))
  })

  it('is not fetched again when it is there with the digest of the list', async () => {
    const wanted = await release()
    await releases.download(wanted, { to, signal })
    expect(await releases.download(wanted, { to, signal })).toMatchObject({ value: { bytes: data.length } })
    expect(fetched()).toHaveLength(1)
  })

  it('is fetched again when what is there is something else', async () => {
    await mkdir(to, { recursive: true })
    await writeFile(join(to, name), 'something else')
    expect(await releases.download(await release(), { to, signal })).toMatchObject({
      value: { sha256: sha256Of(data) },
    })
  })

  it('goes on where the connection was reset', async () => {
    fails({ kind: 'reset', after: 1_200_000, times: 2 })
    const got = await releases.download(await release(), { to, signal })
    expect(got).toMatchObject({ ok: true, value: { sha256: sha256Of(data) } })
    expect(fetched()).toHaveLength(3)
    expect(ranges()[0]).toBeUndefined()
    for (const asked of fetched().slice(1)) {
      expect(asked.headers.range).toMatch(/^bytes=[1-9]/)
      expect(asked.headers['if-range']).toMatch(/^"/)
      expect(asked.status).toBe(206)
    }
  })

  it('goes on in a later start of the app, and hashes what was there anew', async () => {
    fails({ kind: 'reset', after: 500_000 })
    const wanted = await release()
    const cancel = new AbortController()
    const first = releases.download(wanted, {
      to,
      signal: cancel.signal,
      progress: done => done > 400_000 && cancel.abort(),
    })
    expect(await first).toEqual({ ok: false, error: { code: 'cancelled' } })
    expect((await stat(join(to, `${name}.part`))).size).toBeGreaterThan(400_000)
    expect((await stat(join(to, `${name}.part`))).mode & 0o777).toBe(0o600)
    fails(undefined)
    const next = releasesAt(home, server.url, { machine })
    expect(await next.download(wanted, { to, signal })).toMatchObject({ value: { sha256: sha256Of(data) } })
    expect(ranges().at(-1)).toMatch(/^bytes=[4-9]\d{5}/)
    expect(await readdir(to)).toEqual([name])
  })

  it('goes on after the app was killed', async () => {
    fails({ kind: 'stall', after: 2_500_000 })
    const script = fileURLToPath(new URL('downloader.ts', import.meta.url))
    const child = spawn(process.execPath, [script, home, server.url, 'v2.1.15', to], { stdio: 'ignore' })
    const ended = new Promise(resolve => child.on('exit', resolve))
    const part = join(to, `${name}.part`)
    const size = () =>
      stat(part).then(
        ({ size }) => size,
        () => 0,
      )
    await eventually(async () => (await size()) > 1_000_000, 30_000)
    child.kill('SIGKILL')
    await ended
    fails(undefined)
    expect(await releases.download(await release(), { to, signal })).toMatchObject({
      value: { sha256: sha256Of(data) },
    })
    expect(ranges().at(-1)).toMatch(/^bytes=[1-9]\d{6}-/)
  })

  it('is fetched in one piece when the part that was there was spoiled', async () => {
    fails({ kind: 'reset', after: 500_000 })
    const wanted = await release()
    const cancel = new AbortController()
    const stop = { to, signal: cancel.signal, progress: (done: number) => done > 400_000 && cancel.abort() }
    await releases.download(wanted, stop)
    const { size } = await stat(join(to, `${name}.part`))
    await writeFile(join(to, `${name}.part`), Buffer.alloc(size))
    fails(undefined)
    expect(await releases.download(wanted, { to, signal })).toMatchObject({
      value: { sha256: sha256Of(data) },
    })
  })

  it.each<[string, Fault]>([
    ['ignores ranges', { kind: 'no-ranges' }],
    ['has other bytes each time', { kind: 'changing' }],
  ])('comes from the beginning when the server %s', async (_, fault) => {
    fails({ kind: 'reset', after: 1_000_000 })
    const wanted = await release()
    const cancel = new AbortController()
    const stop = { to, signal: cancel.signal, progress: (done: number) => done > 900_000 && cancel.abort() }
    await releases.download(wanted, stop)
    fails(fault)
    expect(await releases.download(wanted, { to, signal })).toMatchObject({
      value: { sha256: sha256Of(data) },
    })
  })

  it.each<[string, Fault]>([
    ['errors', { kind: 'status', status: 503, times: 2 }],
    ['an end that came early', { kind: 'short', bytes: 1_000_000, times: 1 }],
  ])('comes in spite of %s', async (_, fault) => {
    fails(fault)
    const got = await releases.download(await release(), { to, signal })
    expect(got).toMatchObject({ ok: true, value: { sha256: sha256Of(data) } })
  })

  it('comes in spite of a standstill', async () => {
    fails({ kind: 'stall', after: 2_000_000, times: 1 })
    const limits = { connectMs: 20_000, headersMs: 20_000, idleMs: 1_000 }
    const hasty = releasesAt(home, server.url, { machine, web: { limits } })
    expect(await hasty.download(await release(), { to, signal })).toMatchObject({
      value: { sha256: sha256Of(data) },
    })
  })

  it('that is cut short again and again is given up, and the part is kept', async () => {
    fails({ kind: 'reset', after: 0 })
    const wanted = await release()
    expect(await releases.download(wanted, { to, signal })).toMatchObject({
      error: { code: 'web-unreachable', cause: 'cut' },
    })
    fails({ kind: 'short', bytes: 1000 })
    expect(await releases.download(wanted, { to, signal })).toMatchObject({
      error: { code: 'download-broken', of: data.length, reason: 'it ended early' },
    })
  })

  it.each<[string, Fault, object]>([
    ['endless', { kind: 'endless' }, { code: 'web-too-large', limit: data.length }],
    ['larger than the list says', { kind: 'other', data: randomBytes(3_000_001) }, { code: 'web-too-large' }],
    ['gone', { kind: 'status', status: 404 }, { code: 'web-refused', status: 404 }],
    ['limited', { kind: 'status', status: 429, headers: { 'retry-after': '60' } }, { code: 'web-limited' }],
  ])('is refused when it is %s', async (_, fault, error) => {
    fails(fault)
    expect(await releases.download(await release(), { to, signal })).toMatchObject({ ok: false, error })
    expect(await readdir(to)).toEqual([])
  })

  it('that comes a byte at a time is given up', async () => {
    fails({ kind: 'trickle', ms: 5 })
    const slow = releasesAt(home, server.url, {
      machine,
      pace: { backoffMs: 1, slowAfterMs: 50, slowBytes: 1000 },
    })
    expect(await slow.download(await release(), { to, signal })).toMatchObject({
      error: { code: 'download-broken', reason: 'it sent fewer than 1000 bytes in 0 s' },
    })
  })

  it('is not there for every machine', async () => {
    const mac = releasesAt(home, server.url, { machine: { platform: 'darwin', arch: 'arm64' } })
    const found = await mac.find('v2.1.15')
    expect(found.ok && (await mac.download(found.value, { to, signal }))).toEqual({
      ok: false,
      error: { code: 'release-not-built-for', version: 'v2.1.15', asset: 'zot-darwin-arm64' },
    })
  })

  it('needs a folder that can be written', async () => {
    const file = join(home, 'a-file')
    await writeFile(file, '')
    expect(await releases.download(await release(), { to: join(file, 'x'), signal })).toMatchObject({
      error: { code: 'file-unusable', reason: 'part of its path is not a folder' },
    })
    await mkdir(to, { recursive: true })
    await chmod(to, 0o500)
    const refused = await releases.download(await release(), { to, signal })
    await chmod(to, 0o700)
    if (process.getuid?.() !== 0) expect(refused).toMatchObject({ error: { code: 'file-unusable' } })
  })

  it('needs space, which is looked at before', async () => {
    const wanted = await release()
    const asset = { ...wanted.asset, name, url: server.downloadUrl('v2.1.15', name), bytes: 2 ** 60 }
    expect(await releases.download({ ...wanted, asset }, { to, signal })).toMatchObject({
      error: { code: 'no-space', needed: 2 ** 60, free: expect.any(Number) },
    })
    expect(fetched()).toEqual([])
  })
})

describe('an address', () => {
  it('is as good, and of unproven origin', async () => {
    const url = `${server.downloadUrl('v2.1.15', name)}?token=secret`
    expect(await releases.download(url, { to, signal })).toEqual({
      ok: true,
      value: {
        origin: 'url',
        file: join(to, 'zot'),
        bytes: data.length,
        sha256: sha256Of(data),
        from: server.downloadUrl('v2.1.15', name),
      },
    })
  })

  it('is fetched anew each time, but goes on within a call', async () => {
    const url = server.downloadUrl('v2.1.15', name)
    fails({ kind: 'reset', after: 1_000_000, times: 1 })
    expect(await releases.download(url, { to, signal })).toMatchObject({ value: { bytes: data.length } })
    expect(ranges()).toEqual([undefined, expect.stringMatching(/^bytes=/)])
    await releases.download(url, { to, signal })
    expect(ranges().at(-1)).toBeUndefined()
  })

  it('without an end is cut off at the most that a program may have', async () => {
    fails({ kind: 'endless' })
    const small = releasesAt(home, server.url, { machine, maxBytes: 5_000_000 })
    expect(await small.download(server.downloadUrl('v2.1.15', name), { to, signal })).toMatchObject({
      error: { code: 'web-too-large', limit: 5_000_000 },
    })
    expect(await readdir(to)).toEqual([])
  })

  it.each([
    ['/etc/passwd', 'it is no address'],
    ['file:///etc/passwd', 'only https and http are asked'],
    ['http://me:secret@127.0.0.1/', 'it has a user or a password in it, which logs would show'],
  ])('%s is not asked', async (url, reason) => {
    const got = await releases.download(url, { to, signal })
    expect(got).toMatchObject({ error: { code: 'bad-url', reason } })
    expect(JSON.stringify(got)).not.toContain('secret@')
  })

  it('can be cancelled while it comes', async () => {
    fails({ kind: 'stall', after: 1_000_000 })
    const cancel = new AbortController()
    const got = releases.download(server.downloadUrl('v2.1.15', name), { to, signal: cancel.signal })
    await eventually(() => fetched().length === 1)
    cancel.abort()
    expect(await got).toEqual({ ok: false, error: { code: 'cancelled' } })
  })
})

describe('a local file', () => {
  it('is copied, and stays as it is', async () => {
    const path = join(home, 'mine')
    await writeFile(path, data, { mode: 0o755 })
    expect(await releases.fromFile(path, { to, signal })).toEqual({
      ok: true,
      value: {
        origin: 'file',
        file: join(to, 'zot'),
        bytes: data.length,
        sha256: sha256Of(data),
        from: path,
      },
    })
    expect((await stat(join(to, 'zot'))).mode & 0o777).toBe(0o600)
    expect((await stat(path)).mode & 0o777).toBe(0o755)
    expect(await readdir(to)).toEqual(['zot'])
  })

  it.each([
    ['missing', () => join(home, 'no'), 'it does not exist'],
    ['a folder', () => home, 'it is a folder'],
    ['a device', () => '/dev/zero', 'it is not a file'],
  ])('that is %s', async (_, path, reason) => {
    expect(await releases.fromFile(path(), { to, signal })).toMatchObject({
      error: { code: 'file-unusable', path: path(), reason },
    })
  })

  it('that is too large', async () => {
    const path = join(home, 'large')
    await writeFile(path, '')
    await truncate(path, 300_000_001)
    expect(await releases.fromFile(path, { to, signal })).toMatchObject({ error: { code: 'too-large' } })
  })
})
