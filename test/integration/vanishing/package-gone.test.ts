import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { client } from '../../fakes/identity-provider.ts'
import { LyingProvider } from '../../fakes/lying-provider.ts'
import { freePort } from '../../setup/free-port.ts'
import { clientOf, firstBuild, makeBroken, serves } from '../hand-over/second-build.ts'
import { pushImage } from '../registry/client.ts'
import { basic, writeHtpasswd } from '../registry/people.ts'
import { type Answer, type AskOptions, ask, temporaryFolder } from '../registry/registry-process.ts'
import { copyPackage, type RunningCore, type StateLine, startCore, zotbar } from './package-copy.ts'

const folder = temporaryFolder()
const user = join(folder.path, 'user')
const own = join(user, 'home', 'engines', 'own')
let idp: LyingProvider
let core: RunningCore
let port: number

/** Whoever sends this Authorization with everything. */
const as = (authorization: string) => ({
  ask: (path: string, { headers = {}, ...rest }: AskOptions = {}): Promise<Answer> =>
    ask(port, path, { ...rest, headers: { Authorization: authorization, ...headers } }),
})

beforeAll(async () => {
  idp = await LyingProvider.start()
  port = await freePort()
  const data = join(user, 'data')
  mkdirSync(data, { recursive: true })
  const { id: clientid, secret: clientsecret } = client
  const oidc = { issuer: idp.issuer, clientid, clientsecret, scopes: ['openid', 'email'] }
  const config = {
    distSpecVersion: '1.1.1',
    storage: { rootDirectory: data },
    http: {
      address: '127.0.0.1',
      port: String(port),
      auth: {
        htpasswd: { path: writeHtpasswd(data, 'root') },
        apikey: true,
        openid: { providers: { oidc } },
      },
    },
    extensions: { metrics: { enable: true, prometheus: { path: '/metrics' } } },
  }
  const installed = copyPackage(join(folder.path, 'package'))
  core = startCore(installed, user, config)
  await core.line(({ state }) => state === 'serving')
  // Nothing was asked of it yet: no password, no figures, no sign-in.
  installed.remove()
})
afterAll(async () => {
  core?.process.kill('SIGKILL')
  await idp?.stop()
  folder.dispose()
})

const serving = (): Promise<StateLine> => core.line(({ state }) => state === 'serving')
/** The program that a process runs, where Linux says it. */
const programOf = (pid: number | undefined): string => readlinkSync(`/proc/${pid}/exe`)

/** Signs in at the provider as a browser would; answers the cookies that it has then. */
async function signIn(): Promise<string[]> {
  idp.lies = { userInfo: { sub: '1', email: 'ada@example.org' } }
  const begun = await ask(port, '/zot/auth/login?provider=oidc&callback_ui=/user/apikey')
  expect([begun.status, begun.headers.location]).toEqual([302, expect.stringContaining(idp.issuer)])
  const state = (begun.headers['set-cookie'] ?? []).map(line => line.split(';')[0]).join('; ')
  const done = await ask(port, idp.approve(begun.headers.location ?? ''), { headers: { Cookie: state } })
  return (done.headers['set-cookie'] ?? []).map(line => line.split('=')[0] ?? '')
}

async function everythingWorks(tag: string): Promise<void> {
  const admin = as(basic('root'))
  expect((await as(basic('root', 'wrong')).ask('/v2/')).status).toBe(401)
  await pushImage(admin, 'app', tag, tag)
  expect((await admin.ask(`/v2/app/manifests/${tag}`)).status).toBe(200)
  expect((await admin.ask('/metrics')).body.toString()).toContain('zot_')
  expect(await eventually(async () => (await signIn()).length > 0)).toBe(true)
  const body = JSON.stringify({ label: tag, scopes: [] })
  expect((await admin.ask('/zot/auth/apikey', { method: 'POST', body })).status).toBe(201)
  const { environment } = core
  expect(zotbar(environment, 'status')).toMatchObject({ state: 'serving' })
  expect(zotbar(environment, 'keys', 'create', '--user', 'root', '--label', `cli-${tag}`)).toMatchObject({
    user: 'root',
    apiKey: expect.stringMatching(/./),
  })
  expect(zotbar(environment, 'images', 'app')).toMatchObject({})
}

