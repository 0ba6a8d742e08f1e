import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { config, digestText, imageOf, indexOf } from '../../suites/image.ts'
import { pushBlob, pushImage, putManifest } from './client.ts'
import { type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

const folder = temporaryFolder()
let registry: Registry

beforeAll(async () => {
  registry = await startRegistry(join(folder.path, 'root'))
})
afterAll(async () => {
  expect((await registry.stop()).code).toBe(0)
  folder.dispose()
})

const ask: Registry['ask'] = (path, options) => registry.ask(path, options)
const json = (body: Buffer): unknown => JSON.parse(body.toString())
const begin = async (name: string): Promise<string> => {
  const begun = await ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' })
  expect(begun.status).toBe(202)
  expect(begun.headers).toMatchObject({ range: '0-0', 'content-length': '0' })
  return begun.headers.location!
}
const uploadsLeft = (name: string): string[] => readdirSync(join(registry.root, name, '.uploads'))

describe('base and health', () => {
  it.each(['/livez', '/readyz', '/startupz'])('%s', async path => {
    expect(await ask(path)).toMatchObject({ status: 200, body: Buffer.from('ok') })
  })

  it('/v2/', async () => {
    const answer = await ask('/v2/')
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'docker-distribution-api-version': 'registry/2.0' },
    })
    expect(answer.body).toHaveLength(0)
  })
})

