import { execFile } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hashSync } from 'bcryptjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { digestText, imageOf } from '../../suites/image.ts'
import { pushBlob, pushImage, putManifest } from './client.ts'
import { as, basic, passwordOf, threeTiers, writeHtpasswd } from './people.ts'
import { type Registry, run, startRegistry, temporaryFolder, writeConfig } from './registry-process.ts'

const folder = temporaryFolder()
afterAll(() => folder.dispose())

describe('three tiers', () => {
  const root = join(folder.path, 'tiers')
  let registry: Registry
  let ci: ReturnType<typeof as>
  let admin: ReturnType<typeof as>
  beforeAll(async () => {
    const htpasswd = writeHtpasswd(root, 'robot', 'root', 'alice', 'stranger')
    registry = await startRegistry(root, threeTiers(htpasswd))
    ci = as(registry, basic('robot'))
    admin = as(registry, basic('root'))
    await pushImage(admin, 'app', 'v1', 'one')
    await pushImage(admin, 'private/app', 'v1', 'secret')
  })
  afterAll(() => registry.stop())

  it('lets anybody read and nobody unknown write', async () => {
    expect((await registry.ask('/v2/app/manifests/v1')).status).toBe(200)
    expect((await registry.ask('/v2/app/tags/list')).status).toBe(200)
    const begun = await registry.ask('/v2/app/blobs/uploads/', { method: 'POST' })
    expect(begun).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
    expect(begun.headers['www-authenticate']).toBe('Basic realm="the registry"')
    const quiet = { 'X-ZOT-API-CLIENT': 'zot-ui' }
    const page = await registry.ask('/v2/app/blobs/uploads/', { method: 'POST', headers: quiet })
    expect(page.status).toBe(401)
    expect(page.headers['www-authenticate']).toBeUndefined()
    expect(await putManifest(registry, 'app', 'v1', imageOf(['x']))).toMatchObject({ status: 401 })
    for (const path of [
      '/v2/app/manifests/v1',
      `/v2/app/blobs/${digestText('one')}`,
      '/v2/app/blobs/uploads/x',
    ]) {
      expect(await registry.ask(path, { method: 'DELETE' })).toMatchObject({ status: 401 })
    }
  })

  it('gives somebody known what anonymous has, and 403 beyond', async () => {
    const stranger = as(registry, basic('stranger'))
    expect((await stranger.ask('/v2/app/manifests/v1')).status).toBe(200)
    const begun = await stranger.ask('/v2/app/blobs/uploads/', { method: 'POST' })
    expect(begun).toMatchObject({ status: 403, code: 'DENIED' })
    expect(begun.headers['www-authenticate']).toBe('Basic realm="the registry"')
  })

  it('lets CI add tags, `latest` included, and push the same again, but replace and delete nothing', async () => {
    const image = await pushImage(ci, 'ci/app', 'latest', 'ci one')
    expect(await putManifest(ci, 'ci/app', 'latest', image)).toMatchObject({ status: 201 })
    expect(await putManifest(ci, 'ci/app', 'v2', image)).toMatchObject({ status: 201 })
    expect(await pushBlob(ci, 'ci/app', 'ci two')).toBe(201)
    const other = imageOf(['ci two'])
    expect(await putManifest(ci, 'ci/app', 'latest', other)).toMatchObject({ status: 403, code: 'DENIED' })
    expect(await putManifest(ci, 'ci/app', digestText(other.bytes), other)).toMatchObject({ status: 201 })
    const aliased = `${digestText(other.bytes)}?tag=latest`
    expect(await putManifest(ci, 'ci/app', aliased, other)).toMatchObject({ status: 403 })
    const same = `${digestText(image.bytes)}?tag=latest`
    expect(await putManifest(ci, 'ci/app', same, image)).toMatchObject({ status: 201 })
    for (const reference of ['latest', digestText(image.bytes)]) {
      expect(await ci.ask(`/v2/ci/app/manifests/${reference}`, { method: 'DELETE' })).toMatchObject({
        status: 403,
      })
    }
    expect(await ci.ask(`/v2/ci/app/blobs/${digestText('ci one')}`, { method: 'DELETE' })).toMatchObject({
      status: 403,
    })
    const served = await registry.ask('/v2/ci/app/manifests/latest')
    expect(served.headers['docker-content-digest']).toBe(digestText(image.bytes))
  })

  it('decides about a tag before it looks into the manifest', async () => {
    const broken = { ...imageOf(['x']), bytes: Buffer.from('not a manifest') }
    expect(await putManifest(ci, 'app', 'v1', broken)).toMatchObject({ status: 403 })
    expect(await putManifest(ci, 'app', 'fresh', broken)).toMatchObject({ status: 400 })
    expect(await putManifest(admin, 'app', 'v1', broken)).toMatchObject({ status: 400 })
  })

  it('lets one of many pushes at once make a new tag', async () => {
    const layers = Array.from({ length: 8 }, (_, at) => `race ${at}`)
    await pushImage(ci, 'race', 'base', 'base')
    for (const layer of layers) expect(await pushBlob(ci, 'race', layer)).toBe(201)
    const answers = await Promise.all(layers.map(layer => putManifest(ci, 'race', 'new', imageOf([layer]))))
    expect(answers.map(answer => answer.status).sort()).toEqual([201, ...Array(7).fill(403)])
  })

  it('lets CI give up its own upload', async () => {
    const begun = await ci.ask('/v2/ci/app/blobs/uploads/', { method: 'POST' })
    const location = begun.headers.location ?? ''
    expect((await ci.ask(location)).status).toBe(204)
    expect((await as(registry, basic('stranger')).ask(location, { method: 'DELETE' })).status).toBe(403)
    expect((await ci.ask(location, { method: 'DELETE' })).status).toBe(204)
  })

  it('mounts nothing from where somebody may not read', async () => {
    const digest = digestText('secret')
    const from = `/v2/ci/app/blobs/uploads/?mount=${digest}&from=private/app`
    expect((await ci.ask(from, { method: 'POST' })).status).toBe(202)
    expect((await ci.ask(`/v2/ci/app/blobs/${digest}`)).status).toBe(404)
    expect((await admin.ask(from, { method: 'POST' })).status).toBe(201)
  })

  it('lists only what somebody may read', async () => {
    const names = async (who: { ask: Registry['ask'] }): Promise<string[]> =>
      JSON.parse((await who.ask('/v2/_catalog')).body.toString()).repositories
    expect(await names(registry)).toContain('app')
    expect(await names(registry)).not.toContain('private/app')
    expect(await names(ci)).not.toContain('private/app')
    expect(await names(admin)).toContain('private/app')
    expect(await names(as(registry, basic('alice')))).toContain('private/app')
    expect(await registry.ask('/v2/private/app/manifests/v1')).toMatchObject({ status: 401 })
    expect(await ci.ask('/v2/private/app/tags/list')).toMatchObject({ status: 403 })
    expect(await ci.ask(`/v2/private/app/referrers/${digestText('x')}`)).toMatchObject({ status: 403 })
  })

  it('lets admins replace and delete', async () => {
    await pushImage(admin, 'gone', 'v1', 'first')
    await pushImage(admin, 'gone', 'v1', 'second')
    expect((await admin.ask('/v2/gone/manifests/v1', { method: 'DELETE' })).status).toBe(202)
  })

  it('answers /v2/ as zot does', async () => {
    const open = await registry.ask('/v2/')
    expect(open.status).toBe(200)
    expect(open.headers['www-authenticate']).toBe('basic realm="the registry"')
    const docker = await registry.ask('/v2/', { headers: { 'User-Agent': 'docker/27.0 go/1.22' } })
    expect(docker.status).toBe(401)
    const known = as(registry, basic('robot'))
    expect((await known.ask('/v2/', { headers: { 'User-Agent': 'docker/27.0' } })).status).toBe(200)
  })

  it.each([
    ['a wrong password', basic('root', 'x')],
    ['an unknown user', basic('nobody', 'x')],
    ['another case', basic('Root', passwordOf('root'))],
    ['another scheme', 'Bearer x'],
    ['rubbish', 'Basic ###'],
  ])('never takes %s for nobody', async (_what, authorization) => {
    const bad = as(registry, authorization)
    expect(await bad.ask('/v2/')).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
    const answer = await bad.ask('/v2/app/manifests/v1')
    expect(answer).toMatchObject({ status: 401 })
    expect(String(answer.body)).toContain('the credentials shown are wrong, have ended or were revoked')
  })

  it('refuses two Authorization headers', async () => {
    const socket = await registry.connect()
    const line = `Authorization: ${basic('root')}\r\n`
    socket.write(`GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${line}${line}\r\n`)
    let text = ''
    for await (const chunk of socket) text += chunk
    expect(text).toMatch(/^HTTP\/1.1 401 /)
  })

  it('serves pulls while passwords are guessed, and asks guessers for patience', async () => {
    const guesses = Array.from({ length: 150 }, (_, at) => as(registry, basic(`guess${at}`, 'x')).ask('/v2/'))
    const pull = await registry.ask('/v2/app/manifests/v1')
    expect(pull.status).toBe(200)
    const statuses = new Set((await Promise.all(guesses)).map(answer => answer.status))
    expect([...statuses].filter(status => status !== 401 && status !== 429)).toEqual([])
    expect(statuses).toContain(429)
    // Somebody known from before is not held up.
    expect((await admin.ask('/v2/')).status).toBe(200)
  })

  it('names people in its log, and no secret', async () => {
    const lines = await eventually(() => {
      const found = registry
        .log()
        .filter(line => line['message'] === 'HTTP API' && line['username'] === 'root')
      return found.length > 0 && found
    })
    expect(lines.length).toBeGreaterThan(0)
    const text = JSON.stringify(registry.log())
    expect(text).not.toContain(basic('root').slice(6))
    expect(text).not.toContain(passwordOf('root'))
  })
})

