// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#content-discovery
import { beforeAll, describe, expect, it } from 'vitest'
import { config, digestText, imageOf, indexOf, type Made } from '../../suites/image.ts'
import { type Registry, startRegistry, temporaryFolder } from '../registry/registry-process.ts'
import { type Descriptor, expectErrorShape, jsonOf, registryForFile } from './workflow.ts'

const { ask, pushBlob, putManifest, referrers } = registryForFile()
const next = (link: unknown): string => /^<([^>]+)>; rel="next"$/.exec(String(link))?.[1] ?? ''
const digests = (list: Descriptor[]): string[] => list.map(one => one.digest)

describe('tags (end-8)', () => {
  const names = ['A1', '_x', 'a1', 'b.2', 'b-2', 'latest', 'v10', 'v9']
  const sorted = [...names].sort()
  const list = async (query: string): Promise<{ tags: unknown; link: unknown }> => {
    const answer = await ask(`/v2/tags/app/tags/list${query}`)
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(jsonOf(answer)['name']).toBe('tags/app')
    return { tags: jsonOf(answer)['tags'], link: answer.headers['link'] }
  }
  beforeAll(async () => {
    await pushBlob('tags/app', config)
    for (const tag of names) expect((await putManifest('tags/app', tag, imageOf([]))).status).toBe(201)
  })

  it('all, in ASCII order', async () => {
    expect(await list('')).toEqual({ tags: sorted, link: undefined })
    expect((await list('?n=1000')).tags).toEqual(sorted)
    expect(await list('?n=8')).toEqual({ tags: sorted, link: undefined })
  })

  it('none, and no link, for n=0', async () => {
    expect(await list('?n=0')).toEqual({ tags: [], link: undefined })
  })

  it.each([1, 2, 3, 7])('%d at a time, by Link', async n => {
    const seen: unknown[] = []
    let query = `?n=${n}`
    while (query !== '') {
      const { tags, link } = await list(query)
      expect((tags as string[]).length).toBeLessThanOrEqual(n)
      seen.push(...(tags as string[]))
      query = next(link).replace('/v2/tags/app/tags/list', '')
    }
    expect(seen).toEqual(sorted)
  })

  it('after the last one, with and without n', async () => {
    expect((await list('?last=a1')).tags).toEqual(sorted.slice(sorted.indexOf('a1') + 1))
    expect((await list('?n=2&last=a1')).tags).toEqual(sorted.slice(sorted.indexOf('a1') + 1).slice(0, 2))
    expect((await list(`?last=${sorted.at(-1)}`)).tags).toEqual([])
  })

  it('of a repository that has only untagged manifests: none', async () => {
    await pushBlob('tags/none', config)
    await putManifest('tags/none', imageOf([]).digest, imageOf([]))
    expect(jsonOf(await ask('/v2/tags/none/tags/list'))).toEqual({ name: 'tags/none', tags: [] })
  })
})

it('the catalog, in pages', async () => {
  for (const name of ['catalog/a', 'catalog/b', 'catalog-c']) {
    await pushBlob(name, config)
    await putManifest(name, 'v1', imageOf([]))
  }
  const all = jsonOf(await ask('/v2/_catalog'))['repositories'] as string[]
  expect(all).toEqual([...all].sort())
  const seen: string[] = []
  for (let path = '/v2/_catalog?n=2'; path !== ''; ) {
    const page = await ask(path)
    seen.push(...(jsonOf(page)['repositories'] as string[]))
    path = page.headers['link'] === undefined ? '' : next(page.headers['link'])
  }
  expect(seen).toEqual(all)
  expect(jsonOf(await ask('/v2/_catalog?n=0'))).toEqual({ repositories: [] })
  expect(jsonOf(await ask('/v2/_catalog?last=catalog%2Fa'))['repositories']).toEqual(
    all.slice(all.indexOf('catalog/a') + 1),
  )
})

