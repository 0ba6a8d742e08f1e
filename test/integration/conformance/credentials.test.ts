import { execFile } from 'node:child_process'
import { copyFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../../setup/need.ts'
import { config, digestText, imageOf, type Made } from '../../suites/image.ts'
import { pushBlob, putManifest } from '../registry/client.ts'
import { as, basic, passwordOf, threeTiers, writeHtpasswd } from '../registry/people.ts'
import { type Registry, startRegistry, temporaryFolder } from '../registry/registry-process.ts'

const execute = promisify(execFile)
const folder = temporaryFolder()
const at = (...names: string[]): string => join(folder.path, ...names)
const root = at('root')
let registry: Registry

beforeAll(async () => {
  registry = await startRegistry(root, threeTiers(writeHtpasswd(root, 'robot', 'alice', 'root')))
})
afterAll(async () => {
  expect((await registry.stop()).code).toBe(0)
  folder.dispose()
})
const user = (name: string) => as(registry, basic(name))

describe('a mount without a source', () => {
  it('finds only what its caller may read', async () => {
    const digest = digestText('secret')
    const path = `/v2/ci/mount/blobs/uploads/?mount=${digest}`
    expect(await pushBlob(user('alice'), 'private/app', 'secret')).toBe(201)
    expect((await user('robot').ask(path, { method: 'POST' })).status).toBe(202)
    expect((await user('robot').ask(`/v2/ci/mount/blobs/${digest}`)).status).toBe(404)
    expect(await pushBlob(user('root'), 'open/app', 'secret')).toBe(201)
    expect((await user('robot').ask(path, { method: 'POST' })).status).toBe(201)
  })
})

describe('HEAD of a blob that another repository has', () => {
  const head = (who: Pick<Registry, 'ask'>, name: string, bytes: string, headers = {}) =>
    who.ask(`/v2/${name}/blobs/${digestText(bytes)}`, { method: 'HEAD', headers })
  const fileOf = (name: string, bytes: string): string =>
    at('root', name, 'blobs', 'sha256', digestText(bytes).slice(7))

  it('links it for somebody who may push, and read it there', async () => {
    expect(await pushBlob(user('root'), 'open/app', 'a layer')).toBe(201)
    expect(await head(user('robot'), 'ci/head', 'a layer')).toMatchObject({
      status: 200,
      headers: { 'content-length': '7', 'docker-content-digest': digestText('a layer') },
    })
    expect(statSync(fileOf('ci/head', 'a layer')).ino).toBe(statSync(fileOf('open/app', 'a layer')).ino)
    expect((await registry.ask(`/v2/ci/head/blobs/${digestText('a layer')}`)).body.toString()).toBe('a layer')
    // A manifest may rely on what HEAD said.
    expect(await pushBlob(user('robot'), 'ci/head', config)).toBe(201)
    expect((await putManifest(user('robot'), 'ci/head', 'v1', imageOf(['a layer']))).status).toBe(201)
  })

  it('is 404 for everybody else, and nothing is written', async () => {
    expect(await pushBlob(user('root'), 'open/app', 'not for you')).toBe(201)
    expect(await pushBlob(user('alice'), 'private/app', 'nor this')).toBe(201)
    const before = readdirSync(root, { recursive: true }).sort()
    // Nobody may push; robot may not read private/app; a page asks; GET only reads.
    expect((await head(registry, 'new/app', 'not for you')).status).toBe(404)
    expect((await head(user('robot'), 'new/app', 'nor this')).status).toBe(404)
    expect((await head(user('robot'), 'private/app', 'not for you')).status).toBe(403)
    for (const headers of [{ Origin: 'http://x.example.com' }, { 'Sec-Fetch-Mode': 'no-cors' }])
      expect((await head(user('robot'), 'new/app', 'not for you', headers)).status).toBe(404)
    const got = await user('robot').ask(`/v2/new/app/blobs/${digestText('not for you')}`)
    expect(got.status).toBe(404)
    expect((await head(user('robot'), 'new/app', 'nowhere')).status).toBe(404)
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(before)
  })

  it('does not bring back what was just removed', async () => {
    for (const name of ['open/app', 'open/copy'])
      expect(await pushBlob(user('root'), name, 'removed')).toBe(201)
    const path = `/v2/open/copy/blobs/${digestText('removed')}`
    expect((await user('root').ask(path, { method: 'DELETE' })).status).toBe(202)
    expect((await head(user('root'), 'open/copy', 'removed')).status).toBe(404)
    const never = `/v2/open/never/blobs/${digestText('removed')}`
    expect((await user('root').ask(never, { method: 'DELETE' })).status).toBe(404)
    expect((await head(user('root'), 'open/never', 'removed')).status).toBe(404)
    expect((await head(user('root'), 'open/third', 'removed')).status).toBe(200)
  })
})

describe('tags with a push by digest', () => {
  const made = (by: string): Made => imageOf([], { annotations: { by } })
  it('that exist are left alone, all of them, by whoever may only create', async () => {
    expect(await pushBlob(user('robot'), 'ci/tags', config)).toBe(201)
    const [first, other] = [made('first'), made('other')]
    expect((await putManifest(user('robot'), 'ci/tags', `${first.digest}?tag=v1`, first)).status).toBe(201)
    const refused = await putManifest(user('robot'), 'ci/tags', `${other.digest}?tag=v2&tag=v1`, other)
    expect(refused).toMatchObject({ status: 403, code: 'DENIED' })
    expect((await registry.ask('/v2/ci/tags/manifests/v2')).status).toBe(404)
    expect((await registry.ask('/v2/ci/tags/manifests/v1')).body.equals(first.bytes)).toBe(true)
    expect((await putManifest(user('root'), 'ci/tags', `${other.digest}?tag=v2&tag=v1`, other)).status).toBe(
      201,
    )
    expect((await registry.ask('/v2/ci/tags/manifests/v1')).body.equals(other.bytes)).toBe(true)
  })

  it('of two pushes of a new tag at once, only one makes it', async () => {
    const images = Array.from({ length: 6 }, (_, by) => made(`race ${by}`))
    const answers = await Promise.all(
      images.map(image => putManifest(user('robot'), 'ci/tags', `${image.digest}?tag=race`, image)),
    )
    expect(answers.map(answer => answer.status).sort()).toEqual([201, 403, 403, 403, 403, 403])
  })
})

describeWith(['buildah', 'skopeo', 'busybox'], 'buildah and skopeo with a password', () => {
  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await execute(program, args)).stdout.trim()
  const buildah = (...args: string[]): Promise<string> =>
    run('buildah', '--root', at('store'), '--runroot', at('run'), '--storage-driver', 'vfs', ...args)
  const remote = (name: string): string => `docker://127.0.0.1:${registry.port}/${name}`
  const credentials = (name: string): string => `--creds=${name}:${passwordOf(name)}`

  beforeAll(async () => {
    copyFileSync(await run('sh', '-c', 'command -v busybox'), at('busybox'))
    const container = await buildah('from', 'scratch')
    await buildah('copy', container, at('busybox'), '/bin/busybox')
    await buildah('commit', '--quiet', container, 'localhost/app')
  })

  it('push new tags only, pull without one, and are told why not', async () => {
    const push = (name: string, ...more: string[]): Promise<string> =>
      buildah('push', '--retry=0', '--tls-verify=false', ...more, 'localhost/app', remote(name))
    await expect(push('ci/app:1')).rejects.toThrow(/authentication required|unauthorized/)
    await expect(push('ci/app:1', '--creds=robot:wrong')).rejects.toThrow(
      /authentication required|unauthorized/,
    )
    await push('ci/app:1', credentials('robot'))
    await push('ci/app:1', credentials('robot'))
    await run('skopeo', 'inspect', '--tls-verify=false', remote('ci/app:1'))
    await buildah('pull', '--quiet', '--tls-verify=false', remote('ci/app:1'))
    await push('private/app:1', credentials('alice'))
    await expect(run('skopeo', 'inspect', '--tls-verify=false', remote('private/app:1'))).rejects.toThrow()
    const remove = (name: string): Promise<string> =>
      run('skopeo', 'delete', '--tls-verify=false', credentials(name), remote('ci/app:1'))
    await expect(remove('robot')).rejects.toThrow(/denied/)
    await remove('root')
  })
})
