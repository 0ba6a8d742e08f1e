import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CheckResult, storeChecks } from '../../../core/verify/checks.ts'
import {
  type Inventory,
  linkFindings,
  tagCount,
  takeInventory,
  unreadableFindings,
} from '../../../core/verify/inventory.ts'
import { readInventory, writeInventory } from '../../../core/verify/inventory-file.ts'
import type { SendRegistryRequest } from '../../../core/verify/pull-checks.ts'
import { config, digestText, imageOf, type Made } from '../../suites/image.ts'
import { writeBlob, writeRepository } from '../../suites/written-store.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'zotbar-inventory-'))
  answers = {}
  lines = []
})
afterEach(() => rm(root, { recursive: true, force: true }))

const blob = (name: string, bytes: Buffer | string) => writeBlob(root, name, bytes)
const indexType = 'application/vnd.oci.image.index.v1+json'
const manifest = (content: object, mediaType = 'application/vnd.oci.image.manifest.v1+json'): Made => {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }))
  return { bytes, digest: digestText(bytes), mediaType }
}

const repository = (name: string, tags: [string, Made][], alsoStored: Made[] = []) =>
  writeRepository(root, name, tags, alsoStored)
const forget = (name: string, { digest }: Made) => rm(join(root, name, 'blobs', ...digest.split(':')))

const image = imageOf(['layer'])
const other = imageOf(['other layer'])
const pushed = imageOf(['pushed meanwhile'])
const index = manifest({ manifests: [{ digest: image.digest }, { digest: other.digest }] }, indexType)
const outer = manifest({ manifests: [{ digest: index.digest }] }, indexType)
const signature = manifest({ config: {}, layers: [], subject: { digest: image.digest } })

const take = (live = false): Promise<Inventory> => takeInventory([root], { now: () => 1_000_000, live })
const found = ({ repositories }: Inventory) =>
  repositories.map(one =>
    one.kind === 'read'
      ? { name: one.name, tags: [...one.tags], manifests: [...one.manifests.keys()].sort() }
      : { name: one.name, reason: one.reason },
  )