describe.each(['sha256', 'sha512'])('referrers (end-12) of a subject by its %s', algorithm => {
  const name = `refs/${algorithm}`
  const image = imageOf([], { annotations: { algorithm } })
  const digest = digestText(image.bytes, algorithm)
  const subject = { subject: { mediaType: image.mediaType, digest, size: image.bytes.length } }
  const emptyType = 'application/vnd.oci.empty.v1+json'
  const empty = { mediaType: emptyType, digest: digestText('{}'), size: 2 }
  const signature = imageOf([], { ...subject, artifactType: 'test/signature', annotations: { by: 'me' } })
  const byConfig = imageOf([], {
    ...subject,
    config: { ...empty, mediaType: 'test/config' },
    artifactType: '',
  })
  const byNothing = imageOf([], { ...subject, config: empty, layers: [empty] })
  const list = indexOf([], { ...subject, artifactType: 'test/list', annotations: { a: 'b' } })
  const plainList = indexOf([], subject)

  beforeAll(async () => {
    for (const bytes of [config, '{}']) await pushBlob(name, bytes)
  })

  it('are there before their subject is; each push says so', async () => {
    expect((await referrers(name, digest)).list).toEqual([])
    for (const made of [signature, byConfig, byNothing, list, plainList]) {
      expect(await putManifest(name, made.digest, made)).toMatchObject({
        status: 201,
        headers: { 'oci-subject': digest },
      })
    }
    expect((await ask(`/v2/${name}/manifests/${digest}`)).status).toBe(404)
    const before = await referrers(name, digest)
    expect(await putManifest(name, `${digest}?tag=v1`, image)).toMatchObject({ status: 201 })
    expect((await referrers(name, digest)).list).toEqual(before.list)
  })

  it('are described in full', async () => {
    const { list: found } = await referrers(name, digest)
    const describing = (made: Made, more: object) => ({
      mediaType: made.mediaType,
      digest: made.digest,
      size: made.bytes.length,
      ...more,
    })
    const expected = [
      describing(signature, { artifactType: 'test/signature', annotations: { by: 'me' } }),
      describing(byConfig, { artifactType: 'test/config' }),
      describing(byNothing, { artifactType: emptyType }),
      describing(list, { artifactType: 'test/list', annotations: { a: 'b' } }),
      describing(plainList, {}),
    ]
    expect(found).toEqual(expected.sort((a, b) => (a.digest < b.digest ? -1 : 1)))
  })

  it('are filtered by artifactType, and the answer says so', async () => {
    for (const [type, one] of [
      ['test/signature', signature],
      ['test/config', byConfig],
      ['test/list', list],
    ] as const) {
      const { answer, list: found } = await referrers(
        name,
        digest,
        `?artifactType=${encodeURIComponent(type)}`,
      )
      expect(answer.headers['oci-filters-applied']).toBe('artifactType')
      expect(digests(found)).toEqual([one.digest])
    }
    const both = '?artifactType=test%2Flist&artifactType=test/signature&artifactType='
    expect(digests((await referrers(name, digest, both)).list)).toEqual(
      [signature.digest, list.digest].sort(),
    )
    expect((await referrers(name, digest, '?artifactType=test/none')).list).toEqual([])
    expect((await referrers(name, digest)).answer.headers['oci-filters-applied']).toBeUndefined()
  })

  it('stay when the subject goes, and go when they go', async () => {
    await ask(`/v2/${name}/manifests/${digest}`, { method: 'DELETE' })
    expect(digests((await referrers(name, digest)).list)).toContain(signature.digest)
    expect((await ask(`/v2/${name}/manifests/${signature.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(digests((await referrers(name, digest)).list)).not.toContain(signature.digest)
  })

  it('of what nobody refers to, in a repository nobody has: none', async () => {
    expect((await referrers(name, digestText('nothing', algorithm))).list).toEqual([])
    expect((await referrers('refs/nowhere', digest)).list).toEqual([])
    for (const wrong of ['sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'v1', digest.toUpperCase()]) {
      const answer = await ask(`/v2/${name}/referrers/${wrong}`)
      expect(answer).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
      expectErrorShape(answer)
    }
  })
})

describe('referrers', () => {
  it('of a referrer', async () => {
    await pushBlob('refs/chain', config)
    const made = [imageOf([])]
    for (let depth = 0; depth < 5; depth++) {
      const { mediaType, digest, bytes } = made.at(-1)!
      made.push(
        imageOf([], { subject: { mediaType, digest, size: bytes.length }, artifactType: `test/${depth}` }),
      )
    }
    for (const one of made) await putManifest('refs/chain', one.digest, one)
    for (const [at, one] of made.slice(0, -1).entries())
      expect(digests((await referrers('refs/chain', one.digest)).list)).toEqual([made[at + 1]!.digest])
  })

  it('that an older client keeps under a tag are both readable there and listed here', async () => {
    await pushBlob('refs/tagged', config)
    const image = imageOf([])
    const note = imageOf([], {
      subject: { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length },
      artifactType: 'test/note',
    })
    await putManifest('refs/tagged', note.digest, note)
    const tag = image.digest.replace(':', '-')
    const index = indexOf([note])
    expect((await putManifest('refs/tagged', tag, index)).status).toBe(201)
    expect((await ask(`/v2/refs/tagged/manifests/${tag}`)).body.equals(index.bytes)).toBe(true)
    expect(digests((await referrers('refs/tagged', image.digest)).list)).toEqual([note.digest])
  })

  it('that do not fit into one index come in several', async () => {
    await pushBlob('refs/many', config)
    const image = imageOf([])
    const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length }
    const notes = Array.from({ length: 7 }, (_, at) =>
      imageOf([], { subject, artifactType: 'test/long', annotations: { long: `${at}`.repeat(1_500_000) } }),
    )
    for (const note of notes) expect((await putManifest('refs/many', note.digest, note)).status).toBe(201)
    for (const query of ['', '?artifactType=test%2Flong']) {
      const seen: string[] = []
      let pages = 0
      for (let more: string | undefined = query; more !== undefined; pages++) {
        const { answer, list } = await referrers('refs/many', image.digest, more)
        expect(answer.body.length).toBeLessThanOrEqual(4 * 1024 * 1024)
        seen.push(...digests(list))
        const link = answer.headers['link']
        more =
          link === undefined ? undefined : next(link).replace(`/v2/refs/many/referrers/${image.digest}`, '')
      }
      expect(pages).toBe(4)
      expect(seen).toEqual(notes.map(note => note.digest).sort())
    }
  })

  it('are the same after a restart', async () => {
    const folder = temporaryFolder()
    const root = `${folder.path}/root`
    const image = imageOf([])
    const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length }
    const note = imageOf([], { subject, artifactType: 'test/note' })
    const put = (to: Registry, made: Made) =>
      to.ask(`/v2/a/manifests/${made.digest}`, {
        method: 'PUT',
        body: made.bytes,
        headers: { 'Content-Type': made.mediaType },
      })
    const first = await startRegistry(root)
    await first.ask(`/v2/a/blobs/uploads/?digest=${digestText(config)}`, { method: 'POST', body: config })
    expect((await put(first, note)).status).toBe(201)
    await first.stop()
    const second = await startRegistry(root)
    const found = await second.ask(`/v2/a/referrers/${image.digest}`)
    expect(JSON.parse(found.body.toString()).manifests).toMatchObject([{ digest: note.digest }])
    await second.stop()
    folder.dispose()
  })
})
