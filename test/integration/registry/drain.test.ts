import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { config, digestText, imageOf } from '../../suites/image.ts'
import { halfUpload, pushBlob, pushImage, putManifest } from './client.ts'
import { ask, type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

const folder = temporaryFolder()
afterAll(() => folder.dispose())
let count = 0
const start = (): Promise<Registry> => startRegistry(join(folder.path, `root-${count++}`))

const draining = (registry: Registry): Promise<boolean> =>
  eventually(async () => (await registry.ask('/readyz')).status === 503)

describe('SIGTERM', () => {
  it('ends an idle registry at once, with 0, whatever connections are open', async () => {
    const began = performance.now()
    const registry = await start()
    const startMs = performance.now() - began
    await pushImage(registry, 'a', 'v1', 'x')
    const [silent, kept] = [await registry.connect(), await registry.connect()]
    kept.write('GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise(resolve => kept.once('data', resolve))
    const at = performance.now()
    registry.signal('SIGTERM')
    const { code, stderr } = await registry.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    // Nothing is waited for, not even for the two seconds that a silent push has; the rest is the machine's.
    expect(performance.now() - at).toBeLessThan(500 + startMs)
    silent.destroy()
    kept.destroy()
  })

  it('lets a running push finish, blobs and manifest, and refuses a new one', async () => {
    const registry = await start()
    expect(await pushBlob(registry, 'old', config)).toBe(201)
    await pushImage(registry, 'served', 'v1', 'x')
    const upload = await halfUpload(registry, 'old')
    registry.signal('SIGTERM')
    await draining(registry)
    expect((await registry.ask('/livez')).status).toBe(200)
    expect((await registry.ask('/v2/served/manifests/v1')).status).toBe(200)
    const refused = await registry.ask('/v2/new/blobs/uploads/', { method: 'POST' })
    expect(refused).toMatchObject({ status: 503, code: 'UNAVAILABLE', headers: { 'retry-after': '5' } })
    registry.signal('SIGTERM')
    expect(await upload.finish()).toBe(201)
    // The next blob of the same push, then its manifest.
    expect(await pushBlob(registry, 'old', 'another layer')).toBe(201)
    const image = imageOf(['first second', 'another layer'])
    expect((await putManifest(registry, 'old', 'v1', image)).status).toBe(201)
    expect((await registry.ended).code).toBe(0)
    const again = await startRegistry(registry.root)
    expect((await again.ask('/v2/old/manifests/v1')).headers['docker-content-digest']).toBe(image.digest)
    await again.stop()
  })

  it('waits two seconds for a push that has gone silent, not longer', async () => {
    const began = performance.now()
    const registry = await start()
    const startMs = performance.now() - began
    await registry.ask('/v2/a/blobs/uploads/', { method: 'POST' })
    const at = performance.now()
    registry.signal('SIGTERM')
    expect((await registry.ended).code).toBe(0)
    expect(performance.now() - at).toBeGreaterThan(1000)
    expect(performance.now() - at).toBeLessThan(3000 + startMs)
  })

  it('lets a download finish', async () => {
    const registry = await start()
    const large = Buffer.alloc(20_000_000, 'zotbar')
    expect(await pushBlob(registry, 'a', large)).toBe(201)
    await putManifest(registry, 'a', 'v1', imageOf([]))
    await pushImage(registry, 'a', 'v1', 'x')
    const socket = await registry.connect()
    let received = 0
    socket.write(`GET /v2/a/blobs/${digestText(large)} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await new Promise<void>(resolve => {
      socket.once('data', (data: Buffer) => {
        received += data.length
        socket.pause()
        resolve()
      })
    })
    registry.signal('SIGTERM')
    await eventually(() => registry.log().some(line => String(line['message']).startsWith('draining')))
    socket.on('data', (data: Buffer) => {
      received += data.length
    })
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.resume()
    await closed
    expect(received).toBeGreaterThan(large.length)
    expect((await registry.ended).code).toBe(0)
  })
})

it('SIGHUP changes nothing', async () => {
  const registry = await start()
  registry.signal('SIGHUP')
  await eventually(() => registry.log().some(line => String(line['message']).includes('SIGHUP is ignored')))
  expect((await ask(registry.port, '/readyz')).status).toBe(200)
  expect((await registry.stop()).code).toBe(0)
})
