import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { smallVolume } from '../../fakes/small-volume.ts'
import { digestText, imageOf } from '../../suites/image.ts'
import { pushBlob, pushImage } from './client.ts'
import { type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

const folder = temporaryFolder()
const volume = join(folder.path, 'volume')
const small = smallVolume(volume, '8m')

afterAll(() => {
  small.unmount()
  folder.dispose()
})

describe.skipIf(!small.mounted)('a disk that fills up (needs root, to mount a small one)', () => {
  let registry: Registry
  beforeAll(async () => {
    registry = await startRegistry(join(volume, 'root'))
  })
  afterAll(async () => {
    expect((await registry.stop()).code).toBe(0)
  })

  it('ends the push with words, keeps what was acknowledged, and goes on when there is room', async () => {
    const layer = randomBytes(3_000_000)
    const image = await pushImage(registry, 'a', 'v1', layer)
    const large = randomBytes(7_000_000)
    const refused = await registry.ask(`/v2/a/blobs/uploads/?digest=${digestText(large)}`, {
      method: 'POST',
      body: large,
    })
    expect(refused).toMatchObject({ status: 507, code: 'UNKNOWN' })
    expect(refused.body.toString()).toContain('disk is full')
    expect(readdirSync(join(registry.root, 'a/.uploads'))).toEqual([])

    expect((await registry.ask('/readyz')).status).toBe(200)
    expect((await registry.ask('/v2/a/manifests/v1')).headers['docker-content-digest']).toBe(image.digest)
    expect((await registry.ask(`/v2/a/blobs/${digestText(layer)}`)).body.equals(layer)).toBe(true)
    expect(await pushBlob(registry, 'a', randomBytes(1_000_000))).toBe(201)
  })

  it('refuses a manifest and keeps the index as it was', async () => {
    const before = await registry.ask('/v2/a/tags/list')
    // Files until not even a small one finds room.
    let number = 0
    for (const size of [100_000, 4096]) {
      try {
        for (;;) writeFileSync(join(volume, `filler-${number++}`), Buffer.alloc(size))
      } catch {
        // Full.
      }
    }
    const next = imageOf([], { annotations: { a: 'x'.repeat(100_000) } })
    const headers = { 'Content-Type': next.mediaType }
    const put = await registry.ask('/v2/a/manifests/v2', { method: 'PUT', body: next.bytes, headers })
    expect(put).toMatchObject({ status: 507, code: 'UNKNOWN' })
    expect((await registry.ask('/v2/a/tags/list')).body).toEqual(before.body)
    for (let at = 0; at < number - 1; at++) execFileSync('rm', ['-f', join(volume, `filler-${at}`)])
    expect(
      (await registry.ask('/v2/a/manifests/v2', { method: 'PUT', body: next.bytes, headers })).status,
    ).toBe(201)
  })
})
