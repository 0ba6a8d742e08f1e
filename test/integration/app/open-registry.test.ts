import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { machineAddress } from '../../../core/registry-config/machine-address.ts'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'
import { pushImage } from '../registry/client.ts'
import { run } from '../registry/registry-process.ts'
import { type AppRig, createAppRig, targetAt } from './app-rig.ts'

const skopeo = promisify(execFile)

let rig: AppRig
afterEach(() => rig.end())

/** Where others reach this machine; a second address of loopback stands in where it has none. */
const host = machineAddress(networkInterfaces(), true) ?? '127.0.0.2'
const everyone = (...anonymousPolicy: string[]) => ({
  ...rig.standard,
  http: {
    address: '0.0.0.0',
    port: String(rig.port),
    accessControl: { repositories: { '**': { anonymousPolicy } } },
  },
})
const copy = (from: string, to: string, ...flags: string[]) =>
  skopeo('skopeo', ['copy', '-q', '--src-tls-verify=false', '--dest-tls-verify=false', ...flags, from, to])

describeWith(['skopeo'], 'a registry at every address of the machine', () => {
  it('that asks nobody who they are is served once somebody agreed, and only to that', async () => {
    rig = await createAppRig()
    rig.configure(everyone('read', 'create'))
    let app = rig.start()
    const waits = await app.reach('undecided')
    const command = `zotbar settings set registry.open 0.0.0.0:${rig.port}`
    expect(waits.undecided).toMatchObject({
      why: 'open-registry',
      open: { most: 'push', rights: ['pull, push in **'] },
      commands: [command],
    })
    expect((await rig.zotbar('status')).stdout).toContain(command)
    expect((await run('serve', rig.configFile)).stderr).toContain(`--open 0.0.0.0:${rig.port}`)
    const elsewhere = await rig.zotbar('settings', 'set', 'registry.open', '0.0.0.0:1')
    expect([elsewhere.code, elsewhere.stderr]).toEqual([1, expect.stringContaining(`0.0.0.0:${rig.port}`)])

    const agreed = await rig.zotbar(...command.split(' ').slice(1))
    expect([agreed.code, agreed.stdout]).toEqual([0, expect.stringContaining('in effect now')])
    const { state, reason, registry } = await rig.status()
    expect([state, reason]).toEqual([
      'serving',
      expect.stringMatching(/Anyone who can reach this (Mac|machine) may push\.$/),
    ])
    if (host !== '127.0.0.2') expect(registry.publicUrl).toBe(`http://${host}:${rig.port}`)
    await pushImage(targetAt(rig.url), 'team/app', '1', 'one')
    const name = `docker://${host}:${rig.port}/team/app`
    await copy(`${name}:1`, `${name}:2`)
    expect((await rig.zotbar('images', 'show', 'team/app:2')).stdout).toContain(
      `docker pull ${host}:${rig.port}/team/app:2`,
    )
    expect(await (await fetch(`http://${host}:${rig.port}/`)).text()).toContain(`${host}:${rig.port}/NAME`)

    // A core that was killed adopts it; what it agreed to holds for the next process too.
    app.kill('SIGKILL')
    await app.exited
    app = await rig.serving()
    expect((await rig.zotbar('restart')).code).toBe(0)

    // More than was agreed to is not granted, neither while it serves nor by the next process.
    const overwrite = () => copy(`${name}:1`, `${name}:2`, '--format', 'v2s2')
    rig.configure(everyone('read', 'create', 'update'))
    await eventually(async () => (await rig.zotbar('logs')).stdout.includes('may grant more to everybody'))
    await expect(overwrite()).rejects.toThrow(/denied|unauthorized/)
    const refused = await rig.zotbar('restart', '--json')
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([
      1,
      { error: { code: 'undecided', why: 'open-registry', commands: [command] } },
    ])
    expect((await rig.status()).state).toBe('serving')
    expect((await rig.zotbar('stop')).code).toBe(0)
    expect((await rig.zotbar('restart')).code).toBe(1)
    expect((await rig.status()).undecided?.open).toMatchObject({ agreed: ['pull, push in **'] })
    expect((await rig.zotbar(...command.split(' ').slice(1))).code).toBe(0)
    await overwrite()

    // What everybody may do follows config.json where it grants less, and is told as it is.
    rig.configure(everyone('read'))
    await eventually(async () => /may pull\.$/.test((await rig.status()).reason ?? ''))

    // Taken back, it goes on until it is stopped.
    const back = await rig.zotbar('settings', 'set', 'registry.open', '--default')
    expect([back.code, back.stdout]).toEqual([0, expect.stringContaining('zotbar stop')])
    const ends = await rig.zotbar('restart')
    expect([ends.code, ends.stderr]).toEqual([1, expect.stringContaining('zotbar stop')])
    expect((await rig.status()).state).toBe('serving')
    app.kill('SIGTERM')
    expect(await app.exited).toBe(0)
    expect((await rig.start().reach('undecided')).undecided?.why).toBe('open-registry')
  })

  it('has its keys delivered for the address at which clients here look them up', async () => {
    rig = await createAppRig()
    rig.configure({
      ...rig.standard,
      http: {
        address: '0.0.0.0',
        port: String(rig.port),
        auth: { apikey: true },
        accessControl: {
          repositories: { '**': { policies: [{ users: ['ci'], actions: ['read', 'create'] }] } },
        },
      },
    })
    const [keyFile, authfile] = [join(rig.folder, 'key-file'), join(rig.folder, 'auth.json')]
    writeFileSync(keyFile, 'a passphrase of several words\n')
    chmodSync(keyFile, 0o600)
    mkdirSync(rig.home, { recursive: true, mode: 0o700 })
    writeFileSync(join(rig.home, 'settings.json'), JSON.stringify({ 'secrets.keyFile': keyFile }), {
      mode: 0o600,
    })
    await rig.serving()
    const status = (await rig.zotbar('status')).stdout
    expect(status).toContain('Passwords and keys cross the network in clear')
    expect(status).not.toContain('Anyone who can reach')
    const made = JSON.parse((await rig.zotbar('keys', 'create', '--user', 'ci', '--json')).stdout) as {
      apiKey: string
    }
    const managed = await rig.zotbarGiven(
      made.apiKey,
      'keys',
      'manage',
      'ci',
      '--key-stdin',
      '--sink',
      `authfile:${authfile}`,
    )
    expect([managed.code, managed.stderr]).toEqual([0, ''])
    expect(Object.keys((JSON.parse(readFileSync(authfile, 'utf8')) as { auths: object }).auths)).toEqual([
      `127.0.0.1:${rig.port}`,
    ])
    const anonymous = targetAt(rig.url)
    const authorization = `Basic ${Buffer.from(`ci:${made.apiKey}`).toString('base64')}`
    await pushImage(
      {
        ask: (path, how = {}) => anonymous.ask(path, { ...how, headers: { ...how.headers, authorization } }),
      },
      'team/app',
      '1',
      'one',
    )
    const image = `docker://127.0.0.1:${rig.port}/team/app:1`
    await skopeo('skopeo', ['inspect', '--raw', '--tls-verify=false', '--authfile', authfile, image])
    await expect(skopeo('skopeo', ['inspect', '--raw', '--tls-verify=false', image])).rejects.toThrow(
      /unauthorized|authentication/,
    )
  })
})
