import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'
import { digestOf, digestText, config as imageConfig, imageOf } from '../../suites/image.ts'
import { pushBlob, pushImage, putManifest } from '../registry/client.ts'
import {
  type Registry,
  run,
  startRegistry,
  temporaryFolder,
  writeConfig,
} from '../registry/registry-process.ts'

const execute = promisify(execFile)
const minute = 60_000

let folder: ReturnType<typeof temporaryFolder>
let root: string
let registry: Registry | undefined
beforeEach(() => {
  folder = temporaryFolder()
  root = join(folder.path, 'root')
})
afterEach(async () => {
  await registry?.stop()
  registry = undefined
  folder.dispose()
})

const storageWith = (more: object): object => ({
  storage: { rootDirectory: root, gcDelay: '1h', gcInterval: '1s', ...more },
})
const start = async (more: object = {}): Promise<Registry> => {
  registry = await startRegistry(root, storageWith(more))
  return registry
}
const stop = async (): Promise<void> => {
  await registry?.stop()
  registry = undefined
}
/** None where the repository went with its last blob. */
const blobsOf = (repo: string): string[] => {
  const folder = join(root, repo, 'blobs/sha256')
  return existsSync(folder) ? readdirSync(folder) : []
}
const age = (path: string, by = 2 * 60 * minute): void => {
  const then = new Date(Date.now() - by)
  utimesSync(path, then, then)
}
/** Hours pass: for the files and in what is remembered of pushes. */
const ageBlobs = (repo: string): void => {
  for (const end of ['', '-wal', '-shm']) rmSync(join(root, `_zotbar/activity.db${end}`), { force: true })
  for (const hex of blobsOf(repo)) age(join(root, repo, 'blobs/sha256', hex))
}
/** Writes blobs that nothing names straight into the store, hours old. */
function litter(repo: string, count: number): void {
  mkdirSync(join(root, repo, 'blobs/sha256'), { recursive: true })
  for (let at = 0; at < count; at++) {
    const path = join(root, repo, 'blobs/sha256', digestOf(`litter ${at}`).hex)
    writeFileSync(path, `litter ${at}`)
    age(path)
  }
}
const messages = (text: string): Record<string, unknown>[] =>
  (registry?.log() ?? []).filter(line => line['message'] === text)

describe('garbage collection of a registry that serves', () => {
  it('removes the dead and keeps the living, the young and what a push was told of', async () => {
    const to = await start({ gc: false })
    const image = await pushImage(to, 'team/app', 'v1', 'layer')
    for (const bytes of ['old', 'told']) await pushBlob(to, 'team/app', bytes)
    ageBlobs('team/app')
    await pushBlob(to, 'team/app', 'young')
    expect((await to.ask(`/v2/team/app/blobs/${digestText('told')}`, { method: 'HEAD' })).status).toBe(200)
    await stop()
    const again = await start()
    await eventually(() => !blobsOf('team/app').includes(digestOf('old').hex))
    await eventually(() => messages('garbage collection completed').length > 0)
    for (const bytes of ['layer', imageConfig, image.bytes, 'told', 'young'])
      expect(blobsOf('team/app')).toContain(digestOf(bytes).hex)
    expect((await again.ask(`/v2/team/app/blobs/${digestText('old')}`)).code).toBe('BLOB_UNKNOWN')
  })

  it('is off where gc is false', async () => {
    litter('a', 1)
    await start({ gc: false })
    await new Promise(resolve => setImmediate(resolve))
    await stop()
    expect(blobsOf('a')).toHaveLength(1)
  })

  it('loses nothing while images are pushed, overwritten, deleted and pulled', async () => {
    const to = await start({ gcDelay: '2s', gcInterval: '100ms' })
    const until = Date.now() + 8000
    const wrong: string[] = []
    let pushes = 0
    const work = async (repo: string): Promise<void> => {
      for (let at = 0; Date.now() < until; at++) {
        const layer = `${repo} ${at % 5}`
        const image = await pushImage(to, repo, `t${at % 3}`, layer)
        pushes++
        for (const path of [
          `manifests/t${at % 3}`,
          `blobs/${digestText(layer)}`,
          `blobs/${digestText(imageConfig)}`,
        ]) {
          const { status } = await to.ask(`/v2/${repo}/${path}`)
          if (status !== 200) wrong.push(`${repo} ${at} ${path}: ${status}`)
        }
        if (at % 4 === 0) await to.ask(`/v2/${repo}/manifests/${image.digest}`, { method: 'DELETE' })
      }
    }
    await Promise.all(['x', 'x', 'y/z'].map((repo, at) => work(at === 1 ? 'x/two' : repo)))
    expect(wrong).toEqual([])
    expect(pushes).toBeGreaterThan(20)
    // What the last pushes left untagged goes too, and only that.
    await eventually(async () => {
      for (const repo of ['x', 'x/two', 'y/z']) {
        const index: { manifests: { annotations?: object }[] } = JSON.parse(
          readFileSync(join(root, repo, 'index.json'), 'utf8'),
        )
        if (index.manifests.some(({ annotations }) => annotations === undefined)) return false
      }
      return true
    }, 20_000)
    await stop()
    const { stdout, code } = await run('scrub', writeConfig(root))
    expect(code).toBe(0)
    expect(stdout).not.toContain('affected')
  })

  it('leaves the store whole when it is killed at any moment, and goes on after it', async () => {
    const count = 3000
    let to = await start({ gc: false })
    for (let at = 0; at < 5; at++) await pushImage(to, 'a', 'moving', `layer ${at}`)
    const image = await pushImage(to, 'a', 'v1', 'layer')
    await stop()
    ageBlobs('a')
    litter('a', count)
    for (const left of [2500, 1500, 500]) {
      to = await start({ gcInterval: '50ms' })
      await eventually(() => blobsOf('a').length < left, 20_000)
      to.signal('SIGKILL')
      await to.ended
      registry = undefined
      const { stdout } = await run('scrub', writeConfig(root))
      expect(stdout).not.toContain('affected')
    }
    to = await start({ gcInterval: '50ms' })
    await eventually(() => blobsOf('a').length <= 5, 20_000)
    const found = await to.ask('/v2/a/manifests/v1')
    expect(found.body.equals(image.bytes)).toBe(true)
    for (const bytes of ['layer', 'layer 4', imageConfig])
      expect((await to.ask(`/v2/a/blobs/${digestText(bytes)}`)).status).toBe(200)
  })

  it('stops at once when asked to, in the middle of it', async () => {
    litter('a', 3000)
    const began = performance.now()
    const to = await start({ gcInterval: '50ms' })
    const startMs = performance.now() - began
    await eventually(() => blobsOf('a').length < 2800, 20_000)
    const asked = performance.now()
    expect((await to.stop()).code).toBe(0)
    expect(performance.now() - asked).toBeLessThan(2000 + startMs)
    registry = undefined
    expect(blobsOf('a').length).toBeGreaterThan(0)
  })
})

