import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createWeb, readText, type Web, type WebWith } from '../../../core/platform/web.ts'
import { makeCertificate } from '../../fakes/certificates.ts'
import { type ConnectProxy, startConnectProxy } from '../../fakes/connect-proxy.ts'
import { type ReleaseServer, startReleaseServer } from '../../fakes/release-server.ts'

let folder: string
let ca: string
let key: Buffer
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-web-'))
  const made = makeCertificate(folder, 'server')
  ca = made.pem.toString()
  key = readFileSync(made.key)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let server: ReleaseServer
let proxy: ConnectProxy
const webs: Web[] = []
beforeEach(async () => {
  server = await startReleaseServer()
  server.put('v2.1.15', { assets: [{ name: 'zot', data: 'the program' }] })
  proxy = await startConnectProxy()
})
afterEach(async () => {
  await Promise.all(webs.splice(0).map(web => web.close()))
  await server.close()
  await proxy.close()
})
const patient = { connectMs: 20_000, headersMs: 20_000, idleMs: 20_000 }
const limits = { connectMs: 20_000, headersMs: 300, idleMs: 300 }
function web(more: Partial<WebWith> = {}): Web {
  const made = createWeb({ environment: {}, limits: patient, ...more })
  webs.push(made)
  return made
}
const program = () => server.downloadUrl('v2.1.15', 'zot')

async function textOf(one: Web, url: string) {
  const answer = await one.get(url)
  return answer.ok ? readText(one, answer.value, 1000) : answer
}

describe('a redirect', () => {
  it('is followed to another host', async () => {
    expect(await textOf(web(), program())).toEqual({ ok: true, value: 'the program' })
  })

  it('without an end is left at the sixth', async () => {
    server.fail('v2.1.15', 'zot', { kind: 'redirect', to: program() })
    expect(await web().get(program())).toMatchObject({
      error: { code: 'web-redirect-refused', why: 'too-many' },
    })
    expect(server.asked).toHaveLength(6)
  })

  it.each(['file:///etc/passwd', 'http://user:secret@127.0.0.1/', 'javascript:1', 'http://'])(
    'to %s is refused',
    async to => {
      server.fail('v2.1.15', 'zot', { kind: 'redirect', to })
      const got = await web().get(program())
      expect(got).toMatchObject({ error: { code: 'web-redirect-refused', why: 'unsafe' } })
      expect(JSON.stringify(got)).not.toContain('secret')
    },
  )

  it('goes from https to https', async () => {
    const secure = await startReleaseServer({ tls: { key, cert: Buffer.from(ca) } })
    secure.put('v2.1.15', { assets: [{ name: 'zot', data: 'the program' }] })
    const url = secure.downloadUrl('v2.1.15', 'zot')
    expect(await textOf(web({ ca }), url)).toEqual({ ok: true, value: 'the program' })
    await secure.close()
  })

  it('never goes from https to http', async () => {
    const secure = await startReleaseServer({ tls: { key, cert: Buffer.from(ca), assetsPlain: true } })
    secure.put('v2.1.15', { assets: [{ name: 'zot', data: 'the program' }] })
    const got = await web({ ca }).get(secure.downloadUrl('v2.1.15', 'zot'))
    expect(got).toMatchObject({ error: { code: 'web-redirect-refused', why: 'unsafe' } })
    expect(JSON.stringify(got)).not.toContain('secret-of-the-host')
    await secure.close()
  })
})

