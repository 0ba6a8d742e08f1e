// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pull and #error-codes
import { beforeAll, describe, expect, it } from 'vitest'
import { config, digestText, imageOf, type Made } from '../../suites/image.ts'
import { expectErrorShape, registryForFile } from './workflow.ts'

const { ask, pushBlob, putManifest, expectManifest } = registryForFile()
const bytes = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 256))
const blob = `/v2/pull/app/blobs/${digestText(bytes)}`
let image: Made

beforeAll(async () => {
  await pushBlob('pull/app', config)
  await pushBlob('pull/app', bytes)
  image = imageOf([bytes])
  expect((await putManifest('pull/app', 'v1', image)).status).toBe(201)
})

it('GET /v2/ (end-1)', async () => {
  for (const method of ['GET', 'HEAD']) {
    expect(await ask('/v2/', { method })).toMatchObject({
      status: 200,
      headers: { 'docker-distribution-api-version': 'registry/2.0' },
    })
  }
})

describe('manifests (end-3)', () => {
  it.each([
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json;q=0.5',
    'application/vnd.docker.distribution.manifest.v2+json',
    '*/*',
  ])('come as they are for Accept: %s', async accept => {
    const got = await ask('/v2/pull/app/manifests/v1', { headers: { Accept: accept } })
    expect(got).toMatchObject({ status: 200, headers: { 'content-type': image.mediaType } })
  })

  it('by tag and by digest', async () => {
    for (const reference of ['v1', image.digest])
      await expectManifest('pull/app', reference, image, image.digest)
  })

  it.each([
    ['/v2/pull/app/manifests/none', 'MANIFEST_UNKNOWN'],
    [`/v2/pull/app/manifests/${digestText('none')}`, 'MANIFEST_UNKNOWN'],
    [`/v2/pull/app/manifests/${digestText('none', 'sha512')}`, 'MANIFEST_UNKNOWN'],
    ['/v2/pull/none/manifests/v1', 'NAME_UNKNOWN'],
    [`/v2/pull/app/blobs/${digestText('none')}`, 'BLOB_UNKNOWN'],
    [`/v2/pull/none/blobs/${digestText('none')}`, 'BLOB_UNKNOWN'],
    ['/v2/pull/none/tags/list', 'NAME_UNKNOWN'],
  ])('%s is 404', async (path, code) => {
    const got = await ask(path)
    expect(got).toMatchObject({ status: 404, code })
    expectErrorShape(got)
    const head = await ask(path, { method: 'HEAD' })
    expect(head.status).toBe(404)
    expect(head.body).toHaveLength(0)
  })

  it("another repository's blob is not served, until HEAD has linked it", async () => {
    const elsewhere = `/v2/pull/linked/blobs/${digestText(bytes)}`
    for (const [method, status] of [
      ['GET', 404],
      ['HEAD', 200],
      ['GET', 200],
    ] as const)
      expect((await ask(elsewhere, { method })).status, method).toBe(status)
  })

  it('a layer is no manifest', async () => {
    expect((await ask(`/v2/pull/app/manifests/${digestText(bytes)}`)).status).toBe(404)
  })
})

describe('parts of a blob (end-2)', () => {
  it.each([
    ['bytes=0-', 0, 1000],
    ['bytes=0-0', 0, 1],
    ['bytes=0-999', 0, 1000],
    ['bytes=0-5000', 0, 1000],
    ['bytes=999-', 999, 1000],
    ['bytes=-1', 999, 1000],
    ['bytes=-5000', 0, 1000],
    ['Bytes=10-19', 10, 20],
  ])('%s is 206', async (range, start, end) => {
    const got = await ask(blob, { headers: { Range: range } })
    expect(got).toMatchObject({
      status: 206,
      headers: {
        'content-range': `bytes ${start}-${end - 1}/1000`,
        'content-length': String(end - start),
        'docker-content-digest': digestText(bytes),
      },
    })
    expect(got.body.equals(bytes.subarray(start, end))).toBe(true)
  })

  it.each(['bytes=', 'bytes=a-b', 'bytes=0-1,a', 'items=0-5', 'bytes', 'bytes=--1'])(
    '%s gets all of it',
    async range => {
      const got = await ask(blob, { headers: { Range: range } })
      expect(got.status).toBe(200)
      expect(got.body.equals(bytes)).toBe(true)
    },
  )

  it.each(['bytes=1000-', 'bytes=1000-1001', 'bytes=-0', 'bytes=99999999999999999999-', 'bytes=500-0'])(
    '%s is 416',
    async range => {
      const got = await ask(blob, { headers: { Range: range } })
      expect(got).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */1000' } })
      expectErrorShape(got)
    },
  )

  it('HEAD tells the length of the whole', async () => {
    const head = await ask(blob, { method: 'HEAD', headers: { Range: 'bytes=0-1' } })
    expect(head).toMatchObject({
      status: 200,
      headers: { 'content-length': '1000', 'accept-ranges': 'bytes' },
    })
  })

  it('only for whoever has the rest of this content', async () => {
    const ofThis = { Range: 'bytes=0-1', 'If-Range': `"${digestText(bytes)}"` }
    expect((await ask(blob, { headers: ofThis })).status).toBe(206)
    for (const other of [`W/"${digestText(bytes)}"`, '"other"', 'Tue, 01 Dec 2026 10:00:00 GMT'])
      expect((await ask(blob, { headers: { ...ofThis, 'If-Range': other } })).status).toBe(200)
  })

  it('of an empty blob: all of it, which is nothing', async () => {
    await pushBlob('pull/app', '')
    const headers = { Range: 'bytes=0-' }
    expect(await ask(`/v2/pull/app/blobs/${digestText('')}`, { headers })).toMatchObject({
      status: 200,
      headers: { 'content-length': '0' },
    })
  })

  it('nothing for whoever has it', async () => {
    for (const path of [blob, '/v2/pull/app/manifests/v1']) {
      const etag = (await ask(path)).headers.etag ?? ''
      expect(await ask(path, { headers: { 'If-None-Match': etag } })).toMatchObject({
        status: 304,
        body: Buffer.of(),
      })
      for (const method of ['GET', 'HEAD'])
        for (const [known, status] of [
          ['*', 304],
          [`"x", W/${etag}`, 304],
          ['"other"', 200],
        ] as const) {
          const headers = { 'If-None-Match': known }
          expect((await ask(path, { method, headers })).status, `${method} ${path} ${known}`).toBe(status)
        }
    }
  })
})

describe('methods nobody has here', () => {
  it.each([
    ['POST', '/v2/', 'GET'],
    ['DELETE', '/v2/_catalog', 'GET'],
    ['PATCH', '/v2/pull/app/manifests/v1', 'PUT'],
    ['POST', '/v2/pull/app/manifests/v1', 'DELETE'],
    ['PUT', `/v2/pull/app/blobs/${digestText('x')}`, 'DELETE'],
    ['POST', '/v2/pull/app/tags/list', 'GET'],
    ['DELETE', `/v2/pull/app/referrers/${digestText('x')}`, 'GET'],
    ['GET', '/v2/pull/app/blobs/uploads/', 'POST'],
    ['POST', '/v2/pull/app/blobs/uploads/00000000-0000-0000-0000-000000000000', 'PATCH'],
  ])('%s %s is 405 and says which ones', async (method, path, allowed) => {
    const got = await ask(path, { method })
    expect(got).toMatchObject({ status: 405, code: 'UNSUPPORTED' })
    expect(got.headers.allow).toContain(allowed)
    expectErrorShape(got)
  })
})
