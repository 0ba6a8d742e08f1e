import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { digestText } from '../../suites/image.ts'
import { type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

const folder = temporaryFolder()
let registry: Registry
beforeAll(async () => {
  registry = await startRegistry(join(folder.path, 'root'))
})
afterAll(async () => {
  await registry.stop()
  folder.dispose()
})

const begin = async (name: string, at = registry): Promise<string> =>
  (await at.ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' })).headers.location!
const uploadsLeft = (name: string): string[] => {
  const path = join(registry.root, name, '.uploads')
  return existsSync(path) ? readdirSync(path) : []
}
const rangeOf = async (location: string, at = registry): Promise<string | undefined> =>
  (await at.ask(location)).headers.range

/** Begins a request of `length` bytes, sends these and falls silent; `destroy` is the cut. */
async function stall(method: string, path: string, length: number, bytes: Buffer, at = registry) {
  const socket = await at.connect()
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`)
  socket.write(bytes)
  return socket
}

/** As `stall`, and goes away once the bytes have arrived. */
async function cut(method: string, path: string, length: number, bytes: Buffer, at = registry) {
  const location = path.split('?')[0]!
  const before = await rangeOf(location, at)
  const socket = await stall(method, path, length, bytes, at)
  await eventually(async () => (await rangeOf(location, at)) !== before)
  socket.resetAndDestroy()
}

describe.concurrent('an upload goes on', () => {
  const content = randomBytes(1000)
  const digest = digestText(content)

  it('at once after its client vanished without a word, from the offset that is shown meanwhile', async () => {
    const location = await begin('gone')
    const socket = await stall('PATCH', location, 1000, content.subarray(0, 400))
    await eventually(async () => (await rangeOf(location)) === '0-399')
    const startedAt = performance.now()
    const [rest] = await Promise.all([
      registry.ask(location, {
        method: 'PATCH',
        body: content.subarray(400),
        headers: { 'Content-Range': '400-999' },
      }),
      once(socket, 'close'),
    ])
    expect(rest).toMatchObject({ status: 202, headers: { range: '0-999' } })
    expect(performance.now() - startedAt).toBeLessThan(5000)
    expect((await registry.ask(`${location}?digest=${digest}`, { method: 'PUT' })).status).toBe(201)
  })

  it('not while its client sends: 409 says when to try again, and the one that moves ends well', async () => {
    const location = await begin('moving')
    const socket = await stall('PATCH', location, 1000, content.subarray(0, 400))
    let sent = 400
    const timer = setInterval(() => {
      socket.write(content.subarray(sent, sent + 1))
      sent++
    }, 50)
    await eventually(async () => (await rangeOf(location)) !== '0-0')
    const other = await registry.ask(location, { method: 'PATCH', body: 'x' })
    clearInterval(timer)
    expect(other).toMatchObject({ status: 409, code: 'BLOB_UPLOAD_INVALID', headers: { 'retry-after': '1' } })
    expect(other.headers.range).toMatch(/^0-[4-9]\d\d$/)
    socket.write(content.subarray(sent))
    expect(String((await once(socket, 'data'))[0])).toContain(' 202 ')
    socket.destroy()
    expect((await registry.ask(`${location}?digest=${digest}`, { method: 'PUT' })).status).toBe(201)
  })

  it('when the same PUT comes again after a cut, or two, behind what was there before', async () => {
    for (const before of [0, 100]) {
      const location = await begin('again')
      if (before > 0) await registry.ask(location, { method: 'PATCH', body: content.subarray(0, before) })
      const body = content.subarray(before)
      const path = `${location}?digest=${digest}`
      for (const arrives of [300, 50]) await cut('PUT', path, body.length, body.subarray(0, arrives))
      const put = await registry.ask(path, { method: 'PUT', body })
      expect(put).toMatchObject({ status: 201, headers: { 'docker-content-digest': digest } })
      // Its answer might have been lost.
      expect((await registry.ask(path, { method: 'PUT', body })).status).toBe(201)
      expect(
        (await registry.ask(path.replace(digest, digestText('x')), { method: 'PUT', body })).status,
      ).toBe(404)
    }
    expect((await registry.ask(`/v2/again/blobs/${digest}`)).body.equals(content)).toBe(true)
    expect(uploadsLeft('again')).toEqual([])
  })

  it('after content of another digest, three times at most', async () => {
    const location = await begin('wrong')
    const put = (body: Buffer | string) =>
      registry.ask(`${location}?digest=${digest}`, { method: 'PUT', body })
    expect(await put('wrong')).toMatchObject({
      status: 400,
      code: 'DIGEST_INVALID',
      headers: { range: '0-0', location },
    })
    expect((await put(content)).status).toBe(201)
    const other = await begin('wrong')
    for (const status of [400, 400, 400, 404])
      expect((await registry.ask(`${other}?digest=${digest}`, { method: 'PUT', body: 'wrong' })).status).toBe(
        status,
      )
    expect(uploadsLeft('wrong')).toEqual([])
  })

  it('not where nobody knows it: a POST of everything leaves nothing when it is cut or wrong', async () => {
    const path = `/v2/post/blobs/uploads/?digest=${digest}`
    expect((await registry.ask(path, { method: 'POST', body: 'wrong' })).status).toBe(400)
    const socket = await stall('POST', path, 1000, content.subarray(0, 400))
    await eventually(() => uploadsLeft('post').length === 1)
    socket.resetAndDestroy()
    await eventually(() => uploadsLeft('post').length === 0)
    expect((await registry.ask(path, { method: 'POST', body: content })).status).toBe(201)
  })

  it('in a registry that was killed in the middle of it, again or from where it stands', async () => {
    const root = join(folder.path, 'killed')
    const large = randomBytes(3_000_000)
    const first = await startRegistry(root)
    const locations = [await begin('a', first), await begin('b', first)]
    const paths = locations.map(location => `${location}?digest=${digestText(large)}`)
    for (const path of paths) await stall('PUT', path, large.length, large.subarray(0, 2_000_000), first)
    for (const location of locations)
      await eventually(async () => (await rangeOf(location, first)) === '0-1999999')
    first.signal('SIGKILL')
    await first.ended

    const second = await startRegistry(root)
    expect((await second.ask(paths[0]!, { method: 'PUT', body: large })).status).toBe(201)
    expect(await rangeOf(locations[1]!, second)).toBe('0-1999999')
    const headers = { 'Content-Range': '2000000-2999999' }
    const rest = await second.ask(paths[1]!, { method: 'PUT', body: large.subarray(2_000_000), headers })
    expect(rest.status).toBe(201)
    for (const name of ['a', 'b'])
      expect((await second.ask(`/v2/${name}/blobs/${digestText(large)}`)).body.equals(large)).toBe(true)
    expect(second.log().filter(line => line['level'] !== 'info')).toEqual([])
    await second.stop()
  })
})
