import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { startReleaseServer } from '../../fakes/release-server.ts'
import { smallVolume } from '../../fakes/small-volume.ts'
import { releasesAt } from './at.ts'

const folder = mkdtempSync(join(tmpdir(), 'zotbar-full-'))
const volume = join(folder, 'volume')
const small = smallVolume(volume, '2m')
const { signal } = new AbortController()

afterAll(() => {
  small.unmount()
  rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(!small.mounted)('a disk that is full or read-only (needs root, to mount a small one)', () => {
  it('is told, leaves nothing behind, and what came first stays', async () => {
    const server = await startReleaseServer()
    const data = randomBytes(3_000_000)
    server.put('v2.1.15', { assets: [{ name: 'zot-linux-amd64', data }] })
    const releases = releasesAt(folder, server.url, { machine: { platform: 'linux', arch: 'x64' } })
    const to = join(volume, 'staging')

    const unlisted = await releases.download(server.downloadUrl('v2.1.15', 'zot-linux-amd64'), { to, signal })
    expect(unlisted).toMatchObject({ error: { code: 'no-space', path: to } })
    expect(readdirSync(to)).toEqual([])

    const found = await releases.find('v2.1.15')
    if (!found.ok) throw new Error(found.error.code)
    const listed = await releases.download(found.value, { to, signal })
    expect(listed).toMatchObject({ error: { code: 'no-space', needed: 3_000_000 } })
    expect(readdirSync(to)).toEqual([])

    const mine = join(folder, 'mine')
    writeFileSync(mine, data)
    expect(await releases.fromFile(mine, { to, signal })).toMatchObject({
      error: { code: 'no-space', needed: 3_000_000, free: expect.any(Number) },
    })
    expect(readdirSync(to)).toEqual([])

    execFileSync('mount', ['-o', 'remount,ro', volume])
    const readOnly = { error: { code: 'file-unusable', path: to, reason: 'the volume is read-only' } }
    writeFileSync(mine, 'small')
    expect(await releases.fromFile(mine, { to, signal })).toMatchObject(readOnly)
    const url = server.downloadUrl('v2.1.15', 'zot-linux-amd64')
    expect(await releases.download(url, { to, signal })).toMatchObject(readOnly)
    await server.close()
  })
})
