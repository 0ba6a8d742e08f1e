import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Containerd, startContainerd } from '../../fakes/containerd.ts'
import { describeWith } from '../../setup/need.ts'
import { digestText } from '../../suites/image.ts'
import { type Registry, startRegistry, temporaryFolder } from '../registry/registry-process.ts'

const execute = promisify(execFile)
const isRoot = process.getuid?.() === 0

interface Child {
  digest: string
  platform: { architecture: string }
}

describeWith(['buildah', 'busybox'], 'buildah, with an image that it built', () => {
  const folder = temporaryFolder()
  const at = (...names: string[]): string => join(folder.path, ...names)
  let registry: Registry
  const buildah = async (...args: string[]): Promise<string> => {
    const store = ['--root', at('store'), '--runroot', at('run'), '--storage-driver', 'vfs']
    return (await execute('buildah', [...store, ...args])).stdout.trim()
  }
  const remote = (name: string): string => `docker://127.0.0.1:${registry.port}/${name}`
  const index = async (name: string): Promise<{ mediaType: string; manifests: Child[] }> =>
    JSON.parse((await registry.ask(`/v2/${name}/manifests/1`)).body.toString())

  beforeAll(async () => {
    registry = await startRegistry(at('root'))
    const busybox = (await execute('sh', ['-c', 'command -v busybox'])).stdout.trim()
    copyFileSync(busybox, at('busybox'))
    for (const arch of ['amd64', 'arm64']) {
      const container = await buildah('from', '--arch', arch, 'scratch')
      await buildah('copy', container, at('busybox'), '/bin/busybox')
      await buildah('config', '--arch', arch, '--cmd', '/bin/busybox', container)
      await buildah('commit', '--quiet', '--format', 'oci', container, `localhost/app:${arch}`)
    }
    await buildah('manifest', 'create', 'multi', 'localhost/app:amd64', 'localhost/app:arm64')
  })
  afterAll(async () => {
    expect((await registry.stop()).code).toBe(0)
    folder.dispose()
  })

  it('pushes an index of two platforms, and pulls one of them', async () => {
    await buildah('manifest', 'push', '--all', '--tls-verify=false', 'multi', remote('buildah/multi:1'))
    const { manifests } = await index('buildah/multi')
    expect(manifests.map(one => one.platform.architecture).sort()).toEqual(['amd64', 'arm64'])
    for (const { digest } of manifests)
      expect((await registry.ask(`/v2/buildah/multi/manifests/${digest}`)).status).toBe(200)
    await buildah('pull', '--quiet', '--tls-verify=false', '--arch', 'arm64', remote('buildah/multi:1'))
  })

  // Pulling replaces what the local store knows of the image, so it comes last.
  it.each(['oci', 'v2s2'])('pushes an image and pulls it back (%s)', async format => {
    const name = `buildah/${format}`
    await buildah(
      'push',
      '--tls-verify=false',
      '--format',
      format,
      'localhost/app:amd64',
      remote(`${name}:1`),
    )
    const pushed = await registry.ask(`/v2/${name}/manifests/1`)
    expect(pushed.headers['content-type']).toContain(
      format === 'oci' ? 'vnd.oci.image' : 'vnd.docker.distribution',
    )
    const id = await buildah('pull', '--quiet', '--tls-verify=false', remote(`${name}:1`))
    expect(`sha256:${id}`).toBe(JSON.parse(pushed.body.toString()).config.digest)
  })
})

describeWith(['containerd', 'umoci', 'busybox'], "containerd's ctr (needs root)", () => {
  const folder = temporaryFolder()
  const at = (...names: string[]): string => join(folder.path, ...names)
  let registry: Registry
  let containerd: Containerd | undefined
  const ctr = (...args: string[]): Promise<string> => containerd!.ctr(...args)
  const local = (name: string): string => `127.0.0.1:${registry.port}/${name}`

  beforeAll(async () => {
    if (!isRoot) return
    registry = await startRegistry(at('root'))
    containerd = await startContainerd()
    mkdirSync(at('bin'))
    const busybox = (await execute('sh', ['-c', 'command -v busybox'])).stdout.trim()
    copyFileSync(busybox, at('bin', 'busybox'))
    const image = `${at('built')}:amd64`
    await execute('umoci', ['init', '--layout', at('built')])
    await execute('umoci', ['new', '--image', image])
    await execute('umoci', ['insert', '--rootless', '--image', image, at('bin'), '/bin'])
    await execute('umoci', ['config', '--image', image, '--architecture', 'amd64', '--os', 'linux'])
    await execute('tar', ['-cf', at('image.tar'), '-C', at('built'), '.'])
    await ctr('images', 'import', '--all-platforms', '--base-name', 'local/app', at('image.tar'))
  })
  afterAll(async () => {
    if (!isRoot) return
    await containerd?.stop()
    expect((await registry.stop()).code).toBe(0)
    folder.dispose()
  })

  it.skipIf(!isRoot)('pushes an image, mounts it elsewhere, pulls it by tag and by digest', async () => {
    for (const name of ['ctr/app:1', 'ctr/again:1'])
      await ctr('images', 'push', '--plain-http', local(name), 'local/app:amd64')
    const pushed = await registry.ask('/v2/ctr/app/manifests/1')
    expect(pushed.status).toBe(200)
    const digest = digestText(pushed.body)
    for (const reference of [':1', `@${digest}`]) {
      const name = local(`ctr/app${reference}`)
      await ctr('images', 'pull', '--plain-http', '--snapshotter', 'native', name)
      expect(await ctr('images', 'list')).toContain(`${name} `)
    }
    expect((await registry.ask('/v2/ctr/again/manifests/1')).headers['docker-content-digest']).toBe(digest)
  })

  it.skipIf(!isRoot)('fetches an index with all its platforms', async () => {
    const { body, headers } = await registry.ask('/v2/ctr/app/manifests/1')
    const manifest = { mediaType: headers['content-type'], digest: digestText(body), size: body.length }
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    const manifests = [{ ...manifest, platform: { architecture: 'amd64', os: 'linux' } }]
    const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests })
    const put = await registry.ask('/v2/ctr/app/manifests/multi', {
      method: 'PUT',
      body: index,
      headers: { 'Content-Type': mediaType },
    })
    expect(put.status).toBe(201)
    await ctr('content', 'fetch', '--plain-http', '--all-platforms', local('ctr/app:multi'))
    expect(await ctr('images', 'list')).toContain(digestText(index))
    await ctr('images', 'push', '--plain-http', local('ctr/copy:multi'), local('ctr/app:multi'))
    expect((await registry.ask('/v2/ctr/copy/manifests/multi')).body.toString()).toBe(index)
  })
})
