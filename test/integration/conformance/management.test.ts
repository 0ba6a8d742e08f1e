// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#content-management
import { describe, expect, it } from 'vitest'
import { config, digestText, imageOf, indexOf } from '../../suites/image.ts'
import { expectErrorShape, jsonOf, registryForFile } from './workflow.ts'

const { ask, pushBlob, putManifest, expectManifest } = registryForFile()
const remove = (path: string) => ask(path, { method: 'DELETE' })
const tagsOf = async (name: string) => jsonOf(await ask(`/v2/${name}/tags/list`))['tags']

describe.each(['sha256', 'sha512'])('deleting (end-9, end-10), by %s', algorithm => {
  const name = `delete/${algorithm}`
  const image = imageOf(['layer'])
  const digest = digestText(image.bytes, algorithm)
  const push = async (): Promise<void> => {
    for (const bytes of [config, 'layer']) await pushBlob(name, bytes)
    expect((await putManifest(name, `${digest}?tag=v1&tag=v2`, image)).status).toBe(201)
  }

  it('a tag: the manifest and the other tag stay', async () => {
    await push()
    expect((await remove(`/v2/${name}/manifests/v1`)).status).toBe(202)
    expect(await ask(`/v2/${name}/manifests/v1`)).toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN' })
    expect((await ask(`/v2/${name}/manifests/v1`, { method: 'HEAD' })).status).toBe(404)
    for (const reference of ['v2', digest]) await expectManifest(name, reference, image, digest)
    expect(await tagsOf(name)).toEqual(['v2'])
  })

  it('a manifest: with all its tags', async () => {
    await push()
    expect((await remove(`/v2/${name}/manifests/${digest}`)).status).toBe(202)
    for (const reference of [digest, 'v1', 'v2'])
      expect(await ask(`/v2/${name}/manifests/${reference}`)).toMatchObject({
        status: 404,
        code: 'MANIFEST_UNKNOWN',
      })
    expect(await tagsOf(name)).toEqual([])
  })

  it('the blobs after it, and then pushing everything again', async () => {
    await push()
    for (const bytes of [config, 'layer'])
      expect(await remove(`/v2/${name}/blobs/${digestText(bytes)}`)).toMatchObject({
        status: 405,
        code: 'DENIED',
      })
    expect((await remove(`/v2/${name}/manifests/${digest}`)).status).toBe(202)
    for (const bytes of [config, 'layer']) {
      const path = `/v2/${name}/blobs/${digestText(bytes)}`
      expect((await remove(path)).status).toBe(202)
      expect(await ask(path)).toMatchObject({ status: 404, code: 'BLOB_UNKNOWN' })
      expect((await ask(path, { method: 'HEAD' })).status).toBe(404)
    }
    expect(await putManifest(name, 'v1', image)).toMatchObject({ status: 400, code: 'MANIFEST_BLOB_UNKNOWN' })
    await push()
    await expectManifest(name, 'v1', image, digest)
  })

  it('what is not there is 404', async () => {
    await push()
    for (const [path, code] of [
      [`/v2/${name}/manifests/none`, 'MANIFEST_UNKNOWN'],
      [`/v2/${name}/manifests/${digestText('none', algorithm)}`, 'MANIFEST_UNKNOWN'],
      [`/v2/delete/none/manifests/${digest}`, 'NAME_UNKNOWN'],
      [`/v2/delete/none/manifests/v1`, 'NAME_UNKNOWN'],
      [`/v2/${name}/blobs/${digestText('none', algorithm)}`, 'BLOB_UNKNOWN'],
      [`/v2/delete/none/blobs/${digest}`, 'BLOB_UNKNOWN'],
    ] as const) {
      const answer = await remove(path)
      expect(answer).toMatchObject({ status: 404, code })
      expectErrorShape(answer)
    }
  })
})

it('an index goes before its children do', async () => {
  const name = 'delete/index'
  for (const bytes of [config, 'layer']) await pushBlob(name, bytes)
  const child = imageOf(['layer'])
  const index = indexOf([child])
  const outer = indexOf([index])
  for (const made of [child, index, outer])
    expect((await putManifest(name, made.digest, made)).status).toBe(201)
  for (const made of [child, index])
    expect(await remove(`/v2/${name}/manifests/${made.digest}`)).toMatchObject({
      status: 405,
      code: 'DENIED',
    })
  for (const made of [outer, index, child])
    expect((await remove(`/v2/${name}/manifests/${made.digest}`)).status).toBe(202)
})
