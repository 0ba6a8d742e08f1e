// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
import { beforeAll, describe, expect, it } from 'vitest'
import { config, describeBytes, digestText, imageOf, indexOf, type Made } from '../../suites/image.ts'
import { expectErrorShape, jsonOf, registryForFile } from './workflow.ts'

const { registry, ask, pushBlob, putManifest, expectManifest } = registryForFile()
const name = 'manifests/app'
const empty = Buffer.from('{}')
const emptyType = 'application/vnd.oci.empty.v1+json'
const layers = ['amd64', 'arm64'] as const

const variant = (extra: object, from: Made = imageOf(['amd64'])): Made => {
  const bytes = Buffer.from(JSON.stringify({ ...JSON.parse(from.bytes.toString()), ...extra }))
  return { mediaType: from.mediaType, bytes, digest: digestText(bytes) }
}
const foreign = (mediaType: string) => ({
  mediaType,
  digest: digestText(`at its publisher's: ${mediaType}`),
  size: 10,
  urls: ['https://example.com/layer'],
})

const deep = (levels: number): Made => {
  const nested = `${'['.repeat(levels)}${']'.repeat(levels)}`
  const bytes = Buffer.from(`${imageOf([]).bytes.toString().slice(0, -1)},"com.example":${nested}}`)
  return { mediaType: imageOf([]).mediaType, bytes, digest: digestText(bytes) }
}

beforeAll(async () => {
  for (const bytes of [config, empty, ...layers, '']) await pushBlob(name, bytes)
})

describe('what is stored as it came, by tag and by digest', () => {
  const artifact = { mediaType: emptyType, digest: digestText(empty), size: 2 }
  it.each<[string, Made]>([
    ['an image', imageOf([...layers])],
    ["an image in Docker's format", imageOf([...layers], {}, 'docker')],
    ['an image without mediaType', variant({ mediaType: undefined })],
    ['an image without layers', imageOf([])],
    ['an image with an empty layer', imageOf([''])],
    [
      'an artifact with the empty config and the empty layer',
      variant({ config: artifact, layers: [artifact], artifactType: 'application/vnd.example+json' }),
    ],
    [
      'an artifact with a config of its own',
      variant({ config: { ...describeBytes('application/vnd.example.config', config) } }),
    ],
    [
      'layers of types nobody knows',
      variant({ layers: [describeBytes('application/x-nobody;version=1', 'amd64')] }),
    ],
    [
      'content in the descriptor',
      variant({
        config: { ...artifact, data: empty.toString('base64') },
        layers: [{ ...artifact, data: empty.toString('base64') }],
        artifactType: 'a/b',
      }),
    ],
    [
      'annotations and fields of its own',
      variant({ annotations: { a: 'b', '': '', ключ: '鍵' }, 'org.example': [1, { x: null }] }),
    ],
    [
      'layers that stay at their publisher',
      variant({
        layers: [
          foreign('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'),
          foreign('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'),
        ],
      }),
    ],
    [
      'white space, order and repetition',
      ((): Made => {
        const bytes = Buffer.from(
          `\n${JSON.stringify({ layers: [], ...JSON.parse(imageOf([]).bytes.toString()) }, null, 3)}\n\n`,
        )
        return { mediaType: imageOf([]).mediaType, bytes, digest: digestText(bytes) }
      })(),
    ],
  ])('%s', async (what, made) => {
    const tag = what.replace(/\W/g, '-')
    const put = await putManifest(name, tag, made)
    expect(put).toMatchObject({ status: 201, headers: { 'docker-content-digest': made.digest } })
    expect((await ask(put.headers.location ?? '')).body.equals(made.bytes)).toBe(true)
    for (const reference of [tag, made.digest]) await expectManifest(name, reference, made, made.digest)
    const long = digestText(made.bytes, 'sha512')
    expect(await putManifest(name, long, made)).toMatchObject({
      status: 201,
      headers: { 'docker-content-digest': long, location: `/v2/${name}/manifests/${long}` },
    })
    await expectManifest(name, long, made, long)
  })

  it('a Content-Type with parameters is the type without them', async () => {
    const image = imageOf([])
    const put = await putManifest(name, 'parameters', {
      ...image,
      mediaType: `${image.mediaType}; charset=utf-8`,
    })
    expect(put.status).toBe(201)
    await expectManifest(name, 'parameters', image, image.digest)
  })

  it.each(['oci', 'docker'] as const)('an index of images, and an index of indexes (%s)', async family => {
    const children = layers.map(layer => imageOf([layer], {}, family))
    for (const child of children) expect((await putManifest(name, child.digest, child)).status).toBe(201)
    const index = indexOf(children, {}, family)
    const nested = indexOf([index, children[0]!], { annotations: { nested: 'yes' } })
    const none = indexOf([], {}, family)
    for (const made of [index, nested, none]) {
      expect((await putManifest(name, `index-${family}`, made)).status).toBe(201)
      await expectManifest(name, `index-${family}`, made, made.digest)
      await expectManifest(name, made.digest, made, made.digest)
    }
  })

  it('names and tags of the greatest length', async () => {
    const long = `${'n'.repeat(127)}/${'m'.repeat(127)}`
    const tag = `_${'.-aZ'.repeat(32)}`.slice(0, 128)
    expect([long.length, tag.length]).toEqual([255, 128])
    await pushBlob(long, config)
    expect((await putManifest(long, tag, imageOf([]))).status).toBe(201)
    await expectManifest(long, tag, imageOf([]), imageOf([]).digest)
    expect(await putManifest(long, `${tag}a`, imageOf([]))).toMatchObject({
      status: 400,
      code: 'TAG_INVALID',
    })
    const longer = `${long}a`
    expect(await putManifest(longer, 'v1', imageOf([]))).toMatchObject({ status: 400, code: 'NAME_INVALID' })
    const begun = await ask(`/v2/${longer}/blobs/uploads/`, { method: 'POST' })
    expect(begun).toMatchObject({ status: 400, code: 'NAME_INVALID' })
    // zot made longer ones, which are served where they are.
    expect(await ask(`/v2/${longer}/tags/list`)).toMatchObject({ status: 404, code: 'NAME_UNKNOWN' })
  })
})