describe('the inventory', () => {
  it('finds repositories within each other, and samples what is whole', async () => {
    await repository('team/app', [
      ['1', image],
      ['latest', image],
    ])
    await repository('team/app/nested', [['2', image]])
    await blob('team/app', 'layer')
    for (const name of ['_sessions', 'team/app/.uploads', 'lost+found'])
      await mkdir(join(root, name), { recursive: true })
    const inventory = await take()
    expect(found(inventory)).toEqual([
      {
        name: 'team/app',
        tags: [
          ['1', image.digest],
          ['latest', image.digest],
        ],
        manifests: [image.digest],
      },
      { name: 'team/app/nested', tags: [['2', image.digest]], manifests: [image.digest] },
    ])
    expect(tagCount(inventory)).toBe(3)
    expect(inventory.sample[0]).toEqual({
      repository: 'team/app',
      manifest: image.digest,
      blobs: [digestText(config), digestText('layer')],
    })
  })

  it('takes any legal name: tags of Object.prototype, and a repository called blobs', async () => {
    const tags = ['constructor', 'toString', '__proto__'].map((tag): [string, Made] => [tag, image])
    await repository('a', tags)
    await repository('a/blobs', [['1', image]])
    const inventory = await take()
    expect(found(inventory)).toMatchObject([
      { name: 'a', tags: tags.map(([tag]) => [tag, image.digest]) },
      { name: 'a/blobs', tags: [['1', image.digest]] },
    ])
    const file = join(root, 'inventory.json')
    await writeInventory(file, inventory)
    expect(await readInventory(file)).toEqual(inventory)
  })

  it('counts what has no tag, and the children of an index, by digest', async () => {
    await repository(
      'a',
      [
        ['1', outer],
        ['', signature],
      ],
      [index, image],
    )
    expect(found(await take())).toMatchObject([
      { manifests: [outer, index, image, signature].map(({ digest }) => digest).sort() },
    ])
  })

  it('of nothing is empty; old damage is not sampled, and a manifest that is gone already is not counted', async () => {
    expect(await takeInventory([join(root, 'no')], { now: () => 0 })).toMatchObject({ repositories: [] })
    await repository('a', [['1', image]])
    await writeFile(join(root, 'a', 'blobs', ...image.digest.split(':')), 'other bytes')
    expect((await take()).sample).toEqual([])
    await forget('a', image)
    expect(found(await take())).toEqual([{ name: 'a', tags: [['1', image.digest]], manifests: [] }])
  })

  it('names what cannot be read, and takes all the rest', async () => {
    await repository('good', [['1', image]])
    await repository('bad', [['1', image]])
    await repository('half', [['1', image]])
    await writeFile(join(root, 'bad', 'index.json'), '\ufeff{}')
    await rm(join(root, 'half', 'oci-layout'))
    await mkdir(join(root, 'closed'))
    await chmod(join(root, 'closed'), 0)
    const closed =
      process.getuid?.() === 0 ? [] : [{ name: 'closed', reason: 'its folder: access is denied' }]
    const inventory = await take()
    expect(found(inventory)).toEqual([
      ...closed,
      { name: 'half', reason: 'its oci-layout is missing' },
      { name: 'bad', reason: 'its index.json is damaged' },
      expect.objectContaining({ name: 'good' }),
    ])
    expect(
      (
        await unreadableFindings({
          roots: async () => [root],
          layout: async () => ({ isCached: () => false, serves: () => true }),
          known: new Map(),
        })
      ).map(({ severity, advice }) => `${severity}: ${advice}`),
    ).toContain(
      'warning: bad cannot be read (its index.json is damaged): whether all of it is there afterwards is not proven.',
    )
    await rm(root, { recursive: true })
    await writeFile(root, 'no folder')
    await expect(take()).rejects.toThrow('ENOTDIR')
  })

  it('names the links that may lead to repositories, and enters none', async () => {
    await repository('team/app', [['1', image]])
    await symlink('app', join(root, 'team', 'link'))
    await symlink('.', join(root, 'round'))
    await symlink('nowhere', join(root, 'dangling'))
    await symlink('/tmp', join(root, '_other'))
    // As where the blobs lie on another disk.
    await symlink('blobs', join(root, 'team', 'app', 'elsewhere'))
    await symlink('sha256', join(root, 'team', 'app', 'blobs', 'sha512'))
    expect(found(await take())).toMatchObject([{ name: 'team/app' }])
    const roots = async () => [root]
    expect(await linkFindings({ roots }, 'zotbar-registry')).toMatchObject([
      { id: 'links', severity: 'warning', evidence: `${root}: round, team/link` },
    ])
    expect(await linkFindings({ roots }, 'zot')).toMatchObject([{ severity: 'info' }])
    await rm(join(root, 'round'))
    await rm(join(root, 'team', 'link'))
    expect(await linkFindings({ roots }, 'zot')).toEqual([])
  })

  it('names a repository whose index is no file or was lost, and reads one through a link', async () => {
    for (const name of ['dangling', 'folder', 'linked', 'lost']) {
      await repository(name, [['1', image]])
      if (name === 'linked') await rename(join(root, name, 'index.json'), join(root, 'linked.json'))
      else await rm(join(root, name, 'index.json'))
    }
    await symlink('nowhere', join(root, 'dangling', 'index.json'))
    await mkdir(join(root, 'folder', 'index.json'))
    await symlink('../linked.json', join(root, 'linked', 'index.json'))
    // A push that has not ended, and what has never held anything.
    await blob('pushing', 'layer')
    await mkdir(join(root, 'empty', 'blobs'), { recursive: true })
    await writeFile(join(root, 'empty', 'oci-layout'), '{}')
    for (const name of ['pushing', 'empty']) await utimes(join(root, name), 1000, 1000)
    const broken = [
      { name: 'dangling', reason: 'its index.json is a link that leads nowhere' },
      { name: 'folder', reason: 'its index.json: it is a folder' },
      expect.objectContaining({ name: 'linked', tags: [['1', image.digest]] }),
    ]
    // It may be on its way in or out.
    expect(found(await take())).toEqual(broken)
    await utimes(join(root, 'lost'), 1000, 1000)
    expect(found(await take())).toEqual([{ name: 'lost', reason: 'its index.json is missing' }, ...broken])
  })

  it('understands what a Zotbar before this one wrote in the middle of a run', async () => {
    const file = join(root, 'census.json')
    const tags = `{"1":"${image.digest}","constructor":"${image.digest}","__proto__":"${image.digest}"}`
    await writeFile(file, `{"repositories":{"a":${tags}},"sample":[]}`)
    const read = await readInventory(file)
    expect(read && found(read)).toEqual([
      { name: 'a', tags: ['1', 'constructor', '__proto__'].map(tag => [tag, image.digest]), manifests: [] },
    ])
    expect(read?.takenAt).toBeGreaterThan(Date.UTC(2026, 0))
    for (const text of [
      '{',
      '[]',
      '{"repositories":{"a":1},"sample":[]}',
      '{"repositories":{"a":{"1":2}}}',
    ]) {
      await writeFile(file, text)
      expect(await readInventory(file)).toBeUndefined()
    }
  })
})

