import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { digestText } from '../../suites/image.ts'
import { pushBlob, pushImage } from './client.ts'
import { startRegistry, temporaryFolder } from './registry-process.ts'

const folder = temporaryFolder()
afterAll(() => folder.dispose())

it('outlives clients that vanish in the middle of everything, and keeps nothing open for them', async () => {
  const registry = await startRegistry(join(folder.path, 'root'))
  const large = randomBytes(8_000_000)
  expect(await pushBlob(registry, 'a', large)).toBe(201)
  await pushImage(registry, 'a', 'v1', 'layer')
  const openFiles = (): number =>
    process.platform === 'linux' ? readdirSync(`/proc/${registry.pid}/fd`).length : 0
  await registry.ask('/v2/')
  const before = openFiles()

  const leave = async (text: string): Promise<void> => {
    const socket = await registry.connect()
    socket.write(text)
    // Clients leave at any moment of an answer.
    await new Promise(resolve => setTimeout(resolve, Math.random() * 20))
    socket.resetAndDestroy()
  }
  const locations = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const begun = await registry.ask('/v2/a/blobs/uploads/', { method: 'POST' })
      return begun.headers.location ?? ''
    }),
  )
  const half = large.subarray(0, 500_000).toString('latin1')
  await Promise.all([
    ...Array.from({ length: 30 }, () =>
      leave(`GET /v2/a/blobs/${digestText(large)} HTTP/1.1\r\nHost: x\r\n\r\n`),
    ),
    ...locations.map(path =>
      leave(`PATCH ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n${half}`),
    ),
    ...Array.from({ length: 10 }, () =>
      leave('PUT /v2/a/manifests/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{'),
    ),
    ...Array.from({ length: 10 }, () => leave('GET /v2/a/manifests/v1 HTTP/1.1\r\nHo')),
  ])

  await eventually(() => openFiles() <= before)
  expect((await registry.ask('/v2/a/manifests/v1')).status).toBe(200)
  expect((await registry.ask('/v2/a/manifests/v2')).status).toBe(404)
  const whole = await registry.ask(`/v2/a/blobs/${digestText(large)}`)
  expect(whole.body.equals(large)).toBe(true)
  // Each of the uploads can be taken up where it stands.
  for (const path of locations) expect((await registry.ask(path)).status).toBe(204)
  expect(registry.log().filter(line => line['level'] !== 'info')).toEqual([])
  expect((await registry.stop()).code).toBe(0)
})