describe('tags that come with a push by digest', () => {
  const put = (image: Made, query: string, algorithm = 'sha256') =>
    putManifest(name, `${digestText(image.bytes, algorithm)}?${query}`, image)

  it.each(['sha256', 'sha512'])('are all set, and named in the answer (%s)', async algorithm => {
    const image = imageOf([], { annotations: { algorithm } })
    const tags = Array.from({ length: 12 }, (_, at) => `${algorithm}-${at}`)
    const stored = await put(image, [...tags, tags[0]].map(tag => `tag=${tag}`).join('&'), algorithm)
    const digest = digestText(image.bytes, algorithm)
    expect(stored).toMatchObject({
      status: 201,
      headers: {
        'docker-content-digest': digest,
        location: `/v2/${name}/manifests/${digest}`,
        'oci-tag': tags.join(', '),
      },
    })
    for (const tag of tags) await expectManifest(name, tag, image, digest)
    const { tags: listed } = jsonOf(await ask(`/v2/${name}/tags/list`))
    expect(listed).toEqual(expect.arrayContaining(tags))
  })

  it('move, and what they pointed to stays', async () => {
    const [one, two] = ['one', 'two'].map(by => imageOf([], { annotations: { by } })) as [Made, Made]
    await put(one, 'tag=moving&tag=staying')
    await put(two, 'tag=moving')
    await expectManifest(name, 'moving', two, two.digest)
    await expectManifest(name, 'staying', one, one.digest)
  })

  it('are none when one of them is wrong, too many or the body is something else', async () => {
    const image = imageOf([], { annotations: { refused: 'yes' } })
    expect(await put(image, 'tag=fine&tag=not%20fine')).toMatchObject({ status: 400, code: 'TAG_INVALID' })
    expect(await put(image, 'tag=')).toMatchObject({ status: 400, code: 'TAG_INVALID' })
    expect(await put(image, 'tag=..%2fx')).toMatchObject({ status: 400, code: 'TAG_INVALID' })
    const many = Array.from({ length: 101 }, (_, at) => `tag=t${at}`).join('&')
    expect(await put(image, many)).toMatchObject({ status: 414, code: 'TAG_INVALID' })
    expect(await putManifest(name, 'by-tag?tag=other', image)).toMatchObject({
      status: 400,
      code: 'TAG_INVALID',
    })
    expect(await putManifest(name, `${digestText('other')}?tag=fine`, image)).toMatchObject({
      code: 'DIGEST_INVALID',
    })
    for (const reference of ['fine', 't0', 'by-tag', image.digest])
      expect((await ask(`/v2/${name}/manifests/${reference}`)).status).toBe(404)
  })
})

