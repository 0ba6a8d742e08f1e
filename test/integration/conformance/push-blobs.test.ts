// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
import { describe, expect, it } from 'vitest'
import { digestText } from '../../suites/image.ts'
import { expectErrorShape, registryForFile } from './workflow.ts'

const { ask, at, begin, pushBlob, expectBlob } = registryForFile()

const patch = (location: string, body: string, range?: string) =>
  ask(location, {
    method: 'PATCH',
    body,
    headers: {
      'Content-Type': 'application/octet-stream',
      ...(range === undefined ? {} : { 'Content-Range': range }),
    },
  })

describe.each(['sha256', 'sha512'])('a blob by its %s', algorithm => {
  const name = `push/${algorithm}`

  it.each([
    ['some content', 'content'],
    ['', 'nothing'],
  ])('in one POST (end-4b), in POST and PUT (end-4a, end-6), in a stream: %j', async (text, what) => {
    for (const way of ['post', 'put', 'stream'] as const) {
      const repository = `${name}/${what}/${way}`
      const digest = digestText(text, algorithm)
      let stored: Awaited<ReturnType<typeof ask>>
      if (way === 'post') {
        stored = await ask(`/v2/${repository}/blobs/uploads/?digest=${digest}`, {
          method: 'POST',
          body: text,
          headers: { 'Content-Type': 'application/octet-stream' },
        })
      } else if (way === 'put') {
        stored = await ask(at(await begin(repository), `digest=${encodeURIComponent(digest)}`), {
          method: 'PUT',
          body: text,
        })
      } else {
        const sent = await patch(await begin(repository), text)
        expect(sent.status).toBe(202)
        stored = await ask(at(sent.headers.location ?? '', `digest=${digest}`), { method: 'PUT' })
      }
      expect(stored).toMatchObject({ status: 201, headers: { 'docker-content-digest': digest } })
      expect((await ask(stored.headers.location ?? '')).body.toString()).toBe(text)
      await expectBlob(repository, text, digest)
    }
  })

  it('in chunks, the last one with the PUT', async () => {
    const digest = digestText('0123456789', algorithm)
    let location = await begin(name, `?digest-algorithm=${algorithm}`)
    for (const [body, range] of [
      ['0123', '0-3'],
      ['4', '4-4'],
    ] as const) {
      const sent = await patch(location, body, range)
      expect(sent).toMatchObject({ status: 202, headers: { range: `0-${range.split('-')[1]}` } })
      location = sent.headers.location ?? ''
    }
    const put = await ask(at(location, `digest=${digest}`), {
      method: 'PUT',
      body: '56789',
      headers: { 'Content-Range': '5-9' },
    })
    expect(put).toMatchObject({ status: 201, headers: { 'docker-content-digest': digest } })
    await expectBlob(name, '0123456789', digest)
  })

  it('refused when it is something else', async () => {
    const digest = digestText('announced', algorithm)
    const posted = await ask(`/v2/${name}/blobs/uploads/?digest=${digest}`, { method: 'POST', body: 'sent' })
    const put = await ask(at(await begin(name), `digest=${digest}`), { method: 'PUT', body: 'sent' })
    const chunked = await patch(await begin(name), 'sent')
    const closed = await ask(at(chunked.headers.location ?? '', `digest=${digest}`), { method: 'PUT' })
    for (const answer of [posted, put, closed]) {
      expect(answer).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
      expectErrorShape(answer)
    }
    expect((await ask(`/v2/${name}/blobs/${digest}`, { method: 'HEAD' })).status).toBe(404)
    expect((await ask(`/v2/${name}/blobs/${digestText('sent', algorithm)}`)).status).toBe(404)
  })
})

describe('chunks', () => {
  it('have no least length', async () => {
    const begun = await ask('/v2/push/min/blobs/uploads/', { method: 'POST' })
    expect(begun.headers['oci-chunk-min-length']).toBeUndefined()
  })

  it.each([
    ['the first not at 0', '5-8'],
    ['behind a gap', '9-12'],
    ['overlapping', '2-5'],
    ['not a range', '0'],
    ['negative', '-3-0'],
    ['the wrong way round', '7-4'],
  ])('out of order are 416 (%s); the status says where to go on', async (what, range) => {
    const started = await begin('push/order')
    const begun =
      what === 'the first not at 0' ? started : (await patch(started, '0123', '0-3')).headers.location
    const refused = await patch(begun ?? '', '4567', range)
    expect(refused).toMatchObject({ status: 416, code: 'BLOB_UPLOAD_INVALID' })
    expectErrorShape(refused)
    // end-13
    const status = await ask(begun ?? '')
    expect(status.status).toBe(204)
    expect(status.body).toHaveLength(0)
    const stands = what === 'the first not at 0' ? 0 : 4
    expect(status.headers.range).toBe(stands === 0 ? '0-0' : '0-3')
    const rest = '01234567'.slice(stands)
    const sent = await patch(status.headers.location ?? '', rest, `${stands}-7`)
    expect(sent).toMatchObject({ status: 202, headers: { range: '0-7' } })
    const put = await ask(at(sent.headers.location ?? '', `digest=${digestText('01234567')}`), {
      method: 'PUT',
    })
    expect(put.status).toBe(201)
  })

  it('may be empty', async () => {
    const location = await begin('push/empty')
    expect((await patch(location, '', '0--1')).status).toBe(202)
    expect((await patch(location, 'ab', '0-1')).status).toBe(202)
    expect(await patch(location, '', '2-1')).toMatchObject({ status: 202, headers: { range: '0-1' } })
    expect((await patch(location, '', '1-0')).status).toBe(416)
    expect((await ask(at(location, `digest=${digestText('ab')}`), { method: 'PUT' })).status).toBe(201)
  })

  it('that lie about their length are refused, and the upload stands where it stood', async () => {
    const location = await begin('push/lies')
    expect(await patch(location, 'abcd', '0-9')).toMatchObject({ status: 400, code: 'SIZE_INVALID' })
    expect(await patch(location, 'abcd', '0-1')).toMatchObject({ status: 400, code: 'SIZE_INVALID' })
    expect((await ask(location)).headers.range).toBe('0-0')
    expect(await ask(location, { method: 'DELETE' })).toMatchObject({ status: 204 })
  })

  it('of two writers at once: one takes its turn, the other is told', async () => {
    const location = await begin('push/writers')
    const answers = await Promise.all(['aaaa', 'bbbb'].map(body => patch(location, body, '0-3')))
    expect(answers.map(answer => answer.status).sort()).toEqual([202, 416])
    const winner = answers[0]?.status === 202 ? 'aaaa' : 'bbbb'
    expect((await ask(at(location, `digest=${digestText(winner)}`), { method: 'PUT' })).status).toBe(201)
  })
})

