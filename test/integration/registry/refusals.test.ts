import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { digestText, imageOf } from '../../suites/image.ts'
import { pushBlob, pushImage, putManifest } from './client.ts'
import { as, basic, threeTiers, writeHtpasswd } from './people.ts'
import { type Answer, type Registry, startRegistry, temporaryFolder } from './registry-process.ts'

const folder = temporaryFolder()
afterAll(() => folder.dispose())

/** The first error of an answer. */
const errorOf = (answer: Answer | undefined): { message: string; detail: Record<string, unknown> } =>
  JSON.parse(answer?.body.toString() ?? '').errors[0]

describe('a refusal', () => {
  const root = join(folder.path, 'tiers')
  let registry: Registry
  let ci: ReturnType<typeof as>
  beforeAll(async () => {
    registry = await startRegistry(root, threeTiers(writeHtpasswd(root, 'robot', 'root')))
    ci = as(registry, basic('robot'))
    await pushImage(as(registry, basic('root')), 'private/app', 'v1', 'secret')
  })
  afterAll(() => registry.stop())

  it('says which right is missing, on what, and for which tag; and logs what somebody known lacks', async () => {
    const detailOf = async (asked: Promise<Answer>): Promise<Record<string, unknown>> => {
      const { message, detail } = errorOf(await asked)
      // What prints no detail prints the message.
      expect(message).toContain(detail['reason'])
      return detail
    }
    const image = await pushImage(ci, 'told', 'v1', 'told')
    expect(await pushBlob(ci, 'told', 'told two')).toBe(201)
    const other = imageOf(['told two'])
    const update = { right: 'update', repository: 'told', tag: 'v1', user: 'robot' }
    const replaced = await detailOf(putManifest(ci, 'told', 'v1', other))
    expect(replaced).toEqual({
      ...update,
      reason:
        'tag "v1" exists with other content, and to replace it the right "update" on told is needed, which user "robot" does not have',
    })
    const aliased = putManifest(ci, 'told', `${digestText(other.bytes)}?tag=v3&tag=v1`, other)
    expect(await detailOf(aliased)).toMatchObject(update)
    const race = ['told', 'told two'].map(layer => putManifest(ci, 'told', 'once', imageOf([layer])))
    const late = (await Promise.all(race)).find(answer => answer.status === 403)
    expect(errorOf(late).detail).toMatchObject({ ...update, tag: 'once' })
    const path = `/v2/told/manifests/${digestText(image.bytes)}`
    const blob = `/v2/told/blobs/${digestText('told')}`
    for (const [asked, detail] of [
      [ci.ask(path, { method: 'DELETE' }), { right: 'delete', repository: 'told', user: 'robot' }],
      [ci.ask(blob, { method: 'DELETE' }), { right: 'delete', user: 'robot' }],
      [ci.ask('/v2/private/app/manifests/v1'), { right: 'read', repository: 'private/app' }],
      [ci.ask('/v2/private/none/tags/list'), { right: 'read', repository: 'private/none' }],
      [ci.ask(`/v2/private/app/referrers/${digestText('x')}`), { right: 'read' }],
      [ci.ask('/v2/private/x/blobs/uploads/', { method: 'POST' }), { right: 'create', user: 'robot' }],
      [registry.ask('/v2/told/blobs/uploads/', { method: 'POST' }), { right: 'create', repository: 'told' }],
    ] as const)
      expect(await detailOf(asked)).toMatchObject(detail)
    const nobody = await detailOf(putManifest(registry, 'told', 'v1', other))
    expect(nobody).toEqual({
      reason: 'the right "create" on told is needed, which nobody has without signing in',
      right: 'create',
      repository: 'told',
    })
    // What is there and may not be read answers as what is not there.
    const hidden = await detailOf(ci.ask('/v2/private/app/manifests/v1'))
    const absent = await detailOf(ci.ask('/v2/private/app/manifests/none'))
    expect(hidden).toEqual(absent)
    const long = 'a'.repeat(3000)
    expect(JSON.stringify(await detailOf(ci.ask(`/v2/private/${long}/manifests/v1`))).length).toBeLessThan(
      2500,
    )
    const lines = await eventually(() => {
      const found = registry.log().filter(line => line['right'] === 'update' && line['tag'] === 'v1')
      return found.length > 1 && found
    })
    expect(lines[0]).toMatchObject({
      level: 'warn',
      message: 'requested access to the resource is denied',
      path: '/v2/told/manifests/v1',
      ...replaced,
    })
    // A client that has yet to sign in is no news.
    expect(registry.log().filter(line => String(line['reason']).includes('without signing in'))).toEqual([])
  })

  it('tells a key that is narrowed from a user who lacks the right', async () => {
    const options = { method: 'POST', body: JSON.stringify({ label: 'n', scopes: ['repository:**:read'] }) }
    const made = JSON.parse((await ci.ask('/zot/auth/apikey', options)).body.toString())
    const narrow = as(registry, basic('robot', made.apiKey))
    const begin = async (): Promise<unknown> =>
      errorOf(await narrow.ask('/v2/told/blobs/uploads/', { method: 'POST' })).detail
    expect(await begin()).toMatchObject({
      right: 'create',
      reason: 'the right "create" on told is needed, which the scopes of this key do not give',
    })
    const path = `/v2/told/blobs/${digestText('told')}`
    expect(errorOf(await narrow.ask(path, { method: 'DELETE' })).detail['reason']).toContain(
      'user "robot" does not have',
    )
  })
})

describe('detectManifestCollision', () => {
  it('keeps a digest that several tags share from whoever has it; tags go one by one', async () => {
    const root = join(folder.path, 'shared')
    const policy = (user: string, ...more: string[]) => ({
      users: [user],
      actions: ['read', 'create', 'update', 'delete', ...more],
    })
    const policies = [policy('careful', 'detectManifestCollision'), policy('root')]
    const anonymousPolicy = ['delete', 'detectManifestCollision']
    const accessControl = { repositories: { '**': { policies, anonymousPolicy } } }
    const auth = { htpasswd: { path: writeHtpasswd(root, 'careful', 'root') } }
    const registry = await startRegistry(root, {
      http: { address: '127.0.0.1', port: '0', auth, accessControl },
    })
    try {
      const careful = as(registry, basic('careful'))
      const image = await pushImage(careful, 'app', 'v1', 'one')
      expect(await putManifest(careful, 'app', 'v2', image)).toMatchObject({ status: 201 })
      const remove = (who: Pick<typeof careful, 'ask'>, reference: string) =>
        who.ask(`/v2/app/manifests/${reference}`, { method: 'DELETE' })
      const { digest } = image
      const shared = await remove(careful, digest)
      expect(shared).toMatchObject({ status: 409, code: 'MANIFEST_INVALID' })
      expect(errorOf(shared).detail).toEqual({ tags: ['v1', 'v2'] })
      // Nobody may delete here, and may not read: the other tags are not theirs to know.
      const hidden = await remove(registry, digest)
      expect(hidden).toMatchObject({ status: 409, code: 'MANIFEST_INVALID' })
      expect(errorOf(hidden).detail).toEqual({})
      expect((await careful.ask('/v2/app/manifests/v2')).status).toBe(200)
      expect((await remove(careful, 'v2')).status).toBe(202)
      expect((await remove(careful, digest)).status).toBe(202)
      await putManifest(careful, 'app', 'v1', image)
      await putManifest(careful, 'app', 'v2', image)
      expect((await remove(as(registry, basic('root')), digest)).status).toBe(202)
      expect((await careful.ask('/v2/app/manifests/v2')).status).toBe(404)
    } finally {
      await registry.stop()
    }
  })
})