describe('an address that cannot be reached', () => {
  it('has no certificate that is known', async () => {
    const secure = await startReleaseServer({ tls: { key, cert: Buffer.from(ca) } })
    expect(await web().get(secure.url)).toMatchObject({
      error: { code: 'web-unreachable', cause: 'certificate' },
    })
    await secure.close()
  })

  it('has no listener', async () => {
    await server.close()
    expect(await web().get(server.url)).toMatchObject({ error: { cause: 'refused' } })
  })

  it('has a name without an address', async () => {
    expect(await web().get('http://no-such-host.invalid/')).toMatchObject({ error: { cause: 'name' } })
  })

  it('takes the request and says nothing', async () => {
    const mute = createServer(() => {})
    await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
    const { port } = mute.address() as { port: number }
    expect(await web({ limits }).get(`http://127.0.0.1:${port}/`)).toMatchObject({
      error: { cause: 'silent' },
    })
    mute.close()
  })

  it('stops in the middle', async () => {
    server.fail('v2.1.15', 'zot', { kind: 'stall', after: 3 })
    expect(await textOf(web({ limits }), program())).toMatchObject({ error: { cause: 'silent' } })
    server.fail('v2.1.15', 'zot', { kind: 'reset', after: 3 })
    expect(await textOf(web(), program())).toMatchObject({ error: { cause: 'cut' } })
  })

  it('sends more than may be', async () => {
    server.fail('v2.1.15', 'zot', { kind: 'endless' })
    expect(await textOf(web(), program())).toMatchObject({ error: { code: 'web-too-large', limit: 1000 } })
  })
})

it.each([[false], [true]])(
  'HTTP/1.1 is spoken where HTTP/2 is offered too (through a proxy: %j)',
  async isProxied => {
    const both = createSecureServer({ key, cert: ca, allowHTTP1: true }, (request, response) => {
      response.end(request.httpVersion)
    })
    await new Promise<void>(resolve => both.listen(0, '127.0.0.1', resolve))
    const environment = isProxied ? { HTTPS_PROXY: proxy.url } : {}
    const { port } = both.address() as AddressInfo
    expect(await textOf(web({ ca, environment }), `https://127.0.0.1:${port}/`)).toEqual({
      ok: true,
      value: '1.1',
    })
    expect(proxy.asked).toHaveLength(isProxied ? 1 : 0)
    both.close()
  },
)

describe('a proxy', () => {
  it.each([['http_proxy'], ['HTTP_PROXY'], ['ALL_PROXY']])('of %s is gone through', async name => {
    expect(await textOf(web({ environment: { [name]: proxy.url } }), program())).toMatchObject({ ok: true })
    expect(proxy.asked.length).toBeGreaterThan(0)
  })

  it('of HTTPS_PROXY is gone through for https', async () => {
    const secure = await startReleaseServer({ tls: { key, cert: Buffer.from(ca) } })
    const answer = await web({ ca, environment: { HTTPS_PROXY: proxy.url } }).get(
      `${secure.url}/repos/project-zot/zot/releases`,
    )
    expect(answer).toMatchObject({ ok: true, value: { status: 200 } })
    expect(proxy.asked).toEqual([new URL(secure.url).host])
    await secure.close()
  })

  it('is not for what NO_PROXY names', async () => {
    const environment = { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }
    expect(await textOf(web({ environment }), program())).toMatchObject({ ok: true })
    expect(proxy.asked).toEqual([])
  })

  it('that refuses is told from an address that refuses', async () => {
    proxy.refuse(403)
    expect(await web({ environment: { http_proxy: proxy.url } }).get(program())).toMatchObject({
      error: { cause: 'proxy', reason: `the proxy ${proxy.url}/ answers 403` },
    })
    await proxy.close()
    const withPassword = proxy.url.replace('//', '//me:secret@')
    const got = await web({ environment: { http_proxy: withPassword } }).get(program())
    expect(got).toMatchObject({
      error: { cause: 'proxy', reason: expect.stringContaining('nothing listens') },
    })
    expect(JSON.stringify(got)).not.toContain('secret')
  })

  it('that does not exist', async () => {
    const environment = { http_proxy: 'http://no-such-proxy.invalid:3128' }
    expect(await web({ environment }).get(program())).toMatchObject({
      error: { cause: 'proxy', reason: expect.stringContaining('DNS') },
    })
  })

  it('of a kind that is not known is not gone around', async () => {
    const environment = { all_proxy: 'socks5://127.0.0.1:1080' }
    expect(await web({ environment }).get(program())).toMatchObject({ error: { cause: 'proxy' } })
    expect(server.asked).toEqual([])
  })
})
