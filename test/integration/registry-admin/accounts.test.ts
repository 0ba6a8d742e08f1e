import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { firstConfig } from '../../../core/first-run/first-run.ts'
import { establishAdmin } from '../../../core/registry-client/admin.ts'
import { openSecrets } from '../../../core/secrets/secrets.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'
import { type AppRig, createAppRig, type Ended } from '../app/app-rig.ts'

const noKeychain = () => {
  throw new Error('no keychain')
}

describeWith(['skopeo', 'umoci'], 'a registry with the accounts of a first run', () => {
  let rig: AppRig
  let work: string
  let password: string
  beforeAll(async () => {
    rig = await createAppRig()
    work = mkdtempSync(join(tmpdir(), 'zotbar-accounts-'))
    mkdirSync(rig.home, { recursive: true, mode: 0o700 })
    // The first run of an empty home, but for the port, which is the machine's.
    const secrets = openSecrets({ home: rig.home, keychain: openSystemKeychain({ load: noKeychain }) })
    const reading = { now: Date.now, report: () => {} }
    const made = await establishAdmin({
      ...reading,
      home: rig.home,
      folder: join(rig.configFile, '..'),
      secrets,
    })
    await made.stored
    const config = JSON.parse(firstConfig(rig.data, made))
    config.http.port = String(rig.port)
    rig.configure(config)
    await rig.serving()
    password = JSON.parse((await rig.zotbar('admin', 'show', '--json')).stdout).password
    await run('umoci', 'init', '--layout', join(work, 'img'))
    await run('umoci', 'new', '--image', `${join(work, 'img')}:1`)
  })
  afterAll(async () => {
    await rig.end()
    rmSync(work, { recursive: true, force: true, maxRetries: 5 })
  })

  const run = (command: string, ...args: string[]): Promise<Ended> =>
    new Promise(done =>
      execFile(command, args, (error, stdout, stderr) =>
        done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
      ),
    )
  const push = (image: string, credential?: string): Promise<Ended> =>
    run(
      'skopeo',
      'copy',
      '--dest-tls-verify=false',
      ...(credential === undefined ? ['--dest-no-creds'] : ['--dest-creds', credential]),
      `oci:${join(work, 'img')}:1`,
      `docker://127.0.0.1:${rig.port}/${image}`,
    )
  const json = async (...args: string[]) => {
    const ended = await rig.zotbar(...args, '--json')
    expect(ended.stderr).toBe('')
    return JSON.parse(ended.stdout)
  }

  it('lets everybody pull and only the admin push', async () => {
    expect(await push('team/app:1')).not.toMatchObject({ code: 0 })
    expect(await push('team/app:1', `admin:${password}`)).toMatchObject({ code: 0 })
    const pulled = await run(
      'skopeo',
      'inspect',
      '--tls-verify=false',
      '--no-creds',
      `docker://127.0.0.1:${rig.port}/team/app:1`,
    )
    expect(pulled.code).toBe(0)
    const { images } = await json('images', 'list')
    expect(images).toMatchObject([{ repository: 'team/app', tag: '1', pushedBy: 'admin' }])
    expect(images[0].pushedAt).toBeGreaterThan(Date.now() - 60_000)
    await eventually(async () => {
      const seen = await json('images', 'show', 'team/app:1')
      return seen.pulls > 0 && seen.lastPulled > 0
    })
  })

  it('a key pushes until it is revoked, and never more than its scope', async () => {
    const made = await json('keys', 'create', '--user', 'admin', '--label', 'ci', '--expires', '30d')
    const names = ['uuid', 'user', 'label', 'expirationDate', 'apiKey', 'registry', 'warnings']
    expect(Object.keys(made)).toEqual(names)
    expect(made).toMatchObject({ registry: `127.0.0.1:${rig.port}`, warnings: [] })
    expect(await push('ci/app:1', `admin:${made.apiKey}`)).toMatchObject({ code: 0 })
    const narrow = await json('keys', 'create', '--user', 'admin', '--scope', 'repository:ci/**:read,create')
    expect(await push('ci/app:2', `admin:${narrow.apiKey}`)).toMatchObject({ code: 0 })
    expect(await push('team/app:2', `admin:${narrow.apiKey}`)).not.toMatchObject({ code: 0 })
    const { keys } = await json('keys', 'list')
    expect(Object.keys(keys[0])).toEqual([
      'uuid',
      'user',
      'label',
      'createdAt',
      'expirationDate',
      'lastUsed',
      'descendants',
      'managed',
    ])
    expect(keys.map((key: { uuid: string }) => key.uuid).toSorted()).toEqual(
      [made.uuid, narrow.uuid].toSorted(),
    )
    expect(await json('keys', 'revoke', made.uuid)).toEqual({ revoked: [made.uuid], descendants: [] })
    const refused = await push('ci/app:3', `admin:${made.apiKey}`)
    expect(refused.code).not.toBe(0)
    const asked = await fetch(`${rig.url}/v2/`, {
      headers: { authorization: `Basic ${Buffer.from(`admin:${made.apiKey}`).toString('base64')}` },
    })
    expect(asked.status).toBe(401)
  })

  it('a key of somebody who may not push says so, and pushes with the policy that it shows', async () => {
    const told = await rig.zotbar('keys', 'create', '--user', 'builder')
    expect(told.stdout).toMatch(/^zak_[0-9a-f]{32}\n$/)
    expect(told.stderr).toContain('! Nobody here is called builder.')
    expect(told.stderr).toContain('! builder may pull, and not push.')
    expect(told.stderr).toContain(`docker login 127.0.0.1:${rig.port} -u builder --password-stdin`)
    const credential = `builder:${told.stdout.trim()}`
    expect((await push('builds/app:1', credential)).stderr).toContain('denied')
    const policy = JSON.parse(/^ {4}(\{.*\})$/m.exec(told.stderr)?.[1] ?? '')
    const config = JSON.parse(readFileSync(rig.configFile, 'utf8'))
    config.http.accessControl.repositories['**'].policies = [policy]
    rig.configure(config)
    // The registry takes it up by itself.
    await eventually(async () => (await push('builds/app:1', credential)).code === 0)
    const again = await json('keys', 'create', '--user', 'builder')
    expect(again.warnings).toEqual([])
    expect(await json('keys', 'revoke', again.uuid, '--leaked')).toMatchObject({ revoked: [again.uuid] })
  })

  it('the app deletes with the admin’s credential', async () => {
    expect(await push('gone/app:1', `admin:${password}`)).toMatchObject({ code: 0 })
    expect(await json('images', 'delete', 'gone/app:1')).toMatchObject({ tagOnly: true })
    expect((await fetch(`${rig.url}/v2/gone/app/manifests/1`)).status).toBe(404)
  })

  it('a reset ends the old password at once, and leaves other users alone', async () => {
    const htpasswd = join(rig.configFile, '..', 'htpasswd')
    writeFileSync(htpasswd, `${readFileSync(htpasswd, 'utf8')}bob:$2b$04$abcdefghijklmnopqrstuv\n`)
    const { password: next } = await json('admin', 'reset')
    expect(next).not.toBe(password)
    await eventually(async () => (await push('team/app:3', `admin:${next}`)).code === 0)
    expect(await push('team/app:4', `admin:${password}`)).not.toMatchObject({ code: 0 })
    expect(readFileSync(htpasswd, 'utf8')).toContain('bob:$2b$04$abcdefghijklmnopqrstuv')
    const alone = await rig.zotbar('admin', 'show', '--password')
    expect(alone).toMatchObject({ code: 0, stdout: `${next}\n`, stderr: '' })
    password = next
  })

  it('no secret is in a log, a journal, the snapshot or the environment of the registry', async () => {
    const { apiKey } = await json('keys', 'create', '--user', 'admin')
    await push('team/app:5', `admin:${apiKey}`)
    const texts = readdirSync(rig.home, { recursive: true, encoding: 'utf8' })
      .filter(name => !name.startsWith('secrets') && statSync(join(rig.home, name)).isFile())
      .map(name => readFileSync(join(rig.home, name), 'utf8'))
    const { registry } = await rig.status()
    if (process.platform === 'linux')
      for (const file of ['environ', 'cmdline'])
        texts.push(readFileSync(`/proc/${registry.pid}/${file}`, 'utf8'))
    texts.push((await rig.zotbar('logs', '--json')).stdout, (await rig.zotbar('status', '--json')).stdout)
    for (const secret of [password, apiKey, Buffer.from(`admin:${password}`).toString('base64')])
      for (const text of texts) expect(text.includes(secret)).toBe(false)
    expect(texts.length).toBeGreaterThan(4)
  })

  it('the administration is on its socket alone', async () => {
    const socket = statSync(join(rig.home, 'run', 'admin.sock'))
    expect(socket.isSocket()).toBe(true)
    expect(socket.mode & 0o777).toBe(0o600)
    expect(statSync(join(rig.home, 'run')).mode & 0o777).toBe(0o700)
    const headers = { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` }
    for (const path of ['/keys', '/activity']) {
      const answer = await fetch(`${rig.url}${path}`, { headers })
      expect(answer.status).toBe(404)
    }
  })

  it('the socket goes with the registry and comes back', async () => {
    await rig.zotbar('restart')
    expect((await json('keys', 'list')).keys.length).toBeGreaterThan(0)
    await rig.zotbar('stop')
    expect(() => statSync(join(rig.home, 'run', 'admin.sock'))).toThrow('ENOENT')
    expect(await json('keys', 'list')).toEqual({ error: { code: 'registry-not-serving' } })
  })
})
