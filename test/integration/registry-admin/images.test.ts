import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminClient } from '../../../core/platform/admin-client.ts'
import { registryHttp } from '../../../core/platform/registry-http.ts'
import { createImages, type Images } from '../../../core/registry-client/images/images.ts'
import { config, digestOf, imageOf, indexOf } from '../../suites/image.ts'
import { type AppRig, createAppRig, targetAt } from '../app/app-rig.ts'
import { pushBlob, pushImage, putManifest, type Target } from '../registry/client.ts'

let rig: AppRig
let to: Target
let images: Images
beforeAll(async () => {
  rig = await createAppRig()
  const damaged = join(rig.data, 'many', 'damaged')
  await mkdir(damaged, { recursive: true, mode: 0o700 })
  await writeFile(join(damaged, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(join(damaged, 'index.json'), '')
  await rig.serving()
  to = targetAt(rig.url)
  for (const tag of ['1', '2', 'latest']) await pushImage(to, 'team/app', tag, `layer ${tag}`)
  for (let at = 0; at < 12; at += 1)
    await pushImage(to, `many/r${String(at).padStart(2, '0')}`, 'v1', 'layer')
  const index = indexOf([imageOf(['layer 1']), imageOf(['layer 2'])])
  const parsed = JSON.parse(index.bytes.toString())
  parsed.manifests[0].platform = { os: 'linux', architecture: 'arm64', variant: 'v8' }
  parsed.manifests[1].platform = { os: 'unknown', architecture: 'unknown' }
  const bytes = Buffer.from(JSON.stringify(parsed))
  expect((await putManifest(to, 'team/app', 'multi', { ...index, bytes })).status).toBe(201)
  images = createImages({
    registry: registryHttp({ url: () => rig.url, credential: async () => undefined }),
    admin: adminClient('/nowhere/admin.sock'),
    addresses: () => ({ given: `registry.example:${rig.port}`, local: `127.0.0.1:${rig.port}` }),
    isCached: () => false,
    dataFolder: () => rig.data,
  })
})
afterAll(() => rig.end())

const sizeOf = (layer: string): number =>
  imageOf([layer]).bytes.length + config.length + Buffer.byteLength(layer)

describe('images over the HTTP API', () => {
  it('are listed with digest, platforms and size', async () => {
    const listed = await images.list({ repository: 'team/app', limit: 200 })
    if (!listed.ok) throw new Error(listed.error.code)
    expect(listed.value.timesKnown).toBe(false)
    expect(listed.value.images.map(image => image.tag)).toEqual(['1', '2', 'latest', 'multi'])
    expect(listed.value.images[0]).toEqual({
      repository: 'team/app',
      tag: '1',
      digest: imageOf(['layer 1']).digest,
      platforms: ['linux/amd64'],
      size: sizeOf('layer 1'),
    })
    // The attachment is no platform; the blob that both children share counts once.
    expect(listed.value.images[3]).toMatchObject({ platforms: ['linux/arm64/v8'] })
    expect(listed.value.images[3]?.size).toBeLessThan(sizeOf('layer 1') + sizeOf('layer 2') + 1_000)
  })

  it.each([1, 2, 3, 5, 16, 200])('come in pages of %i, each once and in order', async limit => {
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await images.list({ limit, ...(after === undefined ? {} : { after }) })
      if (!page.ok) throw new Error(page.error.code)
      expect(page.value.images.length).toBeLessThanOrEqual(limit)
      seen.push(...page.value.images.map(image => `${image.repository}:${image.tag}`))
      after = page.value.next
    } while (after !== undefined)
    expect(seen).toHaveLength(16)
    expect(seen).toEqual(seen.toSorted())
  })

  it('are listed beside one that cannot be read, which is named', async () => {
    const listed = await images.list({ limit: 200 })
    expect(listed.ok && listed.value.images).toHaveLength(16)
    expect(listed.ok && listed.value.unreadable).toEqual([
      { repository: 'many/damaged', reason: expect.stringMatching(/\w/) },
    ])
    const alone = await images.list({ repository: 'many/damaged', limit: 200 })
    // Over HTTP it tells nobody more; Zotbar asks its administration socket.
    const unreadable = {
      code: 'repository-unreadable',
      repository: 'many/damaged',
      reason: 'the storage failed',
    }
    expect(alone).toEqual({ ok: false, error: unreadable })
    const named = { repository: 'many/damaged', reference: 'v1' }
    expect(await images.show(named)).toEqual({ ok: false, error: unreadable })
    expect(await images.delete(named)).toEqual({ ok: false, error: unreadable })
    const said = await rig.zotbar('images', 'show', 'many/damaged:v1')
    expect([said.code, said.stderr]).toEqual([
      1,
      expect.stringContaining('The registry says: index.json is empty. All other'),
    ])
    const other = await images.list({ repository: 'team/app', limit: 200 })
    expect(other.ok && other.value).not.toHaveProperty('unreadable')
  })

  it('one is shown in full, by tag and by digest', async () => {
    const { digest } = imageOf(['layer 2'])
    const byTag = await images.show({ repository: 'team/app', reference: '2' })
    expect(byTag).toMatchObject({
      ok: true,
      value: {
        tag: '2',
        digest,
        layers: [{ size: 7 }],
        platforms: [{ platform: 'linux/amd64', digest }],
        pullCommand: `docker pull registry.example:${rig.port}/team/app:2`,
        localPullCommand: `docker pull 127.0.0.1:${rig.port}/team/app:2`,
      },
    })
    const byDigest = await images.show({ repository: 'team/app', reference: digest })
    expect(byDigest.ok && byDigest.value.pullCommand).toContain(`team/app@${digest}`)
    expect(byDigest.ok && 'tag' in byDigest.value).toBe(false)
  })

  it('one is deleted by tag, by digest, and not twice', async () => {
    const image = await pushImage(to, 'gone/app', 'a', 'layer')
    expect((await putManifest(to, 'gone/app', 'b', image)).status).toBe(201)
    expect(await images.delete({ repository: 'gone/app', reference: 'a' })).toEqual({
      ok: true,
      value: { repository: 'gone/app', reference: 'a', digest: image.digest, tagOnly: true },
    })
    expect(await images.show({ repository: 'gone/app', reference: 'b' })).toMatchObject({ ok: true })
    const missing = { code: 'image-not-found', repository: 'gone/app', reference: 'a' }
    const neverTaken = { code: 'image-not-found', repository: 'gone/app', reference: '-x' }
    expect(await images.show({ repository: 'gone/app', reference: '-x' })).toEqual({
      ok: false,
      error: neverTaken,
    })
    expect(await images.delete({ repository: 'gone/app', reference: 'a' })).toEqual({
      ok: false,
      error: missing,
    })
    expect(await images.delete({ repository: 'gone/app', reference: image.digest })).toMatchObject({
      ok: true,
      value: { tagOnly: false },
    })
    expect(await images.show({ repository: 'gone/app', reference: 'b' })).toMatchObject({ ok: false })
  })

  it('tags that only zot takes are listed, shown and deleted, and pulled by digest', async () => {
    const image = imageOf([])
    const tags = ['-x', 'a:b', 'a%2Fb', "a;'b", 't'.repeat(129)]
    const blobs = join(rig.data, 'of/zot/blobs/sha256')
    await mkdir(blobs, { recursive: true })
    for (const bytes of [config, image.bytes]) await writeFile(join(blobs, digestOf(bytes).hex), bytes)
    const { mediaType, digest, bytes } = image
    const manifests = tags.map(tag => {
      const annotations = { 'org.opencontainers.image.ref.name': tag }
      return { mediaType, digest, size: bytes.length, annotations }
    })
    await writeFile(join(rig.data, 'of/zot/oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    await writeFile(join(rig.data, 'of/zot/index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
    const repository = 'of/zot'
    const listed = await images.list({ repository, limit: 10 })
    expect(listed.ok && listed.value.images.map(one => one.tag)).toEqual(tags.toSorted())
    for (const reference of tags) {
      const shown = await images.show({ repository, reference })
      // Neither docker nor a shell would take the tag for what it is.
      const pullCommand = `docker pull registry.example:${rig.port}/of/zot@${digest}`
      expect(shown).toMatchObject({ value: { tag: reference, digest, pullCommand } })
      expect(await images.delete({ repository, reference })).toMatchObject({
        value: { reference, tagOnly: true },
      })
      expect(await images.show({ repository, reference })).toMatchObject({ ok: false })
    }
    expect(await images.show({ repository, reference: digest })).toMatchObject({ ok: true })
  })

  it('what is no image to run has no platform', async () => {
    const layer = Buffer.from('a signature')
    await pushBlob(to, 'team/sig', layer)
    await pushBlob(to, 'team/sig', '{}')
    const signature = imageOf([layer], {})
    const parsed = JSON.parse(signature.bytes.toString())
    parsed.config = {
      mediaType: 'application/vnd.oci.empty.v1+json',
      digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      size: 2,
    }
    const bytes = Buffer.from(JSON.stringify(parsed))
    expect((await putManifest(to, 'team/sig', 's', { ...signature, bytes })).status).toBe(201)
    const listed = await images.list({ repository: 'team/sig', limit: 10 })
    expect(listed).toMatchObject({
      value: { images: [{ platforms: [], size: bytes.length + 2 + layer.length }] },
    })
  })

  it('a repository that is not there, and a registry that does not answer, are told apart', async () => {
    expect(await images.list({ repository: 'no/such', limit: 10 })).toEqual({
      ok: false,
      error: { code: 'image-not-found', repository: 'no/such' },
    })
    const nowhere = createImages({
      registry: registryHttp({ url: () => 'http://127.0.0.1:1', credential: async () => undefined }),
      admin: adminClient('/nowhere'),
      addresses: () => ({ given: '' }),
      isCached: () => false,
      dataFolder: () => undefined,
    })
    expect(await nowhere.list({ limit: 1 })).toMatchObject({ error: { code: 'registry-unreachable' } })
  })

  it('of a repository of copies no tag is asked for', async () => {
    const asked: string[] = []
    const real = registryHttp({ url: () => rig.url, credential: async () => undefined })
    const careful = createImages({
      registry: {
        ask: (path, options) => {
          asked.push(path)
          return real.ask(path, options)
        },
        close: () => real.close(),
      },
      admin: adminClient('/nowhere'),
      addresses: () => ({ given: '' }),
      isCached: name => name === 'team/app',
      dataFolder: () => rig.data,
    })
    const listed = await careful.list({ repository: 'team/app', limit: 10 })
    expect(listed.ok && listed.value.images).toHaveLength(4)
    expect(asked.filter(path => path.includes('/manifests/'))).toEqual([])
  })
})

describe('zotbar images', () => {
  it('lists, shows and deletes as JSON and in words', async () => {
    const all = await rig.zotbar('images', 'list', '--json')
    expect(all).toMatchObject({ code: 0, stderr: '' })
    const { images: listed } = JSON.parse(all.stdout)
    expect(listed.map((image: { tag: string }) => image.tag)).toContain('latest')
    const words = await rig.zotbar('images', 'list', 'team/app')
    expect(words.stdout.split('\n')[0]).toMatch(/^IMAGE +DIGEST +PLATFORMS +SIZE +PUSHED +LAST PULLED$/)
    expect(words.stdout).toMatch(/team\/app:1 +sha256:[0-9a-f]{12} +linux\/amd64/)
    expect((await rig.zotbar('images', 'show', 'team/app:1')).stdout).toContain(
      `docker pull 127.0.0.1:${rig.port}/team/app:1`,
    )
    const gone = await rig.zotbar('images', 'delete', 'team/app:latest', '--json')
    expect(JSON.parse(gone.stdout)).toMatchObject({
      repository: 'team/app',
      reference: 'latest',
      tagOnly: true,
    })
    const again = await rig.zotbar('images', 'delete', 'team/app:latest', '--json')
    expect(again.code).toBe(1)
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'image-not-found' } })
    expect(await rig.zotbar('images', 'delete', 'team/app', '--json')).toMatchObject({ code: 2, stderr: '' })
  })

  it('has a repository back whose damaged index was moved away, by a push, without a restart', async () => {
    const index = join(rig.data, 'many', 'damaged', 'index.json')
    await expect(pushImage(to, 'many/damaged', 'v1', 'layer')).rejects.toThrow('500')
    await rename(index, `${index}.damaged`)
    await pushImage(to, 'many/damaged', 'v1', 'layer')
    const back = await images.list({ repository: 'many/damaged', limit: 10 })
    expect(back.ok && back.value.images.map(({ tag }) => tag)).toEqual(['v1'])
  })
})
