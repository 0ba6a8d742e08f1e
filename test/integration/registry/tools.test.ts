import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'
import { digestText } from '../../suites/image.ts'
import { type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

const execute = promisify(execFile)
const json = (text: string): { manifests: { digest: string }[]; Tags: string[] } => JSON.parse(text)

describeWith(['skopeo', 'umoci', 'busybox'], 'skopeo, with an image that umoci built', () => {
  const folder = temporaryFolder()
  const at = (...names: string[]): string => join(folder.path, ...names)
  let registry: Registry
  const skopeo = async (...args: string[]): Promise<string> => (await execute('skopeo', args)).stdout
  const remote = (name: string): string => `docker://127.0.0.1:${registry.port}/${name}`
  const digestIn = (layout: string): string =>
    json(readFileSync(at(layout, 'index.json'), 'utf8')).manifests[0]!.digest
  const push = (from: string, to: string, ...more: string[]): Promise<string> =>
    skopeo('copy', '--dest-tls-verify=false', ...more, from, remote(to))
  const pull = (from: string, to: string, ...more: string[]): Promise<string> =>
    skopeo('copy', '--src-tls-verify=false', ...more, remote(from), to)

  beforeAll(async () => {
    registry = await startRegistry(at('root'))
    mkdirSync(at('bin'))
    const { stdout } = await execute('sh', ['-c', 'command -v busybox'])
    copyFileSync(stdout.trim(), at('bin', 'busybox'))
    for (const arch of ['amd64', 'arm64']) {
      const image = `${at('built')}:${arch}`
      if (arch === 'amd64') await execute('umoci', ['init', '--layout', at('built')])
      await execute('umoci', ['new', '--image', image])
      writeFileSync(at('bin', 'arch'), arch)
      await execute('umoci', ['insert', '--rootless', '--image', image, at('bin'), '/bin'])
      await execute('umoci', [
        'config',
        '--image',
        image,
        '--architecture',
        arch,
        '--config.cmd',
        '/bin/busybox',
      ])
    }
  })
  afterAll(async () => {
    expect((await registry.stop()).code).toBe(0)
    folder.dispose()
  })

  it('pushes and pulls it back with the same digest', async () => {
    await push(`oci:${at('built')}:amd64`, 'lib/busybox:1')
    await pull('lib/busybox:1', `oci:${at('back')}:amd64`)
    expect(digestIn('back')).toBe(digestIn('built'))
    expect(json(await skopeo('list-tags', '--tls-verify=false', remote('lib/busybox'))).Tags).toEqual(['1'])
  })

  it("pushes and pulls it in Docker's format", async () => {
    await push(`oci:${at('built')}:amd64`, 'lib/docker:1', '--format', 'v2s2')
    await pull('lib/docker:1', `dir:${at('dir')}`)
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', remote('lib/docker:1'))
    expect(digestText(readFileSync(at('dir', 'manifest.json')))).toBe(digestText(raw))
    expect(raw).toContain('vnd.docker.distribution.manifest.v2+json')
  })

  it('sends no layers again that another repository has', async () => {
    await push(remote('lib/busybox:1'), 'other/busybox:1', '--src-tls-verify=false')
    const lines = await eventually(() => {
      const found = registry.log().filter(line => String(line['path']).startsWith('/v2/other/busybox/'))
      return found.some(line => line['method'] === 'PUT') && found
    })
    // A look brings each of them in, or a mount; nothing is uploaded.
    expect(lines.filter(line => line['method'] === 'PATCH')).toEqual([])
    expect(
      lines
        .filter(line => String(line['path']).includes('/blobs/uploads/'))
        .every(line => String(line['path']).includes('mount=')),
    ).toBe(true)
  })

  it('copies an index of two platforms, whole', async () => {
    const raw = JSON.parse(readFileSync(at('built', 'index.json'), 'utf8'))
    const manifests = raw.manifests.map((one: { annotations: object }, number: number) => ({
      ...one,
      annotations: undefined,
      platform: { architecture: ['amd64', 'arm64'][number], os: 'linux' },
    }))
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    const bytes = JSON.stringify({ schemaVersion: 2, mediaType, manifests })
    const digest = digestText(bytes)
    writeFileSync(at('built', 'blobs', 'sha256', digest.slice(7)), bytes)
    const annotations = { 'org.opencontainers.image.ref.name': 'multi' }
    raw.manifests.push({ mediaType, digest, size: bytes.length, annotations })
    writeFileSync(at('built', 'index.json'), JSON.stringify(raw))
    await push(`oci:${at('built')}:multi`, 'lib/multi:1', '--all')
    await pull('lib/multi:1', `oci:${at('multi')}:multi`, '--all')
    expect(digestIn('multi')).toBe(digest)
    const { manifests: stored } = json(readFileSync(join(registry.root, 'lib/multi/index.json'), 'utf8'))
    expect(stored.map(one => one.digest).sort()).toEqual(
      [digest, ...manifests.map((one: { digest: string }) => one.digest)].sort(),
    )
  })

  it('deletes', async () => {
    await push(`oci:${at('built')}:amd64`, 'lib/gone:1')
    await skopeo('delete', '--tls-verify=false', remote('lib/gone:1'))
    await expect(pull('lib/gone:1', `dir:${at('gone')}`)).rejects.toThrow('manifest unknown')
  })

  it('finishes a push that was running when the registry was asked to end', async () => {
    const other = await startRegistry(at('drained'))
    writeFileSync(at('bin', 'large'), Buffer.alloc(60_000_000, String(Math.random())))
    const image = `${at('built')}:large`
    await execute('umoci', ['new', '--image', image])
    await execute('umoci', ['insert', '--rootless', '--image', image, at('bin'), '/bin'])
    const target = `docker://127.0.0.1:${other.port}/big:1`
    const pushing = skopeo(
      'copy',
      '--dest-tls-verify=false',
      '--dest-compress-format=gzip',
      `oci:${image}`,
      target,
    )
    await eventually(() => other.log().some(line => line['method'] === 'POST'))
    other.signal('SIGTERM')
    await pushing
    expect((await other.ended).code).toBe(0)
    const again = await startRegistry(at('drained'))
    expect((await again.ask('/v2/big/manifests/1')).status).toBe(200)
    await again.stop()
  })
})