describe('retention', () => {
  const keepV = (dryRun: boolean) => ({
    retention: {
      dryRun,
      delay: '1h',
      policies: [{ repositories: ['team/*'], keepTags: [{ patterns: ['^v'] }] }],
    },
  })
  it('says in a dry run what it would do, and does it once it is none', async () => {
    const to = await start(keepV(true))
    for (const tag of ['v1', 'dev']) await pushImage(to, 'team/app', tag, tag)
    await pushImage(to, 'other', 'dev', 'dev')
    await eventually(() => messages('applied policy').length >= 2)
    const said = messages('applied policy').map(line => [
      line['repository'],
      line['tag'],
      line['decision'],
      line['dry-run'],
    ])
    expect(said).toContainEqual(['team/app', 'dev', 'delete', true])
    expect(said).toContainEqual(['team/app', 'v1', 'keep', true])
    expect(JSON.parse((await to.ask('/v2/team/app/tags/list')).body.toString()).tags).toEqual(['dev', 'v1'])
    // Into the running process.
    writeConfig(root, storageWith(keepV(false)))
    await eventually(async () => (await to.ask('/v2/team/app/manifests/dev')).status === 404, 20_000)
    expect((await to.ask('/v2/team/app/manifests/v1')).status).toBe(200)
    expect((await to.ask('/v2/other/manifests/dev')).status).toBe(200)
  })

  it('refuses to start with a pattern that it cannot keep', async () => {
    mkdirSync(root)
    const policies = [{ repositories: ['**'], keepTags: [{ patterns: ['(?=v)'] }] }]
    const { code, stderr } = await run('serve', writeConfig(root, storageWith({ retention: { policies } })))
    expect(code).toBe(1)
    expect(stderr).toContain('keepTags[0].patterns')
  })
})

describeWith(['skopeo', 'umoci'], 'skopeo, while garbage is collected', () => {
  it('pushes and pulls', async () => {
    const to = await start({ gcDelay: '2s', gcInterval: '100ms' })
    const built = join(folder.path, 'built')
    await execute('umoci', ['init', '--layout', built])
    await execute('umoci', ['new', '--image', `${built}:v1`])
    const content = join(folder.path, 'content')
    writeFileSync(content, 'content')
    await execute('umoci', ['insert', '--rootless', '--image', `${built}:v1`, content, '/content'])
    for (let at = 0; at < 6; at++) {
      const remote = `docker://127.0.0.1:${to.port}/lib/app:t${at % 2}`
      await execute('skopeo', ['copy', '--dest-tls-verify=false', `oci:${built}:v1`, remote])
      const back = `oci:${join(folder.path, `back${at}`)}:v1`
      await execute('skopeo', ['copy', '--src-tls-verify=false', remote, back])
    }
    expect(messages('garbage collection failed')).toEqual([])
  })
})

it('a push whose blob went meanwhile is told so, and nothing half is stored', async () => {
  const to = await start({ gcDelay: '1ms', gcInterval: '20ms' })
  await pushBlob(to, 'a', imageConfig)
  await pushBlob(to, 'a', 'layer')
  await eventually(() => !blobsOf('a').includes(digestOf('layer').hex))
  const refused = await putManifest(to, 'a', 'v1', imageOf(['layer']))
  expect([refused.status, refused.code]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN'])
  expect((await to.ask('/v2/a/manifests/v1')).status).toBe(404)
})
