// What RFC 9110 and RFC 9112 ask of a server beyond the specification, over bare connections.
import { once } from 'node:events'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { digestText } from '../../suites/image.ts'
import { registryForFile } from './workflow.ts'

const { ask, begin, pushBlob, registry } = registryForFile({
  http: { address: '127.0.0.1', port: '0', allowOrigin: 'https://ui.example.com' },
  extensions: { search: { enable: true } },
})
const bytes = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 251))
const blob = `/v2/http/app/blobs/${digestText(bytes)}`

/** Sends lines as they are, and answers all that comes until the server ends the connection. */
async function send(...lines: string[]): Promise<string> {
  const socket = await registry().connect()
  let heard = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    heard += text
  })
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  await once(socket, 'close')
  return heard
}
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])

beforeAll(async () => {
  await pushBlob('http/app', bytes)
})

describe('the head of a request', () => {
  const close = 'Connection: close'
  it.each([
    ['GET http://registry.example.com/v2/ HTTP/1.1', 200],
    ['GET HTTP://registry.example.com:5050/v2/_catalog?n=1 HTTP/1.1', 200],
    ['GET https://[::1]:5050/v2/ HTTP/1.1', 200],
    ['GET http://registry.example.com/v2/none/tags/list HTTP/1.1', 404],
    ['GET http:///v2/ HTTP/1.1', 400],
    ['GET http://user:secret@registry.example.com/v2/ HTTP/1.1', 400],
    ['GET ftp://user:secret@registry.example.com/v2/ HTTP/1.1', 400],
  ])('%s: %d', async (line, status) => {
    expect(statusOf(await send(line, 'Host: other.example.com', close))).toBe(status)
    expect(JSON.stringify(registry().log())).not.toContain('secret')
  })

  it('an absolute target names the host, whatever the header says', async () => {
    const page = await send('GET http://named.example.com HTTP/1.1', 'Host: header.example.com', close)
    expect(statusOf(page)).toBe(200)
    expect(page).toContain('named.example.com')
    expect(page).not.toContain('header.example.com')
  })

  it.each([
    ['two hosts', ['Host: a.example.com', 'Host: b.example.com']],
    ['the same host twice', ['Host: a.example.com', 'hOST: a.example.com']],
    ['no host', ['Accept: */*']],
    ['a host that is none', ['Host: a.example.com/v2/']],
    ['a host with a user', ['Host: root@a.example.com']],
  ])('%s: 400, and the connection ends', async (_what, headers) => {
    expect(statusOf(await send('GET /v2/ HTTP/1.1', ...headers))).toBe(400)
    // What comes behind it may be meant for somebody else.
    const behind = await send('GET /v2/ HTTP/1.1', ...headers, '', 'GET /v2/ HTTP/1.1', 'Host: x')
    expect(behind.match(/HTTP\/1\.1 /g)).toHaveLength(1)
  })

  it('of HTTP/1.0 needs no host', async () => {
    expect(statusOf(await send('GET /v2/ HTTP/1.0'))).toBe(200)
  })

  it('with an expectation that nobody meets is 417', async () => {
    const answer = await send('GET /v2/ HTTP/1.1', 'Host: x', 'Expect: tea')
    expect(statusOf(answer)).toBe(417)
    expect(answer).toContain('UNSUPPORTED')
  })
})

describe('Expect: 100-continue', () => {
  /** Sends only the head of a request with a body of `length` bytes; answers what comes back, and the rest. */
  const expectant = async (line: string, length = 4, ...headers: string[]) => {
    const socket = await registry().connect()
    let heard = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      heard += text
    })
    const head = ['Host: x', 'Expect: 100-continue', `Content-Length: ${length}`, ...headers]
    socket.write(`${[line, ...head].join('\r\n')}\r\n\r\n`)
    await eventually(() => heard.endsWith('\r\n\r\n') || heard.includes('errors'))
    return { socket, heard: () => heard }
  }

  it('is answered once the body is wanted, then the push goes on', async () => {
    const location = await begin('http/app')
    for (const [line, status] of [
      [`PATCH ${location} HTTP/1.1`, 202],
      [`POST /v2/http/app/blobs/uploads/?digest=${digestText('body')} HTTP/1.1`, 201],
    ] as const) {
      const { socket, heard } = await expectant(line)
      expect(heard()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
      socket.write('body')
      await eventually(() => heard().includes(`HTTP/1.1 ${status} `))
      socket.destroy()
    }
  })

  it.each([
    [
      'an upload that is not there',
      'PATCH /v2/http/app/blobs/uploads/11111111-1111-1111-1111-111111111111',
      404,
    ],
    ['a digest that is none', 'POST /v2/http/app/blobs/uploads/?digest=sha256:1', 400],
    ['a name that is none', 'PUT /v2/Http/manifests/v1', 400],
    ['a method that is not there', 'POST /v2/http/app/tags/list', 405],
  ])('is not answered for %s: the failure comes at once', async (_what, line, status) => {
    const { socket, heard } = await expectant(`${line} HTTP/1.1`)
    expect(statusOf(heard())).toBe(status)
    expect(heard()).toMatch(/^connection: close/im)
    socket.destroy()
  })

  it('is not answered for a chunk elsewhere, or a manifest that is too large', async () => {
    const location = await begin('http/app')
    const elsewhere = await expectant(`PATCH ${location} HTTP/1.1`, 4, 'Content-Range: 7-10')
    expect(statusOf(elsewhere.heard())).toBe(416)
    const large = await expectant('PUT /v2/http/app/manifests/v1 HTTP/1.1', 5 * 1024 * 1024)
    expect(statusOf(large.heard())).toBe(413)
    for (const { socket } of [elsewhere, large]) socket.destroy()
  })
})

