import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Containerd, startContainerd } from '../../fakes/containerd.ts'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'
import { digestText } from '../../suites/image.ts'
import { as, basic, passwordOf, threeTiers, writeHtpasswd } from '../registry/people.ts'
import { type Registry, startRegistry, temporaryFolder } from '../registry/registry-process.ts'

const execute = promisify(execFile)
const isRoot = process.getuid?.() === 0
/** The pretest does not install it: its package brings an engine that these commands do not need. */
const docker = (process.env['PATH'] ?? '').split(delimiter).find(folder => existsSync(join(folder, 'docker')))

/** Lets every client pass for Docker, at an address of its own. */
async function startDisguise(registry: Registry): Promise<{ host: string; server: Server }> {
  const server = createServer((asked, answered) => {
    const headers = { ...asked.headers, 'user-agent': 'docker/28.0.1 go/go1.23' }
    const { url: path, method } = asked
    const passed = request({ host: '127.0.0.1', port: registry.port, path, method, headers }, answer => {
      answered.writeHead(answer.statusCode ?? 0, answer.rawHeaders)
      answer.pipe(answered)
    })
    passed.on('error', () => answered.destroy())
    asked.pipe(passed)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

describeWith(['skopeo', 'umoci', 'containerd'], "clients under Docker's User-Agent, by tokens", () => {
  const folder = temporaryFolder()
  const at = (...names: string[]): string => join(folder.path, ...names)
  let registry: Registry
  let host: string
  let server: Server
  let containerd: Containerd | undefined
  const skopeo = async (...args: string[]): Promise<string> =>
    (await execute('skopeo', args, { env: { ...process.env, REGISTRY_AUTH_FILE: at('auth.json') } })).stdout
  const push = (name: string, ...more: string[]) =>
    skopeo('copy', '--dest-tls-verify=false', ...more, `oci:${at('built')}:1`, `docker://${host}/${name}`)
  const pull = (name: string, ...more: string[]) =>
    skopeo('copy', '--src-tls-verify=false', ...more, `docker://${host}/${name}`, `dir:${at('pulled')}`)
  const tokens = (): number =>
    registry.log().filter(line => String(line['path']).startsWith('/zot/auth/token')).length

  beforeAll(async () => {
    registry = await startRegistry(
      at('root'),
      threeTiers(writeHtpasswd(at('root'), 'root', 'robot', 'alice')),
    )
    ;({ host, server } = await startDisguise(registry))
    await execute('umoci', ['init', '--layout', at('built')])
    await execute('umoci', ['new', '--image', `${at('built')}:1`])
    mkdirSync(at('files'))
    writeFileSync(at('files', 'text'), 'a layer')
    await execute('umoci', ['insert', '--rootless', '--image', `${at('built')}:1`, at('files'), '/files'])
    const config = ['config', '--image', `${at('built')}:1`, '--architecture', 'amd64', '--os', 'linux']
    await execute('umoci', config)
    const creds = ['--dest-creds', `root:${passwordOf('root')}`]
    await push('app:1', ...creds)
    await push('private/app:1', ...creds)
    if (isRoot) containerd = await startContainerd()
  })
  afterAll(async () => {
    await containerd?.stop()
    server.close()
    expect((await registry.stop()).code).toBe(0)
    folder.dispose()
  })

  it('skopeo pulls without credentials what everybody may, and nothing else', async () => {
    const before = tokens()
    await pull('app:1')
    await eventually(() => tokens() > before)
    await expect(pull('private/app:1')).rejects.toThrow('authentication required')
    await expect(push('app:2')).rejects.toThrow('authentication required')
  })

  it('skopeo signs in with a password and with a key, and not with a wrong one', async () => {
    const login = (user: string, password: string) =>
      skopeo('login', '--tls-verify=false', '-u', user, '-p', password, host)
    await expect(login('robot', 'wrong')).rejects.toThrow('invalid username/password')
    await login('robot', passwordOf('robot'))
    await push('robot/app:1')
    await expect(push('robot/app:1', '--format', 'v2s2')).rejects.toThrow('and to replace it the right')
    const made = await as(registry, basic('alice')).ask('/zot/auth/apikey', { method: 'POST', body: '{}' })
    await login('alice', JSON.parse(made.body.toString()).apiKey)
    await pull('private/app:1')
    await skopeo('logout', host)
  })

  it.skipIf(!isRoot)('ctr pulls without credentials, and pushes with them', async () => {
    const ctr = (...args: string[]): Promise<string> => containerd!.ctr(...args)
    const plain = ['--plain-http', '--snapshotter', 'native']
    await ctr('images', 'pull', ...plain, `${host}/app:1`)
    await expect(ctr('images', 'pull', ...plain, `${host}/private/app:1`)).rejects.toThrow(
      'insufficient_scope',
    )
    const signedIn = ['--plain-http', '-u', `robot:${passwordOf('robot')}`]
    await ctr('images', 'push', ...signedIn, `${host}/robot/ctr:1`, `${host}/app:1`)
    const pushed = await registry.ask('/v2/robot/ctr/manifests/1')
    expect(pushed.headers['docker-content-digest']).toBe(digestText(pushed.body))
    await expect(
      ctr('images', 'pull', ...plain, '-u', 'robot:wrong', `${host}/private/app:1`),
    ).rejects.toThrow('401 Unauthorized')
  })

  it.skipIf(!docker)(
    `docker's command line looks at manifests, without credentials and with them${docker ? '' : ' (needs docker)'}`,
    async () => {
      const command = async (...args: string[]): Promise<string> =>
        (
          await execute('docker', args, {
            env: { ...process.env, DOCKER_CONFIG: at('docker'), DOCKER_HOST: '' },
          })
        ).stdout
      const direct = `127.0.0.1:${registry.port}`
      const insecure = ['--insecure']
      expect(await command('manifest', 'inspect', ...insecure, `${direct}/app:1`)).toContain('schemaVersion')
      await expect(command('manifest', 'inspect', ...insecure, `${direct}/private/app:1`)).rejects.toThrow()
      const auth = Buffer.from(`root:${passwordOf('root')}`).toString('base64')
      mkdirSync(at('docker'))
      writeFileSync(at('docker', 'config.json'), JSON.stringify({ auths: { [direct]: { auth } } }))
      expect(await command('manifest', 'inspect', ...insecure, `${direct}/private/app:1`)).toContain('layers')
    },
  )
})
