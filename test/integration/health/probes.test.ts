import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { plainText } from '../../../contract/messages/format.ts'
import { catalogProbe } from '../../../core/health/catalog-probe.ts'
import { manifestProbe } from '../../../core/health/manifest-probe.ts'
import { portProbe } from '../../../core/health/port-probe.ts'
import type { KnownManifest, ProbeContext } from '../../../core/health/probe.ts'
import { request } from '../../../core/health/probe.ts'
import { readinessProbe } from '../../../core/health/readiness-probe.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0)) await step()
})

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** A registry as the probes see it; `asked` lists what they asked. */
async function registry(routes: Record<string, Handler | number | string>) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const what = `${request.method} ${request.url}`
    asked.push(what)
    const route = routes[what] ?? routes[what.replace(/^\w+ /, '* ')] ?? 404
    if (typeof route === 'function') return route(request, response)
    if (typeof route === 'string') return response.end(route)
    response.statusCode = route
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  undo.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return { url, asked }
}

const context = (
  url: string,
  over: Partial<ProbeContext> & { known?: KnownManifest[] } = {},
): ProbeContext => ({
  url,
  repositories: () => over.known ?? [],
  digestNow: async () => undefined,
  isCached: () => false,
  round: 0,
  monotonic: () => performance.now(),
  ...over,
})

