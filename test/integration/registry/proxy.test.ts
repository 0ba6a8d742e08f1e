import type { ChildProcess } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { authorityOf, startCaddySites } from '../../fakes/caddy.ts'
import { client } from '../../fakes/identity-provider.ts'
import { LyingProvider } from '../../fakes/lying-provider.ts'
import { freePort } from '../../setup/free-port.ts'
import { describeWith } from '../../setup/need.ts'
import { basic, writeHtpasswd } from './people.ts'
import { type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: string
  /** The address of the client, of this machine. */
  from?: string
}
interface Seen {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

const ui = { 'X-ZOT-API-CLIENT': 'zot-ui' }

describeWith(['caddy'], 'behind caddy', () => {
  const folder = temporaryFolder()
  let idp: LyingProvider
  let caddy: ChildProcess
  /** As its config says who it is; and one that has to believe its proxy. */
  let named: Registry
  let unnamed: Registry
  let namedPort: number
  let unnamedPort: number

  const start = (name: string, http: object): Promise<Registry> => {
    const root = `${folder.path}/${name}`
    const { issuer } = idp
    const oidc = { issuer, clientid: client.id, clientsecret: client.secret, scopes: ['openid', 'email'] }
    const auth = {
      htpasswd: { path: writeHtpasswd(root, 'alice', 'bob') },
      apikey: true,
      openid: { providers: { oidc } },
    }
    return startRegistry(root, { http: { address: '127.0.0.1', port: '0', auth, ...http } })
  }

  beforeAll(async () => {
    idp = await LyingProvider.start()
    namedPort = await freePort()
    unnamedPort = await freePort()
    const externalUrl = `https://localhost:${namedPort}`
    ;[named, unnamed] = await Promise.all([start('named', { externalUrl }), start('unnamed', {})])
    caddy = await startCaddySites(folder.path, [
      // As nginx and Apache do unless they are told otherwise: the upstream as Host, and nothing of who asks.
      {
        port: namedPort,
        registryPort: named.port,
        lines: [
          'header_up Host {upstream_hostport}',
          'header_up -X-Forwarded-Host',
          'header_up -X-Forwarded-Proto',
          'header_up -X-Forwarded-For',
        ],
      },
      { port: unnamedPort, registryPort: unnamed.port },
    ])
  })
  afterAll(async () => {
    caddy?.kill()
    await Promise.all([named?.stop(), unnamed?.stop(), idp?.stop()])
    folder.dispose()
    for (const name of ['named', 'unnamed']) rmSync(`${folder.path}/${name}.htpasswd`, { force: true })
  })

  function ask(port: number, path: string, { method = 'GET', headers = {}, body, from }: Sent = {}) {
    return new Promise<Seen>((resolve, reject) => {
      const ca = readFileSync(authorityOf(folder.path))
      const options = { host: '127.0.0.1', servername: 'localhost', port, path, method, ca, agent: false }
      const own = { Host: `localhost:${port}`, ...headers }
      const asked = request({ ...options, headers: own, ...(from ? { localAddress: from } : {}) }, res => {
        let text = ''
        res.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }))
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }
  const cookiesOf = ({ headers }: Seen): string[] => headers['set-cookie'] ?? []
  const jarOf = (seen: Seen): { Cookie: string } => ({
    Cookie: cookiesOf(seen)
      .map(line => line.split(';')[0] ?? '')
      .join('; '),
  })

  it('people sign in by password, make, see and end a key, and sign out, although Host is the upstream', async () => {
    for (const port of [namedPort, unnamedPort]) {
      const Origin = `https://localhost:${port}`
      const post = (path: string, headers: Record<string, string>, body?: string) =>
        ask(port, path, { method: 'POST', headers: { ...ui, Origin, ...headers }, ...(body ? { body } : {}) })
      const signedIn = await post('/zot/auth/login', { Authorization: basic('alice') })
      expect(signedIn.status).toBe(200)
      for (const line of cookiesOf(signedIn)) expect(line).toContain('; Secure')
      const jar = jarOf(signedIn)
      const made = await post('/zot/auth/apikey', jar, '{"label":"ci"}')
      expect(made.status).toBe(201)
      const { uuid } = JSON.parse(made.body)
      const ended = await ask(port, `/zot/auth/apikey?id=${uuid}`, {
        method: 'DELETE',
        headers: { ...ui, ...jar, Origin },
      })
      expect(ended.status).toBe(200)
      // From another site, with what only the browser of the victim has.
      for (const evil of ['https://evil.example', 'null', `https://localhost:${port}.evil.example`])
        expect((await post('/zot/auth/apikey', { ...jar, Origin: evil }, '{"label":"x"}')).status).toBe(403)
      expect((await post('/zot/auth/logout', jar)).status).toBe(200)
      expect((await post('/zot/auth/apikey', jar, '{"label":"x"}')).status).toBe(401)
    }
  })

  it('a provider sends people back to where the proxy was asked', async () => {
    for (const port of [namedPort, unnamedPort]) {
      const begun = await ask(port, '/zot/auth/login?provider=oidc&callback_ui=/user/apikey')
      const redirectUri = new URL(begun.headers.location ?? '').searchParams.get('redirect_uri')
      expect(redirectUri).toBe(`https://localhost:${port}/zot/auth/callback/oidc`)
      const back = await ask(port, idp.approve(begun.headers.location ?? ''), { headers: jarOf(begun) })
      expect(back).toMatchObject({ status: 302, headers: { location: '/user/apikey' } })
      for (const line of [...cookiesOf(begun), ...cookiesOf(back)]) expect(line).toContain('; Secure')
      const page = await ask(port, '/user/apikey', { headers: jarOf(back) })
      expect(page.body).toContain(`docker login localhost:${port} `)
    }
  })

  it('pages show the name that people came by, and uploads go on at a path', async () => {
    for (const port of [namedPort, unnamedPort]) {
      expect((await ask(port, '/')).body).toContain(`docker pull localhost:${port}/NAME:TAG`)
      const begun = await ask(port, '/v2/lib/a/blobs/uploads/', {
        method: 'POST',
        headers: { Authorization: basic('alice') },
      })
      expect(begun).toMatchObject({
        status: 202,
        headers: { location: expect.stringMatching(/^\/v2\/lib\/a\//) },
      })
      expect(await ask(port, '/user/apikey')).toMatchObject({
        status: 302,
        headers: { location: expect.stringMatching(/^\/login\?/) },
      })
    }
  })

  it('failed sign-ins count for the real client, who cannot be somebody else', async () => {
    const guess = async (port: number, from: string, user: string, forged?: string): Promise<number> => {
      const named = forged === undefined ? {} : { 'X-Forwarded-For': forged, Forwarded: `for=${forged}` }
      const headers = { Authorization: basic(user, 'wrong'), ...named }
      return (await ask(port, '/v2/', { from, headers })).status
    }
    const answers = new Set<number>()
    for (let turn = 0; turn < 22; turn++)
      answers.add(await guess(unnamedPort, '127.0.0.2', 'alice', `203.0.113.${turn}`))
    expect([...answers]).toEqual([401, 429])
    expect(await guess(unnamedPort, '127.0.0.3', 'alice')).toBe(401)
    const signIn = { from: '127.0.0.3', headers: { Authorization: basic('alice') } }
    expect((await ask(unnamedPort, '/v2/', signIn)).status).toBe(200)
  })

  it('where the proxy names no client, guessing one name shuts nobody else out', async () => {
    const sign = (from: string, user: string, password?: string) =>
      ask(namedPort, '/v2/', { from, headers: { Authorization: basic(user, password) } })
    const answers = new Set<number>()
    for (let turn = 0; turn < 22; turn++) answers.add((await sign('127.0.0.2', 'carol', 'x')).status)
    expect([...answers]).toEqual([401, 429])
    expect((await sign('127.0.0.3', 'bob')).status).toBe(200)
  })
})