describe('several ranges', () => {
  const partsOf = async (range: string) => {
    const got = await ask(blob, { headers: { Range: range } })
    const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(got.headers['content-type'] ?? '')?.[1]
    expect(got.status).toBe(206)
    expect(got.headers).not.toHaveProperty('content-range')
    expect(got.headers['content-length']).toBe(String(got.body.length))
    const text = got.body.toString('latin1')
    expect(text.endsWith(`\r\n--${boundary}--\r\n`)).toBe(true)
    const pieces = `\r\n${text}`.split(`\r\n--${boundary}`).slice(1, -1)
    return pieces.map(piece => {
      const [head = '', ...body] = piece.split('\r\n\r\n')
      return {
        range: /Content-Range: (.*)/.exec(head)?.[1],
        body: Buffer.from(body.join('\r\n\r\n'), 'latin1'),
      }
    })
  }

  it('come as parts, in their order', async () => {
    expect(await partsOf('bytes=900-909,0-1,-5,2000-')).toEqual([
      { range: 'bytes 900-909/1000', body: bytes.subarray(900, 910) },
      { range: 'bytes 0-1/1000', body: bytes.subarray(0, 2) },
      { range: 'bytes 995-999/1000', body: bytes.subarray(995) },
    ])
  })

  it('come as one part where only one is left', async () => {
    for (const range of ['bytes=0-4,5-9', 'bytes=0-9,5000-', 'bytes=0-9,'])
      expect(await ask(blob, { headers: { Range: range } })).toMatchObject({
        status: 206,
        headers: { 'content-range': 'bytes 0-9/1000', 'content-type': 'application/octet-stream' },
        body: bytes.subarray(0, 10),
      })
  })

  it('are passed over where they are thousands', async () => {
    for (const range of [
      `bytes=${'0-,'.repeat(10_000)}`,
      `bytes=${Array.from({ length: 10_000 }, (_, at) => `${at}-${at}`)}`,
      `bytes=${Array.from({ length: 999 }, (_, at) => `${at}-${at}`)}`,
    ])
      expect(await ask(blob, { headers: { Range: range } })).toMatchObject({ status: 200, body: bytes })
  })

  it('of a blob larger than any buffer', async () => {
    const large = Buffer.alloc(9 * 1024 * 1024, 'some layer or other ')
    await pushBlob('http/app', large)
    const got = await ask(`/v2/http/app/blobs/${digestText(large)}`, {
      headers: { Range: 'bytes=0-3999999,5000000-5000000,6000001-' },
    })
    const boundary = String(got.headers['content-type']).split('=')[1]
    const part = (start: number, end: number) => [
      Buffer.from(
        `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${start}-${end}/${large.length}\r\n\r\n`,
      ),
      large.subarray(start, end + 1),
      Buffer.from('\r\n'),
    ]
    const expected = Buffer.concat([
      ...part(0, 3_999_999),
      ...part(5_000_000, 5_000_000),
      ...part(6_000_001, large.length - 1),
      Buffer.from(`--${boundary}--\r\n`),
    ])
    expect(got.body.equals(expected)).toBe(true)
  })
})

describe('web pages that allowOrigin names', () => {
  const origin = 'https://ui.example.com'
  it('may read the headers that registries answer with', async () => {
    const { headers } = await ask(blob, { method: 'HEAD', headers: { Origin: origin } })
    const exposed = headers['access-control-expose-headers']?.split(',')
    expect(exposed).toEqual(expect.arrayContaining(['Docker-Content-Digest', 'Link', 'WWW-Authenticate']))
    const others = await ask(blob, { method: 'HEAD', headers: { Origin: 'https://evil.example.com' } })
    expect(others.headers).not.toHaveProperty('access-control-expose-headers')
    // A failure, too, whatever the route.
    for (const path of ['/v2/none/tags/list', '/nowhere'])
      expect(await ask(path, { headers: { Origin: origin } })).toMatchObject({
        status: 404,
        headers: { 'access-control-allow-origin': origin, vary: 'Origin' },
      })
  })

  it('need not ask before every request, and may name manifest types', async () => {
    const { headers } = await ask(blob, { method: 'OPTIONS', headers: { Origin: origin } })
    expect(headers).toMatchObject({ 'access-control-max-age': '7200' })
    expect(headers['access-control-allow-headers']?.split(',')).toContain('Accept')
  })
})

it('what zot answers with a slash at the end', async () => {
  for (const path of ['/v2/_zot/ext/mgmt', '/v2/_zot/ext/mgmt/']) expect((await ask(path)).status).toBe(200)
})
