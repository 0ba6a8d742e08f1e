import { describe, expect, it } from 'vitest'
import { parseWrite } from '../../../core/storage/writes.ts'

/** A line as zot 2.1 writes it. */
const http = (method: string, path: string, statusCode: number, more: object = {}) =>
  JSON.stringify({
    time: '2026-03-12T14:02:06.123456789Z',
    level: 'info',
    message: 'HTTP API',
    component: 'session',
    module: 'http',
    clientIP: '127.0.0.1:51234',
    method,
    path,
    statusCode,
    latency: '0s',
    bodySize: 0,
    headers: { 'User-Agent': ['skopeo/1.18.0'] },
    ...more,
    caller: 'zotregistry.dev/zot/pkg/api/session.go:140',
    goroutine: 88,
  })
const at = Date.parse('2026-03-12T14:02:06.123Z')

describe('one line of the engine log', () => {
  it.each([
    ['PUT', '/v2/team/app/manifests/1.0', 201, { kind: 'push', repository: 'team/app', tags: ['1.0'] }],
    ['PUT', '/v2/app/manifests/sha256:ab', 201, { kind: 'push', repository: 'app', tags: [] }],
    [
      'PUT',
      '/v2/app/manifests/sha256:ab?tag=a&tag=b',
      201,
      { kind: 'push', repository: 'app', tags: ['a', 'b'] },
    ],
    ['DELETE', '/v2/app/manifests/1.0', 202, { kind: 'delete', repository: 'app', tags: [] }],
    ['DELETE', '/v2/app/blobs/sha256:ab', 202, { kind: 'delete', repository: 'app', tags: [] }],
    ['PUT', '/v2/app/blobs/uploads/123?digest=sha256:ab', 201, { kind: 'blob', repository: 'app', tags: [] }],
    ['POST', '/v2/app/blobs/uploads/?digest=sha256:ab', 201, { kind: 'blob', repository: 'app', tags: [] }],
    [
      'POST',
      '/v2/app/blobs/uploads/?mount=sha256:a&from=b',
      201,
      { kind: 'blob', repository: 'app', tags: [] },
    ],
    ['POST', '/v2/app/blobs/uploads/', 202, { kind: 'uploading', repository: 'app', tags: [] }],
    ['PATCH', '/v2/app/blobs/uploads/123', 202, { kind: 'uploading', repository: 'app', tags: [] }],
    [
      'PUT',
      '/v2/a/blobs/uploads/x/manifests/1',
      201,
      { kind: 'push', repository: 'a/blobs/uploads/x', tags: ['1'] },
    ],
  ])('%s %s %i', (method, path, status, expected) => {
    expect(parseWrite(http(method, path, status))).toEqual({ ...expected, at })
  })

  it('names who pushed', () => {
    const line = http('PUT', '/v2/app/manifests/1', 201, { username: 'zot-ci' })
    expect(parseWrite(line)).toMatchObject({ by: 'zot-ci' })
    expect(parseWrite(http('PUT', '/v2/app/manifests/1', 201, { username: '' }))).not.toHaveProperty('by')
  })

  it.each([
    ['a pull', http('GET', '/v2/app/manifests/1', 200)],
    ['a probe', http('HEAD', '/v2/app/manifests/sha256:ab', 200)],
    ['a refused push', http('PUT', '/v2/app/manifests/1', 401)],
    ['a failed upload', http('PUT', '/v2/app/blobs/uploads/1?digest=sha256:a', 400)],
    ['an upload taken back', http('DELETE', '/v2/app/blobs/uploads/1', 204)],
    ['a key', http('POST', '/zot/auth/apikey', 201)],
    ['a way out of the folder', http('PUT', '/v2/../etc/manifests/1', 201)],
    ['an encoded way out', http('PUT', '/v2/%2e%2e/manifests/1', 201)],
    ['upper case', http('PUT', '/v2/App/manifests/1', 201)],
    [
      'another message',
      JSON.stringify({ message: 'x', method: 'PUT', path: '/v2/a/manifests/1', statusCode: 201 }),
    ],
    ['half a line', '{"message":"HTTP API","method":"PUT","path":"/v2/a/man'],
    ['no JSON', 'panic: runtime error "method":"PUT"'],
    ['JSON that is no object', '["\\"method\\":\\"PUT"]'],
    ['nothing', ''],
  ])('%s changes nothing', (_, line) => {
    expect(parseWrite(line)).toBeUndefined()
  })

  it('hears of what happens without a request', () => {
    const gc = (count: number) =>
      JSON.stringify({
        level: 'info',
        message: 'garbage collected blobs',
        module: 'gc',
        repository: 'a/b',
        count,
      })
    expect(parseWrite(gc(3))).toEqual({ kind: 'collected', repository: 'a/b', tags: [] })
    expect(parseWrite(gc(0))).toBeUndefined()
    const synced = { level: 'info', message: 'successfully synced image' }
    const expected = { kind: 'synced', repository: 'docker.io/library/x', tags: [] }
    expect(parseWrite(JSON.stringify({ ...synced, repo: 'docker.io/library/x', reference: '3' }))).toEqual(
      expected,
    )
    expect(parseWrite(JSON.stringify({ ...synced, image: 'docker.io/library/x:3' }))).toEqual(expected)
  })
})