let answers: Record<string, { status: number; body?: Buffer; digest?: string }>
/** The engine's log. */
let lines: string[]
const logged = (method: string, path: string, statusCode = 201): string =>
  JSON.stringify({ message: 'HTTP API', time: new Date(1_001_000).toISOString(), method, path, statusCode })

/** Answers as the store is now, unless a test says otherwise. */
const ask: SendRegistryRequest = async (path, options) => {
  const said = answers[path] ?? (await served(path, options?.method ?? 'GET'))
  const { status = 404, body = Buffer.alloc(0), digest } = said ?? {}
  return {
    ok: true,
    value: { status, body, header: name => (name === 'docker-content-digest' ? digest : undefined) },
  }
}
async function served(path: string, method: string) {
  const [, name = '', what = '', reference = ''] =
    /^\/v2\/(.+)\/(tags|manifests|blobs)\/(.+)$/.exec(path) ?? []
  const one = (await take()).repositories.find(each => each.name === name)
  if (one?.kind !== 'read') return undefined
  if (what === 'tags')
    return { status: 200, body: Buffer.from(JSON.stringify({ tags: [...one.tags.keys()] })) }
  if (method === 'HEAD') return { status: 200, digest: one.tags.get(decodeURIComponent(reference)) ?? '' }
  return { status: 200, body: await readFile(join(root, name, 'blobs', ...reference.split(':'))) }
}

/** What the checks of a store come to, in the order in which they run. */
async function verified(inventory: Inventory | undefined): Promise<CheckResult> {
  const checks = storeChecks({
    inventory,
    roots: [root],
    ask,
    tail: async () => lines,
    layout: { isCached: name => name === 'mirror', serves: () => true },
    known: new Map(),
    progress: () => {},
    signal: new AbortController().signal,
    wait: async () => {},
  })
  for (const check of checks) {
    const checked = await check.run()
    if (!checked.ok || checked.state !== undefined) return checked
  }
  return { ok: true }
}
const failure = (words: string) => ({
  ok: false,
  error: { code: 'gate-failed', words: expect.stringContaining(words) },
})

