import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Census, tagCount, takeCensus } from '../../../main/gate/census.ts'
import { type Ask, missingTag, wrongBytes } from '../../../main/gate/missing.ts'
import { config, digestText, imageOf, type Made } from '../../suites/image.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'zotbar-census-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function blob(name: string, bytes: Buffer | string): Promise<void> {
  const [algorithm = '', hex = ''] = digestText(bytes).split(':')
  const folder = join(root, name, 'blobs', algorithm)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, hex), bytes)
}
async function repository(name: string, tags: Record<string, Made>): Promise<void> {
  await mkdir(join(root, name), { recursive: true })
  await writeFile(join(root, name, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const manifests = Object.entries(tags).map(([tag, { digest, mediaType }]) => ({
    mediaType,
    digest,
    annotations: { 'org.opencontainers.image.ref.name': tag },
  }))
  await writeFile(join(root, name, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  for (const { bytes } of Object.values(tags)) await blob(name, bytes)
  await blob(name, config)
}
const image = imageOf(['layer'])

describe('the census', () => {
  it('finds repositories within each other, and samples what is whole', async () => {
    await repository('team/app', { '1': image, latest: image })
    await repository('team/app/nested', { '2': image })
    await blob('team/app', 'layer')
    await mkdir(join(root, '_sessions'), { recursive: true })
    await mkdir(join(root, 'team', 'app', '.uploads'), { recursive: true })
    const census = await takeCensus([root])
    expect(census.repositories).toEqual({
      'team/app': { '1': image.digest, latest: image.digest },
      'team/app/nested': { '2': image.digest },
    })
    expect(tagCount(census)).toBe(3)
    expect(census.sample[0]).toEqual({
      repository: 'team/app',
      manifest: image.digest,
      blobs: [digestText(config), digestText('layer')],
    })
  })

  it('of nothing is empty; old damage is not sampled; an index that cannot be read is an error', async () => {
    expect(await takeCensus([join(root, 'no')])).toEqual({ repositories: {}, sample: [] })
    await repository('a', { '1': image })
    await writeFile(join(root, 'a', 'blobs', ...image.digest.split(':')), 'other bytes')
    expect((await takeCensus([root])).sample).toEqual([])
    await writeFile(join(root, 'a', 'index.json'), '{')
    await expect(takeCensus([root])).rejects.toThrow()
  })
})

describe('the gate', () => {
  let census: Census
  const answers: Record<string, { status: number; body: Buffer }> = {}
  beforeEach(async () => {
    await repository('a', { '1': image, '2': image })
    census = await takeCensus([root])
    answers['/v2/a/tags/list'] = { status: 200, body: Buffer.from('{"tags":["1","2","3"]}') }
    answers[`/v2/a/manifests/${image.digest}`] = { status: 200, body: image.bytes }
    answers[`/v2/a/blobs/${digestText(config)}`] = { status: 200, body: config }
  })
  const ask: Ask = async path => ({
    ok: true,
    value: { header: () => undefined, ...(answers[path] ?? { status: 404, body: Buffer.alloc(0) }) },
  })
  const missing = async () =>
    (await missingTag({
      census,
      roots: [root],
      ask,
      progress: () => {},
      signal: new AbortController().signal,
    })) ?? wrongBytes(census, ask)

  it('opens when all is there, new tags too', async () => {
    expect(await missing()).toBeUndefined()
  })

  it.each([
    ['a tag that is not served', '/v2/a/tags/list', 200, '{"tags":["1"]}', 'a:2 is not served'],
    ['a repository that is not served', '/v2/a/tags/list', 404, '', 'answered with 404'],
    ['other bytes', `/v2/a/manifests/${image.digest}`, 200, 'other', 'other bytes'],
    ['no bytes', `/v2/a/blobs/${digestText(config)}`, 500, '', 'answered with 500'],
  ])('stays shut for %s', async (_, path, status, body, words) => {
    answers[path] = { status, body: Buffer.from(body) }
    expect(await missing()).toContain(words)
  })

  it('goes by the disk where it may not read', async () => {
    answers['/v2/a/tags/list'] = { status: 401, body: Buffer.alloc(0) }
    answers[`/v2/a/manifests/${image.digest}`] = { status: 403, body: Buffer.alloc(0) }
    expect(await missing()).toBeUndefined()
    await repository('a', { '1': image })
    expect(await missing()).toBe('a:2 is no longer in the data folder')
  })
})