describe('when the package is deleted while the core and the registry run', () => {
  it('everything is there: a password, figures, a sign-in, keys, images', async () => {
    await everythingWorks('before')
  })

  it('the dashboard gives its pages and takes a link', async () => {
    const { dashboard } = await serving()
    const url = new URL(dashboard?.url ?? '')
    const at = (path: string): Promise<Answer> => ask(Number(url.port), path)
    const page = await at('/')
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    const assets = [...page.body.toString().matchAll(/(?:src|href)="\.?(\/assets\/[^"]+)"/g)].map(
      ([, path = '']) => path,
    )
    expect(assets.length).toBeGreaterThan(1)
    for (const path of assets) expect([path, (await at(path)).status]).toEqual([path, 200])
    const headers = { 'Content-Type': 'application/json', Origin: url.origin }
    const token = url.hash.replace('#token=', '')
    const redeemed = await ask(Number(url.port), '/api/session', {
      method: 'POST',
      headers,
      body: JSON.stringify({ token }),
    })
    expect([redeemed.status, redeemed.body.toString()]).toEqual([200, expect.stringContaining('"ok":true')])
  })

  it('the core takes its home back from a build that does not come up, and has its pages still', async () => {
    const { dashboard, registry } = await serving()
    const home = join(user, 'home')
    const broken = makeBroken(
      join(folder.path, 'broken'),
      'ends',
      'say(loaded); await heard; process.exit(1)',
    )
    await clientOf({ home }).app.handOver(broken)
    const back = await serves({ home }, firstBuild.build)
    expect(back.app.pid).toBe(core.process.pid)
    expect(back.process).toMatchObject({ pid: registry.pid })
    const { port: pages } = new URL(dashboard?.url ?? '')
    await eventually(async () => (await ask(Number(pages), '/').catch(() => undefined))?.status === 200)
  })

  it('a registry that is killed is started again, from the copy, and everything is there again', async () => {
    const { registry } = await serving()
    const [copy = ''] = readdirSync(own)
    process.kill(registry.pid ?? 0, 'SIGKILL')
    const again = await core.line(line => line.state === 'serving' && line.registry.pid !== registry.pid)
    if (process.platform === 'linux') expect(programOf(again.registry.pid)).toBe(join(own, copy, 'node'))
    await everythingWorks('after')
  })

  it('a large store is counted, by a thread, once config.json names it', async () => {
    const large = join(user, 'large')
    const blobs = join(large, 'many', 'blobs', 'sha256')
    mkdirSync(blobs, { recursive: true })
    for (let blob = 0; blob < 3200; blob++)
      writeFileSync(join(blobs, blob.toString(16).padStart(64, '0')), 'x'.repeat(100))
    writeFileSync(join(large, 'many', 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    writeFileSync(join(large, 'many', 'index.json'), '{"schemaVersion":2,"manifests":[]}')
    const file = join(user, 'config.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(join(user, 'data"'), `${large}"`))
    expect(zotbar(core.environment, 'restart')).toMatchObject({ error: { why: 'other-folder' } })
    zotbar(core.environment, 'data', 'accept')
    await eventually(() => (zotbar(core.environment, 'status') as StateLine).state === 'serving')
    const bytes = await eventually(() => {
      const { storage } = zotbar(core.environment, 'status') as { storage?: { bytes?: number } }
      return storage?.bytes !== undefined && storage.bytes > 0 ? storage.bytes : undefined
    })
    expect(bytes).toBeGreaterThanOrEqual(320_000)
  })

  it('the core ends, and the registry with it', async () => {
    const { registry } = zotbar(core.environment, 'status') as StateLine
    expect(await core.quit()).toBe(0)
    expect(() => process.kill(registry.pid ?? 0, 0)).toThrow()
  })
})