describe('pushing a blob', () => {
  it('in one POST', async () => {
    const posted = await ask(`/v2/push/post/blobs/uploads/?digest=${digestText('one')}`, {
      method: 'POST',
      body: 'one',
    })
    expect(posted).toMatchObject({
      status: 201,
      headers: {
        location: `/v2/push/post/blobs/${digestText('one')}`,
        'docker-content-digest': digestText('one'),
      },
    })
    const wrong = await ask(`/v2/push/post/blobs/uploads/?digest=${digestText('x')}`, {
      method: 'POST',
      body: 'y',
    })
    expect(wrong).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
    expect(uploadsLeft('push/post')).toEqual([])
  })

  it('in POST and PUT, with an escaped digest, and in sha512', async () => {
    const location = await begin('push/put')
    const put = await ask(`${location}?digest=${encodeURIComponent(digestText('two'))}`, {
      method: 'PUT',
      body: 'two',
    })
    expect(put.status).toBe(201)
    const second = await begin('push/put')
    const digest = digestText('two', 'sha512')
    expect((await ask(`${second}?digest=${digest}`, { method: 'PUT', body: 'two' })).status).toBe(201)
    expect((await ask(`/v2/push/put/blobs/${digest}`)).body.toString()).toBe('two')
  })

  it('in chunks, resumed where it stands', async () => {
    const location = await begin('push/chunks')
    const send = (body: string, range: string) =>
      ask(location, { method: 'PATCH', body, headers: { 'Content-Range': range } })
    expect(await send('0123', '0-3')).toMatchObject({ status: 202, headers: { range: '0-3', location } })
    expect(await send('xx', '2-3')).toMatchObject({ status: 416, headers: { range: '0-3' } })
    expect(await send('xx', '9-10')).toMatchObject({ status: 416 })
    expect(await send('xx', 'x-y')).toMatchObject({ status: 416 })
    expect(await send('xx', '4-9')).toMatchObject({ status: 400, code: 'SIZE_INVALID' })
    expect(await ask(location)).toMatchObject({ status: 204, headers: { range: '0-3', location } })
    expect(await send('45', '4-5')).toMatchObject({ status: 202, headers: { range: '0-5' } })
    const put = await ask(`${location}?digest=${digestText('01234567')}`, {
      method: 'PUT',
      body: '67',
      headers: { 'Content-Range': '6-7' },
    })
    expect(put.status).toBe(201)
    expect(await ask(location)).toMatchObject({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' })
  })

  it('cancelled', async () => {
    const location = await begin('push/cancel')
    expect((await ask(location, { method: 'DELETE' })).status).toBe(204)
    expect(await ask(location, { method: 'DELETE' })).toMatchObject({
      status: 404,
      code: 'BLOB_UPLOAD_UNKNOWN',
    })
    expect(uploadsLeft('push/cancel')).toEqual([])
  })

  it('by mounting it, or by uploading it where it is not', async () => {
    expect(await pushBlob(registry, 'push/from', 'mounted')).toBe(201)
    const mount = (digest: string, from: string) =>
      ask(`/v2/push/to/blobs/uploads/?mount=${digest}&from=${from}`, { method: 'POST' })
    expect((await mount(digestText('mounted'), 'push/from')).status).toBe(201)
    expect((await ask(`/v2/push/to/blobs/${digestText('mounted')}`)).body.toString()).toBe('mounted')
    expect((await mount(digestText('absent'), 'push/from')).status).toBe(202)
    expect((await mount(digestText('mounted'), '../push/from')).status).toBe(202)
    expect(await mount('sha256:0', 'push/from')).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
  })

  it('refuses what does not match its digest', async () => {
    const location = await begin('push/wrong')
    const put = await ask(`${location}?digest=${digestText('a')}`, { method: 'PUT', body: 'b' })
    expect(put).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
    const none = await ask(await begin('push/wrong'), { method: 'PUT', body: 'b' })
    expect(none).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
    expect((await ask(`/v2/push/wrong/blobs/${digestText('b')}`)).status).toBe(404)
  })

  it('commits nothing that is shorter than announced', async () => {
    const location = await begin('push/short')
    const socket = await registry.connect()
    const path = `${location}?digest=${digestText('abc')}`
    socket.write(`PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc`)
    const session = location.split('/').at(-1)!
    await eventually(() => readFileSync(join(registry.root, 'push/short/.uploads', session)).length === 3)
    socket.destroy()
    await eventually(async () => (await ask(location)).headers.range === '0-2')
    expect((await ask(`/v2/push/short/blobs/${digestText('abc')}`)).status).toBe(404)
    // The client comes back and finishes.
    expect((await ask(path, { method: 'PUT' })).status).toBe(201)
  })

  it('takes an upload that outlives the registry', async () => {
    const root = join(folder.path, 'restart')
    const first = await startRegistry(root)
    const begun = await first.ask('/v2/a/blobs/uploads/', { method: 'POST' })
    const location = begun.headers.location!
    expect((await first.ask(location, { method: 'PATCH', body: 'before ' })).status).toBe(202)
    first.signal('SIGKILL')
    await first.ended
    const second = await startRegistry(root)
    expect((await second.ask(location)).headers.range).toBe('0-6')
    const put = await second.ask(`${location}?digest=${digestText('before after')}`, {
      method: 'PUT',
      body: 'after',
    })
    expect(put.status).toBe(201)
    expect((await second.ask(`/v2/a/blobs/${digestText('before after')}`)).body.toString()).toBe(
      'before after',
    )
    await second.stop()
  })
})

describe('pulling a blob', () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7) % 251))
  const path = `/v2/pull/blobs/${digestText(bytes)}`
  beforeAll(async () => {
    expect(await pushBlob(registry, 'pull', bytes)).toBe(201)
  })

  it('whole, by GET and HEAD', async () => {
    const headers = {
      'content-length': '300000',
      'content-type': 'application/octet-stream',
      'docker-content-digest': digestText(bytes),
      etag: `"${digestText(bytes)}"`,
      'accept-ranges': 'bytes',
    }
    const got = await ask(path)
    expect(got).toMatchObject({ status: 200, headers })
    expect(got.body.equals(bytes)).toBe(true)
    const head = await ask(path, { method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, headers })
    expect(head.body).toHaveLength(0)
  })

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-299', 100, 300],
    ['bytes=299990-', 299_990, 300_000],
    ['bytes=-5', 299_995, 300_000],
    ['bytes=299990-400000', 299_990, 300_000],
  ])('in part: %s', async (range, start, end) => {
    const got = await ask(path, { headers: { Range: range } })
    expect(got).toMatchObject({
      status: 206,
      headers: { 'content-range': `bytes ${start}-${end - 1}/300000` },
    })
    expect(got.body.equals(bytes.subarray(start, end))).toBe(true)
  })

  it('not beyond its end', async () => {
    const got = await ask(path, { headers: { Range: 'bytes=300000-' } })
    expect(got).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */300000' } })
  })

  it('not again when the client has it', async () => {
    expect((await ask(path, { headers: { 'If-None-Match': `"${digestText(bytes)}"` } })).status).toBe(304)
  })

  it('larger than a buffer, whole and in part, and an empty one', async () => {
    const large = Buffer.alloc(5_000_001, 'zotbar')
    expect(await pushBlob(registry, 'pull', large)).toBe(201)
    const whole = await ask(`/v2/pull/blobs/${digestText(large)}`)
    expect(whole.body.equals(large)).toBe(true)
    const part = await ask(`/v2/pull/blobs/${digestText(large)}`, { headers: { Range: 'bytes=7-4000000' } })
    expect(part.body.equals(large.subarray(7, 4_000_001))).toBe(true)
    expect(await pushBlob(registry, 'pull', '')).toBe(201)
    expect(await ask(`/v2/pull/blobs/${digestText('')}`)).toMatchObject({
      status: 200,
      headers: { 'content-length': '0' },
    })
  })

  it('deleted', async () => {
    expect(await pushBlob(registry, 'pull', 'gone')).toBe(201)
    expect((await ask(`/v2/pull/blobs/${digestText('gone')}`, { method: 'DELETE' })).status).toBe(202)
    expect(await ask(`/v2/pull/blobs/${digestText('gone')}`)).toMatchObject({
      status: 404,
      code: 'BLOB_UNKNOWN',
    })
    expect(await ask(`/v2/pull/blobs/${digestText('gone')}`, { method: 'DELETE' })).toMatchObject({
      status: 404,
    })
  })
})

