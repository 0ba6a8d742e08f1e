import { spawnSync } from 'node:child_process'
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { afterAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'
import { digestText } from '../../suites/image.ts'
import { pushBlob, pushImage } from '../registry/client.ts'
import { type Registry, startRegistry, temporaryFolder, writeConfig } from '../registry/registry-process.ts'

const folder = temporaryFolder()
const open: Registry[] = []
afterAll(async () => {
  for (const registry of open) await registry.stop()
  folder.dispose()
})

let count = 0
const http = { address: '127.0.0.1', port: '0' }
const start = async (config: object): Promise<Registry> => {
  const registry = await startRegistry(join(folder.path, `root-${count++}`), config)
  open.push(registry)
  return registry
}
const basic = (user: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const htpasswd = (): string => {
  const path = join(folder.path, 'htpasswd')
  writeFileSync(path, `ann:${hashSync('pass-of-ann', 4)}\nprom:${hashSync('pass-of-prom', 4)}\n`)
  return path
}
const json = ({ body }: { body: Buffer }): unknown => JSON.parse(body.toString())

describe('metrics', () => {
  it('are there when the block is, and count what happens', async () => {
    const registry = await start({ extensions: { metrics: {} } })
    await pushImage(registry, 'm/app', 'v1', 'layer')
    await registry.ask('/v2/m/app/manifests/v1')
    await registry.ask('/v2/m/app/manifests/absent')
    await registry.ask('/v2/m/app/blobs/uploads/', { method: 'POST' })
    const scrape = async (): Promise<string[]> => (await registry.ask('/metrics')).body.toString().split('\n')
    const lines = await eventually(async () => {
      const read = await scrape()
      return read.some(line => /^zot_repo_storage_bytes\{repo="m\/app"\} [1-9]/.test(line)) && read
    })
    for (const line of [
      'zot_repo_uploads_total{repo="m/app"} 1',
      'zot_repo_downloads_total{repo="m/app"} 1',
      'zot_http_requests_total{method="GET",code="404"} 1',
      'zot_uploads_open 1',
      'zot_upload_duration_seconds_count 2',
      'zot_storage_lock_latency_seconds_count{storageName="root",lockType="RWLock"} 2',
    ])
      expect(lines).toContain(line)
  })

  it('have the path of the config, and are absent when disabled', async () => {
    const at = await start({ extensions: { metrics: { prometheus: { path: '/figures' } } } })
    expect((await at.ask('/figures')).headers['content-type']).toBe(
      'text/plain; version=0.0.4; charset=utf-8',
    )
    expect((await at.ask('/metrics')).status).toBe(404)
    const off = await start({ extensions: { metrics: { enable: false } } })
    expect((await off.ask('/metrics')).status).toBe(404)
  })

  it('are for those whom the config names, in all forms', async () => {
    const auth = { htpasswd: { path: htpasswd() } }
    const ask = async (metrics: object, headers: Record<string, string> = {}) => {
      const accessControl = { repositories: {}, adminPolicy: { users: ['ann'], actions: ['read'] }, metrics }
      const registry = await start({ http: { ...http, auth, accessControl }, extensions: { metrics: {} } })
      const answer = await registry.ask('/metrics', { headers })
      await registry.stop()
      return answer
    }
    const named = { users: ['prom'] }
    expect((await ask(named, basic('prom', 'pass-of-prom'))).status).toBe(200)
    const known = await ask(named, basic('ann', 'pass-of-ann'))
    expect(known).toMatchObject({ status: 403, code: 'DENIED' })
    expect(JSON.parse(known.body.toString()).errors[0].detail).toEqual({
      user: 'ann',
      reason: 'the metrics are for accessControl.metrics.users, and user "ann" is not among them',
    })
    // Whoever shows a wrong password is not known.
    expect(await ask(named, basic('prom', 'wrong'))).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
    expect((await ask(named)).status).toBe(401)
    expect((await ask({}, basic('ann', 'pass-of-ann'))).status).toBe(403)
    expect((await ask({})).status).toBe(401)
    expect((await ask({ users: [''] })).status).toBe(200)
    expect((await ask({ anonymousPolicy: ['read'] })).status).toBe(200)
  })
})

describeWith(['promtool'], 'Prometheus', () => {
  it('reads the metrics of a real registry', async () => {
    const registry = await start({ extensions: { metrics: {} } })
    await pushImage(registry, 'p/app', 'v1', 'layer')
    const input = (await registry.ask('/metrics')).body
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
    expect([0, 3], stderr).toContain(status)
  })
})

describe('what the registry says of itself', () => {
  it('is open to everybody, names ways to sign in and no secret', async () => {
    const path = htpasswd()
    const registry = await start({
      http: { ...http, auth: { htpasswd: { path }, apikey: true } },
      extensions: { search: {} },
    })
    const mgmt = await registry.ask('/v2/_zot/ext/mgmt')
    expect(mgmt).toMatchObject({ status: 200, headers: { 'x-content-type-options': 'nosniff' } })
    expect(json(mgmt)).toEqual({
      distSpecVersion: '1.1.1',
      commit: expect.stringMatching(/^v/),
      releaseTag: expect.stringMatching(/^v/),
      binaryType: 'zotbar-registry',
      http: { auth: { htpasswd: {}, apikey: true } },
    })
    expect(mgmt.body.toString()).not.toContain(path)
    expect(json(await registry.ask('/v2/_oci/ext/discover'))).toMatchObject({
      extensions: [{ name: '_zot', endpoints: ['/v2/_zot/ext/mgmt'] }],
    })
  })

  it('is not there without search', async () => {
    const registry = await start({})
    expect((await registry.ask('/v2/_zot/ext/mgmt')).status).toBe(404)
    expect(json(await registry.ask('/v2/_oci/ext/discover'))).toEqual({ extensions: [] })
  })
})

describe('the logs', () => {
  it('have who changed what in a file of its own, and no secret anywhere', async () => {
    const output = join(folder.path, 'registry.log')
    const audit = join(folder.path, 'audit.log')
    const root = join(folder.path, 'root-audit')
    const auth = { htpasswd: { path: htpasswd() }, apikey: true }
    const file = writeConfig(root, { http: { ...http, auth }, log: { level: 'debug', output, audit } })
    // With log.output nothing is on standard output: what it says is in the file.
    const { spawn } = await import('node:child_process')
    const { entry } = await import('../registry/registry-process.ts')
    const child = spawn(process.execPath, [entry, 'serve', file], { stdio: 'ignore' })
    try {
      const port = await eventually(() => {
        try {
          const line = readFileSync(output, 'utf8')
            .split('\n')
            .find(one => one.includes('"serving"'))
          return line === undefined ? undefined : Number(JSON.parse(line).port)
        } catch {
          return undefined
        }
      })
      const { ask } = await import('../registry/registry-process.ts')
      const headers = { ...basic('ann', 'pass-of-ann'), Cookie: 'session=MARK-cookie' }
      const made = await ask(port, '/v2/a/blobs/uploads/?token=MARK-token', { method: 'POST', headers })
      expect(made.status).toBe(202)
      await ask(port, '/v2/a/tags/list?access_token=MARK-token', { headers })
      await ask(port, '/v2/a/blobs/uploads/', { method: 'POST', headers: basic('ann', 'MARK-password') })
      await ask(port, '/v2/a/blobs/uploads/', {
        method: 'POST',
        headers: { Authorization: 'Bearer MARK-bearer' },
      })
      await ask(port, `/zot/auth/callback/oidc?code=MARK-code&state=MARK-state`)
      const key = json(
        await ask(port, '/zot/auth/apikey', { method: 'POST', headers, body: '{"label":"x"}' }),
      ) as { apiKey: string }
      const blob = digestText('a blob')
      await ask(port, `/v2/a/blobs/uploads/?digest=${blob}`, { method: 'POST', headers, body: 'a blob' })
      // The first one only looks, the second one links.
      for (const name of ['a', 'b'])
        expect((await ask(port, `/v2/${name}/blobs/${blob}`, { method: 'HEAD', headers })).status).toBe(200)
      const lines = await eventually(() => {
        const read = readFileSync(audit, 'utf8').split('\n').slice(0, -1)
        return read.length === 4 && read.map(line => JSON.parse(line))
      })
      expect(lines[0]).toEqual({
        time: expect.any(String),
        level: 'info',
        message: 'HTTP API Audit',
        component: 'session',
        clientIP: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        subject: 'ann',
        action: 'POST',
        object: '/v2/a/blobs/uploads/?token=******',
        status: 202,
      })
      expect(lines.at(-1)).toMatchObject({ action: 'HEAD', object: `/v2/b/blobs/${blob}`, status: 200 })
      expect(statSync(audit).mode & 0o777).toBe(0o600)
      expect(statSync(output).mode & 0o777).toBe(0o600)
      await eventually(() => readFileSync(output, 'utf8').includes('/zot/auth/callback/oidc'))
      child.kill('SIGTERM')
      await eventually(() => child.exitCode !== null)
      for (const log of [output, audit]) {
        const text = readFileSync(log, 'utf8')
        expect(text).not.toMatch(/MARK|pass-of-ann/)
        expect(text).not.toContain(key.apiKey)
        expect(text).not.toContain(Buffer.from('ann:pass-of-ann').toString('base64'))
      }
    } finally {
      child.kill('SIGKILL')
    }
  })
})

describe('storage.maxRepos', () => {
  it('keeps the number of repositories, even when many begin at once', async () => {
    const registry = await start({
      storage: { rootDirectory: join(folder.path, `root-${count}`), maxRepos: 2 },
    })
    await pushImage(registry, 'one', 'v1', 'layer')
    const begin = (name: string) => registry.ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' })
    const statuses = await Promise.all(['two', 'three', 'four'].map(async name => (await begin(name)).status))
    expect(statuses.sort()).toEqual([202, 429, 429])
    expect(await begin('five')).toMatchObject({ status: 429, code: 'TOOMANYREQUESTS' })
    expect(await pushBlob(registry, 'one', 'more')).toBe(201)
    await pushImage(registry, 'one', 'v2', 'layer 2')
  })

  it('is not used up by whoever may not push, and tells them no names', async () => {
    const root = join(folder.path, `root-${count}`)
    const accessControl = { repositories: { '**': { anonymousPolicy: ['read'] } } }
    const registry = await start({
      storage: { rootDirectory: root, maxRepos: 1 },
      http: { ...http, accessControl },
    })
    for (const name of ['one', 'two', 'three', 'No-Name']) {
      const begun = await registry.ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' })
      expect([name, begun.status]).toEqual([name, 401])
    }
  })
})

describe('a changed config.json', () => {
  it('is taken over in place and replaced; a broken one is refused; what needs a restart is named', async () => {
    const registry = await start({})
    const file = `${registry.root}.config.json`
    const storage = { rootDirectory: registry.root }
    const write = (changes: object, replace = false): void => {
      const text = JSON.stringify({ storage, http, log: { level: 'info' }, ...changes })
      writeFileSync(replace ? `${file}.new` : file, text)
      if (replace) renameSync(`${file}.new`, file)
    }
    const said = (message: string) => registry.log().filter(line => line['message'] === message)
    const closed = { repositories: { '**': { anonymousPolicy: ['read'] } } }
    const begin = async () => (await registry.ask('/v2/a/blobs/uploads/', { method: 'POST' })).status
    expect(await begin()).toBe(202)
    write({ http: { ...http, accessControl: closed } })
    await eventually(async () => (await begin()) === 401)
    write({}, true)
    await eventually(async () => (await begin()) === 202)
    // Again in place: the file that is there now is watched, too.
    write({ http: { ...http, accessControl: closed, readTimeout: '9s' } })
    await eventually(async () => (await begin()) === 401)
    const waits = await eventually(() => said('some changes of the config need a restart')[0])
    expect(waits['keys']).toEqual(['http.readTimeout'])
    writeFileSync(file, '{ "storage": { "rootDirectory": {} }, "http": { "prt": 1 } }')
    const refused = await eventually(() => said('failed to reload config, the old one stays')[0])
    expect(refused['error']).toMatch(/storage\.rootDirectory[\s\S]*http\.prt/)
    expect(await begin()).toBe(401)
    write({ log: { level: 'error' } }, true)
    await eventually(async () => (await begin()) === 202)
    await registry.ask('/v2/?last=quiet')
    write({})
    await eventually(async () => {
      await registry.ask('/v2/?last=loud')
      return said('HTTP API').some(line => line['path'] === '/v2/?last=loud')
    })
    expect(said('HTTP API').filter(line => line['path'] === '/v2/?last=quiet')).toEqual([])
  })
})