describe('what is refused', () => {
  const image = imageOf([])
  it.each<[string, Made, number, string]>([
    [
      'a missing config',
      variant({ config: describeBytes('application/vnd.oci.image.config.v1+json', 'absent') }),
      400,
      'MANIFEST_BLOB_UNKNOWN',
    ],
    ['a missing layer', imageOf(['absent']), 400, 'MANIFEST_BLOB_UNKNOWN'],
    ['an index whose children are absent', indexOf([imageOf(['absent'])]), 400, 'MANIFEST_BLOB_UNKNOWN'],
    [
      'one that has only some of them',
      indexOf([imageOf([...layers]), imageOf(['absent'])]),
      400,
      'MANIFEST_BLOB_UNKNOWN',
    ],
    [
      "a list of Docker's whose children are absent",
      indexOf([imageOf(['absent'], {}, 'docker')], {}, 'docker'),
      400,
      'MANIFEST_BLOB_UNKNOWN',
    ],
    ['a type that is no manifest', { ...image, mediaType: 'application/json' }, 415, 'MANIFEST_INVALID'],
    ['no type', { ...image, mediaType: '' }, 415, 'MANIFEST_INVALID'],
    [
      'the type of another family',
      { ...image, mediaType: imageOf([], {}, 'docker').mediaType },
      400,
      'MANIFEST_INVALID',
    ],
    [
      'an index that says it is an image',
      { ...indexOf([]), mediaType: image.mediaType },
      400,
      'MANIFEST_INVALID',
    ],
    ['both at once', variant({ manifests: [] }, image), 400, 'MANIFEST_INVALID'],
    [
      'schema 1',
      { ...image, bytes: Buffer.from('{"schemaVersion":1,"fsLayers":[]}') },
      400,
      'MANIFEST_INVALID',
    ],
    [
      'a digest of another algorithm',
      variant({ layers: [{ mediaType: 'a/b', digest: 'md5:d41d8cd98f00b204e9800998ecf8427e', size: 0 }] }),
      400,
      'MANIFEST_INVALID',
    ],
    [
      'a digest in capitals',
      variant({
        layers: [{ mediaType: 'a/b', digest: digestText('').toUpperCase().replace('SHA', 'sha'), size: 0 }],
      }),
      400,
      'MANIFEST_INVALID',
    ],
    [
      'a digest cut short',
      variant({ layers: [{ mediaType: 'a/b', digest: digestText('', 'sha512').slice(0, 100), size: 0 }] }),
      400,
      'MANIFEST_INVALID',
    ],
    [
      'a negative size',
      variant({ layers: [{ mediaType: 'a/b', digest: digestText(''), size: -1 }] }),
      400,
      'MANIFEST_INVALID',
    ],
    ['no JSON', { ...image, bytes: Buffer.from('nonsense') }, 400, 'MANIFEST_INVALID'],
    [
      'bytes that are no text',
      { ...image, bytes: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) },
      400,
      'MANIFEST_INVALID',
    ],
    ['only NUL', { ...image, bytes: Buffer.alloc(100) }, 400, 'MANIFEST_INVALID'],
    [
      'brackets four million deep',
      { ...image, bytes: Buffer.alloc(4_000_000, '[') },
      400,
      'MANIFEST_INVALID',
    ],
    ['fields ten thousand deep', deep(10_000), 400, 'MANIFEST_INVALID'],
    ['a subject that is none', variant({ subject: { digest: 'x' } }), 400, 'MANIFEST_INVALID'],
  ])('%s', async (_, made, status, code) => {
    const put = await putManifest('manifests/refused', 'v1', made)
    expect(put).toMatchObject({ status, code })
    expectErrorShape(put)
    expect((await ask('/v2/manifests/refused/manifests/v1')).status).toBe(404)
  })

  it('a child that came as a blob: nobody could pull it', async () => {
    const child = imageOf([], { annotations: { only: 'a blob' } })
    await pushBlob(name, child.bytes)
    const index = indexOf([child])
    expect(await putManifest(name, 'v1', index)).toMatchObject({ status: 400, code: 'MANIFEST_BLOB_UNKNOWN' })
    expect((await putManifest(name, child.digest, child)).status).toBe(201)
    expect((await putManifest(name, 'v1', index)).status).toBe(201)
  })

  it('more than 4 MiB; exactly 4 MiB is not', async () => {
    const limit = 4 * 1024 * 1024
    const image = imageOf([])
    const sized = (size: number): Made => {
      const bytes = Buffer.from(image.bytes.toString().padEnd(size, ' '))
      return { mediaType: image.mediaType, bytes, digest: digestText(bytes) }
    }
    expect((await putManifest(name, 'large', sized(limit))).status).toBe(201)
    await expectManifest(name, 'large', sized(limit), sized(limit).digest)
    const refused = await putManifest(name, 'larger', sized(limit + 1))
    expect(refused.status).toBe(413)
    expectErrorShape(refused)
  })

  it('deeply nested content that is otherwise right is stored, and harms nobody', async () => {
    const made = deep(9000)
    expect((await putManifest(name, 'nested', made)).status).toBe(201)
    await expectManifest(name, 'nested', made, made.digest)
    expect((await ask(`/v2/${name}/referrers/${made.digest}`)).status).toBe(200)
    expect(
      registry()
        .log()
        .filter(line => line['level'] === 'error'),
    ).toEqual([])
  })
})