describe('an upload', () => {
  it('is cancelled (end-14) for good', async () => {
    for (const location of [
      await begin('push/cancel'),
      (await patch(await begin('push/cancel'), 'x')).headers.location,
    ]) {
      const cancelled = await ask(location ?? '', { method: 'DELETE', headers: { 'Content-Length': '0' } })
      expect(cancelled).toMatchObject({ status: 204 })
      const later = await Promise.all([
        ask(location ?? ''),
        patch(location ?? '', 'x'),
        ask(at(location ?? '', `digest=${digestText('x')}`), { method: 'PUT' }),
        ask(location ?? '', { method: 'DELETE' }),
      ])
      for (const answer of later) expect(answer).toMatchObject({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' })
    }
  })

  it('does not end without a digest, nor with one nobody knows', async () => {
    const location = await begin('push/nodigest')
    for (const query of [
      '',
      '?digest=',
      '?digest=md5:d41d8cd98f00b204e9800998ecf8427e',
      '?digest=sha256:ab',
    ]) {
      const put = await ask(`${location}${query}`, { method: 'PUT', body: 'x' })
      expect(put).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
    }
    for (const digest of ['md5:d41d8cd98f00b204e9800998ecf8427e', digestText('x').toUpperCase()]) {
      const posted = await ask(`/v2/push/nodigest/blobs/uploads/?digest=${digest}`, {
        method: 'POST',
        body: 'x',
      })
      expect(posted).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
    }
  })

  it('belongs to one repository', async () => {
    const location = await begin('push/mine')
    const elsewhere = location.replace('push/mine', 'push/yours')
    expect(await patch(elsewhere, 'x')).toMatchObject({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' })
  })
})

describe('a mount (end-11)', () => {
  const mount = (to: string, query: string) => ask(`/v2/${to}/blobs/uploads/?${query}`, { method: 'POST' })

  it.each(['sha256', 'sha512'])('from another repository, by %s', async algorithm => {
    const digest = await pushBlob('mount/from', 'to be mounted', algorithm)
    const mounted = await mount(`mount/to-${algorithm}`, `mount=${digest}&from=mount%2Ffrom`)
    expect(mounted).toMatchObject({ status: 201, headers: { 'docker-content-digest': digest } })
    expect((await ask(mounted.headers.location ?? '')).body.toString()).toBe('to be mounted')
    await expectBlob(`mount/to-${algorithm}`, 'to be mounted', digest)
  })

  it('without a source takes the blob from wherever it is', async () => {
    const digest = await pushBlob('mount/somewhere', 'anonymous')
    expect((await mount('mount/anonymous', `mount=${digest}`)).status).toBe(201)
    await expectBlob('mount/anonymous', 'anonymous', digest)
    expect((await ask(`/v2/mount/somewhere/blobs/${digest}`, { method: 'DELETE' })).status).toBe(202)
    expect((await ask(`/v2/mount/anonymous/blobs/${digest}`, { method: 'DELETE' })).status).toBe(202)
    expect((await mount('mount/again', `mount=${digest}`)).status).toBe(202)
  })

  it('of what is not there begins an upload', async () => {
    const digest = digestText('uploaded after all')
    for (const query of [
      `mount=${digest}`,
      `mount=${digest}&from=mount/from`,
      `mount=${digest}&from=no/such`,
    ]) {
      const begun = await mount('mount/upload', query)
      expect(begun).toMatchObject({ status: 202, headers: { range: '0-0' } })
      const put = await ask(at(begun.headers.location ?? '', `digest=${digest}`), {
        method: 'PUT',
        body: 'uploaded after all',
      })
      expect(put.status).toBe(201)
      expect((await ask(`/v2/mount/upload/blobs/${digest}`, { method: 'DELETE' })).status).toBe(202)
    }
  })
})