describe('the verification', () => {
  let inventory: Inventory
  beforeEach(async () => {
    await repository(
      'a',
      [
        ['1', image],
        ['2', image],
        ['constructor', other],
        ['multi', outer],
        ['', signature],
      ],
      [index],
    )
    inventory = await take()
  })

  it('passes when all is there, new tags and repositories too', async () => {
    expect(await verified(inventory)).toEqual({ ok: true })
    await repository('b', [['1', image]])
    expect(await verified(inventory)).toEqual({ ok: true })
  })

  it.each<[string, [string, Made][], Made[], string]>([
    [
      'a tag that is gone',
      [
        ['1', image],
        ['constructor', other],
        ['multi', outer],
      ],
      [],
      'a:2 is no longer',
    ],
    [
      'a tag called constructor',
      [
        ['1', image],
        ['2', image],
        ['multi', outer],
      ],
      [],
      'a:constructor is no longer',
    ],
    [
      'a tag of another image',
      [
        ['1', other],
        ['2', image],
        ['constructor', other],
        ['multi', outer],
      ],
      [],
      `a:1 leads to another image: ${image.digest} became ${other.digest}`,
    ],
    [
      'a signature',
      [
        ['1', image],
        ['2', image],
        ['constructor', other],
        ['multi', outer],
      ],
      [signature],
      `a@${signature.digest} is no longer`,
    ],
    [
      'a child of an index in an index',
      [
        ['1', image],
        ['2', image],
        ['constructor', other],
        ['multi', outer],
        ['', signature],
      ],
      [index],
      `a@${index.digest} is no longer`,
    ],
  ])('fails for %s', async (_, tags, gone, words) => {
    await repository('a', tags)
    for (const made of gone) await forget('a', made)
    expect(await verified(inventory)).toEqual(failure(words))
  })

  it('fails for a repository that is gone, or cannot be read any more; a/blobs is one beside a', async () => {
    await repository('a/blobs', [['1', image]])
    inventory = await take()
    await writeFile(join(root, 'a/blobs', 'index.json'), '{')
    expect(await verified(inventory)).toEqual(
      failure('a/blobs cannot be read any more: its index.json is damaged'),
    )
    await rm(join(root, 'a/blobs', 'index.json'))
    expect(await verified(inventory)).toEqual(failure('a/blobs:1 is no longer in the data folder'))
  })

  it('names what could not be read before, and proves nothing of it', async () => {
    await repository('closed', [['1', image]])
    await writeFile(join(root, 'closed', 'index.json'), '{')
    inventory = await take()
    expect(await verified(inventory)).toEqual({
      ok: true,
      state: 'unproven',
      words: 'closed could not be read before (its index.json is damaged)',
    })
    await rm(join(root, 'closed'), { recursive: true })
    expect(await verified(inventory)).toMatchObject({ state: 'unproven' })
  })

  it('counts what nothing kept and collection took, without calling it lost', async () => {
    await repository('b', [['', image]])
    inventory = await take()
    await repository('b', [])
    expect(await verified(inventory)).toEqual({
      ok: true,
      state: 'unproven',
      words: '1 manifest without a tag went, as collection lets them',
    })
  })

  it.each<[string, [string, Made][], string[]]>([
    [
      'moved a tag',
      [
        ['1', other],
        ['2', image],
      ],
      [logged('PUT', '/v2/a/manifests/1')],
    ],
    [
      'moved a tag by digest',
      [
        ['1', other],
        ['2', image],
      ],
      [logged('PUT', `/v2/a/manifests/${other.digest}?tag=1`)],
    ],
    ['removed a tag', [['2', image]], [logged('DELETE', '/v2/a/manifests/1', 202)]],
    ['removed an image by digest', [], [logged('DELETE', `/v2/a/manifests/${image.digest}`, 202)]],
    [
      'pushed a new image, where the log tells nothing',
      [
        ['1', pushed],
        ['2', image],
      ],
      [],
    ],
  ])('lets a client do what it did meanwhile: %s', async (_, tags, told) => {
    lines = told
    const rest: [string, Made][] = [
      ['constructor', other],
      ['multi', outer],
      ['', signature],
    ]
    await repository('a', [...tags, ...rest])
    expect(await verified(inventory)).toEqual({ ok: true })
  })

  it.each<[string, string[]]>([
    ['a log that tells of no push', [logged('GET', '/v2/', 200)]],
    ['a push that was refused', [logged('PUT', '/v2/a/manifests/1', 403)]],
    ['a push of another tag', [logged('PUT', '/v2/a/manifests/2')]],
    ['a push into another repository', [logged('PUT', '/v2/b/manifests/1')]],
    ['a push from before', [logged('PUT', '/v2/a/manifests/1').replace('1970', '1969')]],
  ])('takes no excuse from %s', async (_, told) => {
    lines = told
    const rest: [string, Made][] = [
      ['2', image],
      ['constructor', other],
      ['multi', outer],
      ['', signature],
    ]
    await repository('a', [['1', pushed], ...rest])
    expect(await verified(inventory)).toEqual(failure('a:1 leads to another image'))
  })

  it.each([
    [
      'a tag that is not served',
      '/v2/a/tags/list',
      { status: 200, body: Buffer.from('{"tags":["1"]}') },
      'a:2 is not served',
    ],
    ['a repository that is not served', '/v2/a/tags/list', { status: 404 }, 'answered with 404'],
    [
      'a tag that is served as another',
      '/v2/a/manifests/2',
      { status: 200, digest: 'sha256:0' },
      'a:2 is served as another image',
    ],
    [
      'other bytes',
      `/v2/a/manifests/${image.digest}`,
      { status: 200, body: Buffer.from('other') },
      'other bytes',
    ],
    ['no bytes', `/v2/a/blobs/${digestText(config)}`, { status: 500 }, 'answered with 500'],
  ])('fails for %s', async (_, path, answer, words) => {
    answers[path] = answer
    expect(await verified(inventory)).toEqual(failure(words))
  })

  it('does not ask for tags of copies, which would ask the upstream, and lets a pull move them', async () => {
    await repository('mirror', [['1', image]])
    inventory = await take()
    answers['/v2/mirror/manifests/1'] = { status: 500 }
    expect(await verified(inventory)).toEqual({ ok: true })
    await repository('mirror', [['1', pushed]])
    expect(await verified(inventory)).toEqual({ ok: true })
    await repository('mirror', [])
    expect(await verified(inventory)).toEqual(failure('mirror:1 is no longer'))
  })

  it.each<[string, () => string, string]>([
    ['no tag', () => '/v2/a/tags/list', '0 of 4 tags could be asked for; reading asks'],
    ['a tag less', () => '/v2/a/manifests/2', '3 of 4 tags could be asked for; the rest asks'],
    [
      'an image less',
      () => `/v2/a/manifests/${outer.digest}`,
      '3 of 4 images could be pulled; the rest asks',
    ],
  ])('proves nothing of what it may not read: %s', async (_, path, words) => {
    answers[path()] = { status: 401 }
    const unproven = {
      ok: true,
      state: 'unproven',
      words: `${words} for a password that Zotbar does not have`,
    }
    expect(await verified(inventory)).toEqual(unproven)
    answers[path()] = { status: 403 }
    expect(await verified(inventory)).toEqual(unproven)
  })

  it('goes by the disk where it may not read, and pulls nothing where nothing is whole', async () => {
    answers['/v2/a/tags/list'] = { status: 401 }
    expect(await verified({ ...inventory, sample: [] })).toMatchObject({ state: 'unproven' })
    delete answers['/v2/a/tags/list']
    expect(await verified({ ...inventory, sample: [] })).toEqual({
      ok: true,
      state: 'unproven',
      words: 'no image was small and whole enough to be pulled',
    })
    answers['/v2/a/tags/list'] = { status: 401 }
    await repository('a', [['1', image]])
    expect(await verified(inventory)).toEqual(failure('a:2 is no longer in the data folder'))
  })

  it('fails without an inventory', async () => {
    expect(await verified(undefined)).toMatchObject({ error: { code: 'census-missing' } })
  })
})
