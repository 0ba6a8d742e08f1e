import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Action } from '../../../registry/auth/scope.ts'
import { Pushes } from '../../../registry/http/pushes.ts'
import type { RequestContext } from '../../../registry/http/request-context.ts'
import { failure } from '../../../registry/oci/error-table.ts'
import { createBlobLinks } from '../../../registry/routes/blob-links.ts'
import { type DiskStorage, openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import type { Blobs } from '../../../registry/storage/storage.ts'
import { digestOf } from '../../suites/image.ts'
import { push } from '../../suites/store.ts'

let root: string
let storage: DiskStorage
let now = 0
let pushes: Pushes
const emitted: unknown[] = []
const state = { draining: false }
const digest = digestOf('layer')

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-links-'))
  storage = openDiskStorage(root)
  pushes = new Pushes(() => now)
  now = 0
  state.draining = false
  emitted.splice(0)
  await push(storage, 'other', 'v1', 'layer')
  await push(storage, 'there', 'v1', 'something else')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Asks as somebody who has the rights in `granted` everywhere. */
async function ask(
  name: string,
  { maxRepositories = 0, granted = ['read', 'create'], blobs = {} as Partial<Blobs> } = {},
) {
  const context = { route: { name }, req: { headers: {} }, hasChanged: false } as unknown as RequestContext
  const access = { may: (_who: unknown, action: Action) => granted.includes(action) }
  const made = {
    find: storage.blobs.find.bind(storage.blobs),
    mount: storage.blobs.mount.bind(storage.blobs),
    ...blobs,
  }
  const deps = {
    storage: { ...storage, repositories: storage.repositories, blobs: made },
    pushes,
    events: { emit: (event: unknown) => void emitted.push(event) },
    authorization: { rules: { access } },
    state,
    maxRepositories,
  } as unknown as Parameters<typeof createBlobLinks>[0]
  const isThere = await createBlobLinks(deps).make(context, digest)
  expect((await storage.blobs.stat(name, digest)).ok).toBe(isThere)
  expect(context.hasChanged).toBe(isThere)
  expect(emitted.splice(0)).toHaveLength(isThere ? 1 : 0)
  return isThere
}

it('needs both rights', async () => {
  expect(await ask('new', { granted: ['read'] })).toBe(false)
  expect(await ask('new', { granted: ['create'] })).toBe(false)
  expect(await ask('new')).toBe(true)
})

it('begins no repository where their number is limited', async () => {
  expect(await ask('new', { maxRepositories: 5 })).toBe(false)
  expect(await ask('there', { maxRepositories: 5 })).toBe(true)
})

it('begins no push while draining, and goes on with one', async () => {
  state.draining = true
  expect(await ask('new')).toBe(false)
  const done = pushes.begin('new')
  pushes.between('new')
  expect(await ask('new')).toBe(true)
  done()
})

it('says only that it is not there when it cannot be linked: the upload will hear why', async () => {
  expect(await ask('new', { blobs: { mount: async () => failure('disk-full') } })).toBe(false)
  expect(await ask('new', { blobs: { find: async () => failure('storage-failed') } })).toBe(false)
  now = 60_000
  expect(pushes.quietIn()).toBe(0)
})
