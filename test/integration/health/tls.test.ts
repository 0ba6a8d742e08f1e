import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { portProbe } from '../../../core/health/port-probe.ts'
import { request } from '../../../core/health/probe.ts'
import { registryHttp } from '../../../core/platform/registry-http.ts'
import { readTarget } from '../../../core/registry-config/preflight.ts'
import { probeHttp } from '../../../core/supervisor/liveness.ts'
import { pinCertificate } from '../../../lib/pinned-certificate.ts'
import { type MadeCertificate, makeCertificate } from '../../fakes/certificates.ts'

let folder: string
let made: MadeCertificate
let url: string
let stop: () => void
let requests = 0

beforeEach(async () => {
  requests = 0
  folder = await mkdtemp(join(tmpdir(), 'zotbar-tls-'))
  made = makeCertificate(folder, 'registry.example.org')
  const server = createServer({ cert: made.pem, key: await readFile(made.key) }, (request, response) => {
    requests += 1
    response.statusCode = request.url === '/v2/' ? 200 : request.url === '/closed' ? 401 : 404
    response.end('{}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `https://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  pinCertificate(url, made.cert)
  stop = () => {
    server.closeAllConnections()
    server.close()
  }
})
afterEach(async () => {
  stop()
  await rm(folder, { recursive: true })
})

describe('a registry with http.tls', () => {
  it('is asked over https, whatever name its certificate is made out for', async () => {
    expect(await probeHttp(`${url}/v2/`, 5000)).toBe(200)
    expect(await request(url, '/v2/')).toMatchObject({ kind: 'answered', status: 200 })
    const context = { url, repositories: () => [], digestNow: async () => undefined, isCached: () => false }
    expect(await portProbe.run({ ...context, round: 0, monotonic: () => performance.now() })).toMatchObject({
      outcome: 'passed',
    })
    const registry = registryHttp({ url: () => url, credential: async () => undefined })
    expect(await registry.ask('/v2/')).toMatchObject({ ok: true, value: { status: 200 } })
    registry.close()
  })

  it('is not told from its port alone: who shows another certificate is sent no credential', async () => {
    const other = join(folder, 'other')
    await mkdir(other)
    const foreign = makeCertificate(other, 'registry.example.org')
    pinCertificate(url, foreign.cert)
    // It lives, all the same: nobody is to end it for that.
    expect(await probeHttp(`${url}/v2/`, 5000)).toBe(200)
    requests = 0
    expect(await request(url, '/closed', { authorization: async () => 'Basic eDp5' })).toEqual({
      kind: 'failed',
      reason: 'it shows another certificate than its own',
    })
    let asked = 0
    const credential = async () => {
      asked += 1
      return { user: 'admin', password: 'secret' }
    }
    const registry = registryHttp({ url: () => url, credential })
    expect(await registry.ask('/v2/')).toMatchObject({ ok: false })
    expect({ asked, requests }).toEqual({ asked: 1, requests: 1 })
    // A certificate that is renewed is taken up by both sides in their own time.
    pinCertificate(url, made.cert)
    expect(await registry.ask('/v2/')).toMatchObject({ ok: true })
    await writeFile(made.cert, await readFile(foreign.cert))
    expect(await registry.ask('/v2/')).toMatchObject({ ok: true })
    registry.close()
  })

  it('does not answer when something else does', async () => {
    expect(await probeHttp(url.replace('https:', 'http:'), 5000)).toBe('cut')
    stop()
    expect(await probeHttp(url, 5000)).toBe('refused')
    expect(await request(url, '/v2/')).toMatchObject({ kind: 'failed' })
  })

  it('is known by its config.json', async () => {
    const file = join(folder, 'config.json')
    const http = { port: '5443', tls: { cert: made.cert, key: made.key } }
    await writeFile(file, JSON.stringify({ storage: { rootDirectory: folder }, http }))
    expect(await readTarget(file)).toMatchObject({ ok: true, value: { url: 'https://127.0.0.1:5443' } })
  })
})
