import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { config, digestText, imageOf } from '../../suites/image.ts'
import { pushBlob, putManifest } from './client.ts'
import { type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

/**
 * Tags of an index.json that zot v2.1.15 wrote, as it stands there: it takes whatever stands in the path of a push,
 * escapes and all. Behind each what a client may ask for it with, besides the tag itself.
 */
const tags: readonly (readonly [tag: string, ...paths: string[]])[] = [
  ['-x'],
  ['.x'],
  ['a:b', 'a%3Ab'],
  ['a%2Fb', 'a%252Fb'],
  ['a%20b', 'a%2520b'],
  ['a%3Fb'],
  ['a%25b'],
  ['..%2Fx', '..%252Fx'],
  ['%c3%bc', '%25c3%25bc'],
  ['%2e%2e', '%252e%252e'],
  ['a%00b'],
  ['a@b', 'a%40b'],
  ['a+b', 'a%2Bb'],
  ["a'b"],
  ['a%22b'],
  ['%3Cb%3E'],
  ['sha256:abc'],
  ['t'.repeat(129)],
  ['t'.repeat(300)],
]
const ordinary = 'latest'
const long = Array(30).fill('abcdefghij').join('/')

const folder = temporaryFolder()
const root = join(folder.path, 'store')
const imageFor = (tag: string) => imageOf([], { annotations: { tag } })

function writeRepository(name: string, names: readonly string[]): void {
  const blobs = join(root, name, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const write = (bytes: Buffer): void => writeFileSync(join(blobs, digestText(bytes).slice(7)), bytes)
  write(config)
  const manifests = names.map(tag => {
    const { bytes, digest, mediaType } = imageFor(tag)
    write(bytes)
    const annotations = { 'org.opencontainers.image.ref.name': tag }
    return { mediaType, digest, size: bytes.length, annotations }
  })
  writeFileSync(join(root, name, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  writeFileSync(join(root, name, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
}

let registry: Registry
beforeAll(async () => {
  // The last one is written by hand: a digest that names other content.
  writeRepository('odd', [ordinary, ...tags.map(([tag]) => tag), imageFor('-x').digest])
  writeRepository(long, ['v1'])
  registry = await startRegistry(root)
})
afterAll(async () => {
  await registry.stop()
  folder.dispose()
})

const listed = async (name: string): Promise<string[]> =>
  JSON.parse((await registry.ask(`/v2/${name}/tags/list`)).body.toString()).tags

it('are listed, in pages too', async () => {
  const all = [ordinary, ...tags.map(([tag]) => tag)].sort()
  expect(await listed('odd')).toEqual(all)
  const paged: string[] = []
  let path: string | undefined = '/v2/odd/tags/list?n=3'
  while (path !== undefined) {
    const answer = await registry.ask(path)
    paged.push(...JSON.parse(answer.body.toString()).tags)
    path = /^<([^>]+)>/.exec(String(answer.headers['link'] ?? ''))?.[1]
  }
  expect(paged).toEqual(all)
  const catalog = JSON.parse((await registry.ask('/v2/_catalog')).body.toString())
  expect(catalog).toEqual({ repositories: [long, 'odd'] })
})

it('can be pulled by what zot took for them, and by what clients make of that', async () => {
  for (const [tag, ...more] of tags) {
    const { digest, bytes } = imageFor(tag)
    // Twice: from disk, and from memory.
    for (const path of [tag, tag, ...more, digest]) {
      const answer = await registry.ask(`/v2/odd/manifests/${path}`)
      expect([path, answer.status, answer.headers['docker-content-digest']]).toEqual([path, 200, digest])
      expect(answer.body.equals(bytes)).toBe(true)
      expect((await registry.ask(`/v2/odd/manifests/${path}`, { method: 'HEAD' })).status).toBe(200)
    }
  }
})

it('are no way around what a tag or digest is: others are refused as before, and none is made', async () => {
  for (const [path, code] of [
    ['-y', 'TAG_INVALID'],
    ['a:c', 'DIGEST_INVALID'],
    ['a%2Fc', 'TAG_INVALID'],
    ['..%2F..%2Fx', 'TAG_INVALID'],
  ] as const)
    for (const method of ['GET', 'DELETE'])
      expect(await registry.ask(`/v2/odd/manifests/${path}`, { method })).toMatchObject({ status: 400, code })
  expect(await registry.ask('/v2/none/manifests/-x')).toMatchObject({ status: 400, code: 'TAG_INVALID' })
  expect(await pushBlob(registry, 'odd', config)).toBe(201)
  for (const [tag] of tags)
    expect(await putManifest(registry, 'odd', tag, imageFor(tag))).toMatchObject({ status: 400 })
  const aliased = `${imageFor('-x').digest}?tag=-z`
  expect(await putManifest(registry, 'odd', aliased, imageFor('-x'))).toMatchObject({ code: 'TAG_INVALID' })
})

it('can be deleted one by one, and nothing else goes', async () => {
  for (const [at, [tag]] of tags.entries()) {
    const path = tags[at]?.at(-1)
    expect([tag, (await registry.ask(`/v2/odd/manifests/${path}`, { method: 'DELETE' })).status]).toEqual([
      tag,
      202,
    ])
    expect((await registry.ask(`/v2/odd/manifests/${path}`)).status).toBe(400)
  }
  expect(await listed('odd')).toEqual([ordinary])
  // What was there under the tags stays by digest; so does the entry that somebody wrote by hand.
  expect((await registry.ask(`/v2/odd/manifests/${imageFor('a:b').digest}`)).status).toBe(200)
  expect(readFileSync(join(root, 'odd/index.json'), 'utf8')).toContain(`"${imageFor('-x').digest}"}`)
})

it('names that are longer than clients take are served, and nothing is pushed there', async () => {
  const { digest } = imageFor('v1')
  expect(await listed(long)).toEqual(['v1'])
  expect((await registry.ask(`/v2/${long}/manifests/v1`)).headers['docker-content-digest']).toBe(digest)
  expect((await registry.ask(`/v2/${long}/blobs/${digestText(config)}`)).status).toBe(200)
  expect((await registry.ask(`/v2/${long}/referrers/${digest}`)).status).toBe(200)
  expect(await putManifest(registry, long, 'v2', imageFor('v1'))).toMatchObject({ code: 'NAME_INVALID' })
  expect(await pushBlob(registry, long, 'x')).toBe(400)
  expect((await registry.ask(`/v2/${long}/manifests/v1`, { method: 'DELETE' })).status).toBe(202)
  expect((await registry.ask(`/v2/${long}/manifests/${digest}`, { method: 'DELETE' })).status).toBe(202)
})