describe('users', () => {
  it('come and go with the file, in place or by rename', async () => {
    const root = join(folder.path, 'users')
    const file = writeHtpasswd(root, 'root')
    const registry = await startRegistry(root, {
      http: { address: '127.0.0.1', port: '0', auth: { htpasswd: { path: file } } },
    })
    try {
      const status = async (user: string): Promise<number> =>
        (await as(registry, basic(user)).ask('/v2/')).status
      expect((await registry.ask('/v2/')).status).toBe(401)
      expect((await registry.ask('/v2/_catalog')).status).toBe(401)
      expect(await status('root')).toBe(200)
      expect(await status('late')).toBe(401)
      const line = `late:${hashSync(passwordOf('late'), 4)}\n`
      writeFileSync(`${file}.new`, line)
      renameSync(`${file}.new`, file)
      await eventually(async () => (await status('root')) === 401)
      expect(await status('late')).toBe(200)
      writeFileSync(file, `${line}broken\n`)
      await eventually(() => registry.log().some(one => String(one['message']).startsWith('htpasswd line 2')))
    } finally {
      await registry.stop()
    }
  })

  it('lose their sessions with their line or their password, and others keep theirs', async () => {
    const root = join(folder.path, 'leavers')
    const file = writeHtpasswd(root, 'gone', 'changed', 'stays')
    const registry = await startRegistry(root, {
      http: { address: '127.0.0.1', port: '0', auth: { htpasswd: { path: file }, apikey: true } },
    })
    try {
      const ours = { 'X-ZOT-API-CLIENT': 'zot-ui' }
      const signIn = async (user: string): Promise<() => Promise<number>> => {
        const options = { method: 'POST', headers: { ...ours, Authorization: basic(user) } }
        const { headers } = await registry.ask('/zot/auth/login', options)
        const cookie = /session=[^;]+/.exec(String(headers['set-cookie']))?.[0] ?? ''
        return async () =>
          (await registry.ask('/zot/auth/apikey', { headers: { ...ours, Cookie: cookie } })).status
      }
      const [gone, changed, stays] = [await signIn('gone'), await signIn('changed'), await signIn('stays')]
      expect([await gone(), await changed(), await stays()]).toEqual([200, 200, 200])
      const kept = readFileSync(file, 'utf8').split('\n')[2]
      writeFileSync(`${file}.new`, `changed:${hashSync('another', 4)}\n${kept}\n`)
      renameSync(`${file}.new`, file)
      await eventually(async () => (await gone()) === 401)
      expect([await changed(), await stays()]).toEqual([401, 200])
      // Nobody may come in without a password because the way to show one was taken out of the file.
      writeConfig(root, { http: { address: '127.0.0.1', port: '0' } })
      await eventually(() => registry.log().some(one => /users stay until/.test(String(one['message']))))
      expect((await registry.ask('/v2/_catalog')).status).toBe(401)
      expect(await stays()).toBe(200)
    } finally {
      await registry.stop()
    }
  })

  it('are asked for on addresses that are open to others', async () => {
    const root = join(folder.path, 'open')
    const auth = { htpasswd: { path: writeHtpasswd(root, 'root') } }
    const open = writeConfig(root, { http: { address: '0.0.0.0', port: '0', auth } })
    expect((await run('verify', open)).code).toBe(0)
    const closed = writeConfig(root, {
      http: { address: '0.0.0.0', port: '0', accessControl: { repositories: {} } },
    })
    expect((await run('verify', closed)).code).toBe(1)
  })
})