const refused = async () => {
  const server = createTcpServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

describe('port', () => {
  it('passes in milliseconds when something listens', async () => {
    const { url } = await registry({})
    const result = await portProbe.run(context(url))
    expect(result).toMatchObject({ outcome: 'passed' })
    expect(plainText(result.detail)).toMatch(/^\d+ ms$/)
  })
  it('fails with words when nothing does', async () => {
    const result = await portProbe.run(context(await refused()))
    expect(result).toMatchObject({ outcome: 'failed', detail: 'the connection is refused' })
  })
})

describe('ready', () => {
  it.each([
    [{ 'GET /readyz': 200 }, 'passed', '/readyz 200'],
    [{ 'GET /readyz': 503 }, 'failed', '/readyz 503'],
    [{ 'GET /v2/': 200 }, 'passed', '/v2/ 200'],
    [{ 'GET /v2/': 401 }, 'passed', '/v2/ 401'],
    [{}, 'failed', '/v2/ 404'],
  ])('%j is %s', async (routes, outcome, detail) => {
    const { url } = await registry(routes)
    expect(await readinessProbe.run(context(url))).toMatchObject({ outcome, detail })
  })
  it('passes on what the registry says itself', async () => {
    const failing = (error: object) => (_: IncomingMessage, response: ServerResponse) => {
      response.statusCode = 503
      response.end(JSON.stringify({ errors: [{ code: 'UNAVAILABLE', ...error }] }))
    }
    const said = async (error: object) => {
      const { url } = await registry({ 'GET /readyz': failing(error) })
      return readinessProbe.run(context(url))
    }
    const message = 'the registry cannot reach its storage'
    expect(await said({ message, detail: { reason: 'the data folder is no longer there' } })).toMatchObject({
      detail: '/readyz 503',
      reason: 'the data folder is no longer there',
    })
    expect(await said({ message, detail: {} })).toMatchObject({ reason: message })
    expect(await said({ message: 7 })).not.toHaveProperty('reason')
  })
  it('names a connection that was cut', async () => {
    const { url } = await registry({ 'GET /readyz': request => request.socket.destroy() })
    expect(await readinessProbe.run(context(url))).toMatchObject({
      detail: '/readyz: the connection was cut',
    })
  })
})

describe('a registry that hangs', () => {
  it('is given up after the limit, before or in the middle of an answer', async () => {
    const { url } = await registry({
      'GET /never': () => undefined,
      'GET /half': (_, response) => response.write('half'),
    })
    const given = { kind: 'failed', reason: 'no answer within 1 s' }
    expect(await request(url, '/never', { timeoutMs: 600 })).toEqual(given)
    expect(await request(url, '/half', { timeoutMs: 600 })).toEqual(given)
  })
})

describe('catalog', () => {
  const list = (names: string[], link?: string): Handler => {
    return (_, response) =>
      response.writeHead(200, link ? { link } : {}).end(JSON.stringify({ repositories: names }))
  }
  const many = Array.from({ length: 1000 }, (_, at) => `r${at}`)
  it.each([
    [list(['a', 'b']), 'passed', '2 repositories'],
    [list(['a']), 'passed', '1 repository'],
    [list([]), 'passed', '0 repositories'],
    ['{"repositories":null}', 'passed', '0 repositories'],
    [list(many), 'passed', '1,000 repositories'],
    [list(many, '</v2/_catalog?n=1000&last=r999>; rel="next"'), 'passed', 'more than 1,000 repositories'],
    [401, 'skipped', 'needs a sign-in'],
    [403, 'skipped', 'needs a sign-in'],
    [500, 'failed', '/v2/_catalog 500'],
    ['<html>', 'failed', 'the answer is not a list of repositories'],
    [((_, response) => response.end(Buffer.alloc(3e6))) as Handler, 'failed', 'more than 1 MiB came back'],
  ])('answer %# is %s: %s', async (route, outcome, detail) => {
    const { url } = await registry({ 'GET /v2/_catalog?n=1000': route })
    const result = await catalogProbe.run(context(url))
    expect({ ...result, detail: plainText(result.detail) }).toMatchObject({ outcome, detail })
  })
})

describe('manifest', () => {
  const text = JSON.stringify({ schemaVersion: 2 })
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
  const known = [{ name: 'team/app', digest }]
  const head = `HEAD /v2/team/app/manifests/${digest}`
  const blob = `GET /v2/team/app/blobs/${digest}`
  const short = digest.slice(0, 19)

  it('passes when the bytes match the digest, without a pull that retention would count', async () => {
    const { url, asked } = await registry({ [head]: 200, [blob]: text })
    const result = await manifestProbe.run(context(url, { known }))
    expect(result.outcome).toBe('passed')
    expect(plainText(result.detail)).toMatch(/^\d+ ms$/)
    expect(asked).toEqual([head, blob])
  })

  it('asks for the manifest itself where blobs and manifests are kept apart', async () => {
    const get = `GET /v2/team/app/manifests/${digest}`
    const { url, asked } = await registry({ [head]: 200, [get]: text })
    expect(await manifestProbe.run(context(url, { known }))).toMatchObject({ outcome: 'passed' })
    expect(asked).toEqual([head, blob, get])
  })

  it('checks a sha512 digest as one', async () => {
    const long = `sha512:${createHash('sha512').update(text).digest('hex')}`
    const { url } = await registry({
      [`HEAD /v2/a/manifests/${long}`]: 200,
      [`GET /v2/a/blobs/${long}`]: text,
    })
    const result = await manifestProbe.run(context(url, { known: [{ name: 'a', digest: long }] }))
    expect(result.outcome).toBe('passed')
  })

  it.each([
    [{ [head]: 200, [blob]: 'other bytes' }, 'the bytes do not match the digest'],
    [{ [head]: 200, [blob]: 500 }, 'the registry answers 500'],
    [{ [head]: 500 }, 'the registry answers 500'],
    [
      { [head]: ((request: IncomingMessage) => request.socket.destroy()) as Handler },
      'the connection was cut',
    ],
    [
      { [head]: 200, [blob]: ((_, response) => response.end(Buffer.alloc(5e6))) as Handler },
      'more than 4 MiB came back',
    ],
  ])('fails with words, case %#', async (routes, words) => {
    const { url } = await registry(routes)
    const result = await manifestProbe.run(context(url, { known }))
    expect(result).toMatchObject({ outcome: 'failed', detail: `team/app@${short}: ${words}` })
  })

  it('fails when the registry denies what is on disk', async () => {
    const { url } = await registry({})
    const result = await manifestProbe.run(context(url, { known, digestNow: async () => digest }))
    const detail = `team/app@${short}: it is on disk, but the registry answers 404`
    expect(result).toMatchObject({ outcome: 'failed', detail })
  })

  it('goes on to the next repository when one was deleted meanwhile', async () => {
    const { url } = await registry({ [head]: 200, [blob]: text })
    const gone = [{ name: 'gone', digest: `sha256:${'0'.repeat(64)}` }, ...known]
    expect(await manifestProbe.run(context(url, { known: gone }))).toMatchObject({ outcome: 'passed' })
    const all = await manifestProbe.run(context(url, { known: gone.slice(0, 1) }))
    expect(all).toEqual({
      id: 'manifest',
      outcome: 'skipped',
      detail: 'the images that were known were deleted',
    })
  })

  it('takes each repository in turn, and never one of copies', async () => {
    const names = ['docker.io/library/x', 'a', 'b', 'c']
    const routes = Object.fromEntries(
      names.flatMap(name => [
        [`* /v2/${name}/manifests/${digest}`, 200],
        [`* /v2/${name}/blobs/${digest}`, text],
      ]),
    )
    const { url, asked } = await registry(routes)
    const isCached = (name: string) => name.startsWith('docker.io/')
    for (let round = 0; round < 4; round += 1)
      await manifestProbe.run(context(url, { known: names.map(name => ({ name, digest })), isCached, round }))
    const heads = asked.filter(what => what.startsWith('HEAD')).map(what => what.split('/')[2])
    expect(heads).toEqual(['a', 'b', 'c', 'a'])
  })

  it.each([
    [{ repositories: () => undefined }, 'the store is being counted'],
    [{ known: [] }, 'no image yet'],
    [{ known, isCached: () => true }, 'only copies from upstreams'],
  ])('is skipped without an own image, case %#', async (over, detail) => {
    const { url, asked } = await registry({})
    expect(await manifestProbe.run(context(url, over))).toEqual({
      id: 'manifest',
      outcome: 'skipped',
      detail,
    })
    expect(asked).toEqual([])
  })

  it('is skipped where pulls need a sign-in', async () => {
    const { url } = await registry({ [head]: 401 })
    expect(await manifestProbe.run(context(url, { known }))).toMatchObject({ detail: 'needs a sign-in' })
  })
})