describe('manifests', () => {
  it('come back as they were pushed', async () => {
    const image = await pushImage(registry, 'm/app', 'v1', 'layer of app')
    for (const reference of ['v1', image.digest, encodeURIComponent(image.digest)]) {
      const headers = {
        'content-type': image.mediaType,
        'content-length': String(image.bytes.length),
        'docker-content-digest': image.digest,
        etag: `"${image.digest}"`,
      }
      const got = await ask(`/v2/m/app/manifests/${reference}`)
      expect(got).toMatchObject({ status: 200, headers })
      expect(got.body.equals(image.bytes)).toBe(true)
      const head = await ask(`/v2/m/app/manifests/${reference}`, { method: 'HEAD' })
      expect(head).toMatchObject({ status: 200, headers })
      expect(head.body).toHaveLength(0)
    }
    const known = await ask('/v2/m/app/manifests/v1', { headers: { 'If-None-Match': `"${image.digest}"` } })
    expect(known.status).toBe(304)
  })

  it('are answered with their digest, and with their subject', async () => {
    const image = await pushImage(registry, 'm/subject', 'v1', 'layer')
    const subject = {
      subject: { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length },
    }
    const note = imageOf([], { ...subject, artifactType: 'text/note' })
    expect(await putManifest(registry, 'm/subject', note.digest, note)).toMatchObject({
      status: 201,
      headers: {
        'docker-content-digest': note.digest,
        'oci-subject': image.digest,
        location: `/v2/m/subject/manifests/${note.digest}`,
      },
    })
    const referrers = (query: string) => ask(`/v2/m/subject/referrers/${image.digest}${query}`)
    const all = await referrers('')
    expect(all.headers['content-type']).toBe('application/vnd.oci.image.index.v1+json')
    expect(json(all.body)).toMatchObject({ manifests: [{ digest: note.digest, artifactType: 'text/note' }] })
    const filtered = await referrers('?artifactType=other')
    expect(filtered.headers['oci-filters-applied']).toBe('artifactType')
    expect(json(filtered.body)).toMatchObject({ manifests: [] })
  })

  it('are refused when too large, incomplete, unknown or malformed', async () => {
    const { mediaType } = imageOf([])
    const put = (body: Buffer | string, type = mediaType, reference = 'v1') =>
      ask(`/v2/m/bad/manifests/${reference}`, { method: 'PUT', body, headers: { 'Content-Type': type } })
    const large = Buffer.alloc(4 * 1024 * 1024 + 1, ' ')
    expect(await put(large)).toMatchObject({ status: 413, code: 'MANIFEST_INVALID' })
    expect(await put(imageOf(['absent']).bytes)).toMatchObject({
      status: 400,
      code: 'MANIFEST_BLOB_UNKNOWN',
    })
    expect(await put(indexOf([imageOf(['absent'])]).bytes, indexOf([]).mediaType)).toMatchObject({
      status: 400,
      code: 'MANIFEST_BLOB_UNKNOWN',
    })
    expect(await put('{}', 'text/plain')).toMatchObject({ status: 415, code: 'MANIFEST_INVALID' })
    expect(await put('{')).toMatchObject({ status: 400, code: 'MANIFEST_INVALID' })
    expect(await put('')).toMatchObject({ status: 400, code: 'MANIFEST_INVALID' })
    expect(await put(imageOf([]).bytes, mediaType, digestText('x'))).toMatchObject({
      status: 400,
      code: 'DIGEST_INVALID',
    })
    expect((await ask('/v2/_catalog')).body.toString()).not.toContain('m/bad')
  })

  it('of exactly 4 MiB are taken; one that streams beyond it is not', async () => {
    expect(await pushBlob(registry, 'm/large', config)).toBe(201)
    const small = imageOf([]).bytes.toString()
    const limit = 4 * 1024 * 1024
    const body = Buffer.from(small.padStart(limit, ' '))
    const headers = { 'Content-Type': imageOf([]).mediaType }
    expect((await ask('/v2/m/large/manifests/v1', { method: 'PUT', body, headers })).status).toBe(201)
    const socket = await registry.connect()
    socket.write(
      `PUT /v2/m/large/manifests/v2 HTTP/1.1\r\nHost: x\r\nContent-Type: ${headers['Content-Type']}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    let answer = ''
    socket.on('data', data => {
      answer += data
    })
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
    for (let at = 0; at < 65; at++) socket.write(chunk)
    await eventually(() => answer.startsWith('HTTP/1.1 413'))
    socket.destroy()
  })

  it('survive two writers of one tag', async () => {
    expect(await pushBlob(registry, 'm/two', config)).toBe(201)
    const images = Array.from({ length: 10 }, (_, by) => imageOf([], { annotations: { by: String(by) } }))
    const answers = await Promise.all(images.map(image => putManifest(registry, 'm/two', 'tag', image)))
    expect(answers.map(answer => answer.status)).toEqual(images.map(() => 201))
    const winner = await ask('/v2/m/two/manifests/tag')
    expect(images.map(image => image.digest)).toContain(winner.headers['docker-content-digest'])
    for (const image of images) expect((await ask(`/v2/m/two/manifests/${image.digest}`)).status).toBe(200)
  })

  it('are deleted by tag and by digest, but not out of an index', async () => {
    for (const layer of ['amd', 'arm']) expect(await pushBlob(registry, 'm/del', layer)).toBe(201)
    expect(await pushBlob(registry, 'm/del', config)).toBe(201)
    const children = ['amd', 'arm'].map(layer => imageOf([layer]))
    for (const child of children) await putManifest(registry, 'm/del', child.digest, child)
    const index = indexOf(children)
    expect((await putManifest(registry, 'm/del', 'multi', index)).status).toBe(201)
    const remove = (reference: string) => ask(`/v2/m/del/manifests/${reference}`, { method: 'DELETE' })
    expect(await remove(children[0]!.digest)).toMatchObject({ status: 405, code: 'DENIED' })
    expect((await remove('multi')).status).toBe(202)
    expect(await ask('/v2/m/del/manifests/multi')).toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN' })
    expect((await remove(index.digest)).status).toBe(202)
    expect((await remove(children[0]!.digest)).status).toBe(202)
    expect(await remove(index.digest)).toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN' })
    expect(await ask('/v2/none/manifests/v1')).toMatchObject({ status: 404, code: 'NAME_UNKNOWN' })
  })
})

describe('lists', () => {
  beforeAll(async () => {
    await pushImage(registry, 'list/a', 'v3', 'x')
    for (const tag of ['v1', 'v2']) await putManifest(registry, 'list/a', tag, imageOf(['x']))
  })

  it('tags, in pages', async () => {
    const list = (query: string) => ask(`/v2/list/a/tags/list${query}`)
    expect(json((await list('')).body)).toEqual({ name: 'list/a', tags: ['v1', 'v2', 'v3'] })
    const first = await list('?n=2')
    expect(json(first.body)).toEqual({ name: 'list/a', tags: ['v1', 'v2'] })
    expect(first.headers['link']).toBe('</v2/list/a/tags/list?n=2&last=v2>; rel="next"')
    const second = await ask(/<(.*)>/.exec(first.headers['link'] as string)![1]!)
    expect(json(second.body)).toEqual({ name: 'list/a', tags: ['v3'] })
    expect(second.headers['link']).toBeUndefined()
    expect((await list('?n=-1')).status).toBe(400)
    expect((await list('?n=x')).status).toBe(400)
    expect((await list('?last=nope')).status).toBe(404)
    expect(json((await list('?n=0')).body)).toEqual({ name: 'list/a', tags: [] })
    expect(await ask('/v2/list/none/tags/list')).toMatchObject({ status: 404, code: 'NAME_UNKNOWN' })
  })

  it('repositories, in pages', async () => {
    const all = json((await ask('/v2/_catalog')).body) as { repositories: string[] }
    expect(all.repositories).toContain('list/a')
    expect(all.repositories).toEqual([...all.repositories].sort())
    expect(json((await ask('/v2/_catalog?n=x')).body)).toEqual(all)
    const first = await ask('/v2/_catalog?n=1')
    expect(json(first.body)).toEqual({ repositories: all.repositories.slice(0, 1) })
    const second = await ask(/<(.*)>/.exec(first.headers['link'] as string)![1]!)
    expect(json(second.body)).toEqual({ repositories: all.repositories.slice(1, 2) })
  })
})

describe('bad input', () => {
  const digest = digestText('x')
  it.each([
    ['GET', '/v2/../../etc/manifests/passwd', 400, 'NAME_INVALID'],
    ['GET', '/v2/a/../b/manifests/v1', 400, 'NAME_INVALID'],
    ['GET', '/v2/%2e%2e/manifests/v1', 400, 'NAME_INVALID'],
    ['GET', '/v2/%2e%2e%2f%2e%2e%2fetc/manifests/v1', 400, 'NAME_INVALID'],
    ['GET', '/v2/a%00/manifests/v1', 400, 'NAME_INVALID'],
    ['GET', '/v2/a%zz/manifests/v1', 400, 'NAME_INVALID'],
    ['GET', '/v2/UPPER/manifests/v1', 400, 'NAME_INVALID'],
    ['GET', `/v2/${'a'.repeat(300)}/manifests/v1`, 400, 'NAME_INVALID'],
    ['GET', '/v2//manifests/v1', 400, 'NAME_INVALID'],
    ['GET', '/v2/a//b/tags/list', 400, 'NAME_INVALID'],
    ['GET', `/v2/..%2f..%2f/blobs/${digest}`, 400, 'NAME_INVALID'],
    ['POST', '/v2/../x/blobs/uploads/', 400, 'NAME_INVALID'],
    ['POST', '/v2/a/blobs/sha256/blobs/uploads/', 400, 'NAME_INVALID'],
    ['PUT', '/v2/../x/manifests/v1', 400, 'NAME_INVALID'],
    ['DELETE', '/v2/../x/manifests/v1', 400, 'NAME_INVALID'],
    ['GET', '/v2/a/manifests/..', 400, 'TAG_INVALID'],
    ['GET', '/v2/a/manifests/%2e%2e%2findex.json', 400, 'TAG_INVALID'],
    ['GET', `/v2/a/manifests/${'t'.repeat(129)}`, 400, 'TAG_INVALID'],
    ['GET', '/v2/a/manifests/sha256:abc', 400, 'DIGEST_INVALID'],
    ['PUT', '/v2/a/manifests/sha999:abc', 400, 'DIGEST_INVALID'],
    ['GET', '/v2/a/blobs/sha256:abc', 400, 'DIGEST_INVALID'],
    ['GET', `/v2/a/blobs/${digest.toUpperCase()}`, 400, 'DIGEST_INVALID'],
    ['GET', '/v2/a/blobs/sha256:..%2f..%2findex.json', 400, 'DIGEST_INVALID'],
    ['DELETE', '/v2/a/blobs/..', 400, 'DIGEST_INVALID'],
    ['GET', `/v2/a/blobs/${digest}`, 404, 'BLOB_UNKNOWN'],
    ['GET', '/v2/a/blobs/uploads/..', 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['PATCH', '/v2/a/blobs/uploads/%2e%2e', 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['PUT', `/v2/a/blobs/uploads/x?digest=${digest}`, 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['GET', '/v2/a/referrers/sha256:abc', 400, 'DIGEST_INVALID'],
    ['GET', '/v2/a', 404, 'UNSUPPORTED'],
    ['GET', '/v2/a/unknown/b', 404, 'UNSUPPORTED'],
    ['GET', '/../../etc/passwd', 404, 'UNSUPPORTED'],
  ])('%s %s', async (method, path, status, code) => {
    expect(await ask(path, { method })).toMatchObject({ status, code })
    expect(existsSync(join(folder.path, 'x'))).toBe(false)
  })

  it.each([
    ['POST', '/v2/', 'GET, HEAD'],
    ['PUT', '/v2/_catalog', 'GET, HEAD'],
    ['PATCH', '/v2/a/manifests/v1', 'GET, HEAD, PUT, DELETE'],
    ['OPTIONS', '/v2/a/manifests/v1', 'GET, HEAD, PUT, DELETE'],
    ['GET', '/v2/a/blobs/uploads/', 'POST'],
    ['PURGE', '/livez', 'GET, HEAD'],
    ['DELETE', '/readyz', 'GET, HEAD'],
  ])('%s %s is 405', async (method, path, allow) => {
    expect(await ask(path, { method })).toMatchObject({
      status: 405,
      code: 'UNSUPPORTED',
      headers: { allow },
    })
  })

  it.each([
    'GET /v2/ HTTP/1.1\r\n\r\n',
    'FOO /v2/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n',
    'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'GET /v2/\0 HTTP/1.1\r\nHost: x\r\n\r\n',
    'rubbish\r\n\r\n',
  ])('%j is 400', async text => {
    const socket = await registry.connect()
    let answer = ''
    socket.on('data', data => {
      answer += data
    })
    socket.write(text)
    await eventually(() => answer.startsWith('HTTP/1.1 400'))
    socket.destroy()
  })

  it('refuses what a web page sends', async () => {
    const headers = { Origin: 'https://example.com' }
    const posted = await ask('/v2/a/blobs/uploads/', { method: 'POST', headers })
    expect(posted).toMatchObject({ status: 403, code: 'DENIED' })
    expect((await ask('/v2/', { headers })).status).toBe(200)
  })
})

describe('its log', () => {
  it('has a line in the form of zot for each request, within 100 ms, without secrets', async () => {
    const headers = { Authorization: 'Basic c2VjcmV0', Cookie: 'session=secret', 'User-Agent': 'te"st' }
    await ask('/v2/?last=query', { headers })
    const at = Date.now()
    const line = await eventually(() => registry.log().find(one => one['path'] === '/v2/?last=query'))
    expect(Date.now() - at).toBeLessThan(1000)
    expect(Object.keys(line)).toEqual([
      'time',
      'level',
      'message',
      'component',
      'module',
      'clientIP',
      'method',
      'path',
      'statusCode',
      'latency',
      'bodySize',
      'headers',
      'username',
    ])
    expect(line).toMatchObject({
      level: 'info',
      message: 'HTTP API',
      component: 'session',
      module: 'http',
      method: 'GET',
      statusCode: 200,
      bodySize: 0,
      headers: { Authorization: ['******'], 'User-Agent': ['te"st'] },
    })
    expect(JSON.stringify(line)).not.toMatch(/secret|c2VjcmV0/)
  })

  it('says that the folder is gone, and so does /readyz', async () => {
    const root = join(folder.path, 'vanishing')
    const other = await startRegistry(root)
    rmSync(root, { recursive: true })
    expect(await other.ask('/readyz')).toMatchObject({ status: 503, code: 'UNAVAILABLE' })
    expect((await other.ask('/livez')).status).toBe(200)
    await other.stop()
  })
})