describe('skopeo', () => {
  it('pulls without credentials, pushes with them, and is told when it may not', async () => {
    const root = join(folder.path, 'skopeo')
    const htpasswd = writeHtpasswd(root, 'robot', 'root')
    const registry = await startRegistry(root, threeTiers(htpasswd))
    try {
      await pushImage(as(registry, basic('root')), 'app', 'v1', 'one')
      const at = (name: string): string => `docker://127.0.0.1:${registry.port}/${name}`
      const skopeo = async (...args: string[]): Promise<string> => {
        try {
          await promisify(execFile)('skopeo', args)
          return 'done'
        } catch (error) {
          return String(error)
        }
      }
      const copied = `dir:${join(folder.path, 'copied')}`
      expect(await skopeo('copy', '--src-tls-verify=false', at('app:v1'), copied)).toBe('done')
      const push = (...more: string[]) => skopeo('copy', '--dest-tls-verify=false', ...more)
      const creds = `--dest-creds=robot:${passwordOf('robot')}`
      expect(await push(copied, at('ci/app:v1'))).toMatch(/unauthorized|authentication required/i)
      expect(await push(creds, copied, at('ci/app:v1'))).toBe('done')
      expect(await push(creds, copied, at('ci/app:v1'))).toBe('done')
      await pushImage(as(registry, basic('root')), 'ci/app', 'v2', 'two')
      expect(await push(creds, copied, at('ci/app:v2'))).toMatch(/denied/i)
      expect(await push('--dest-creds=robot:wrong', copied, at('ci/app:v3'))).toMatch(
        /unauthorized|invalid username/i,
      )
    } finally {
      await registry.stop()
    }
  })
})
