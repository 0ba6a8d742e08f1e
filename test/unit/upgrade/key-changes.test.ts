import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Progress } from '../../../core/runbook/step.ts'
import type { Context, UpgradeDeps } from '../../../core/upgrade/deps.ts'
import { type KeyChange, keyChangeIn } from '../../../core/upgrade/key-changes.ts'
import { revokeKeysAgain, rollBack } from '../../../core/upgrade/rollback.ts'
import { takeSnapshot } from '../../../core/upgrade/snapshot.ts'

const line = (more: object): string =>
  JSON.stringify({
    time: '2026-03-01T12:00:00.5Z',
    level: 'info',
    message: 'HTTP API',
    method: 'POST',
    path: '/zot/auth/apikey',
    statusCode: 201,
    username: 'ci',
    headers: {},
    ...more,
  })
const at = Date.parse('2026-03-01T12:00:00.5Z')

describe('the log of zot', () => {
  it('tells of keys that were made, by owner, and revoked, by name', () => {
    expect(keyChangeIn(line({}))).toEqual({ kind: 'made', user: 'ci', at })
    expect(
      keyChangeIn(line({ method: 'DELETE', path: '/zot/auth/apikey?id=abc-1', statusCode: 200 })),
    ).toEqual({ kind: 'revoked', user: 'ci', uuid: 'abc-1', at })
  })

  it.each([
    ['a refusal', { statusCode: 401 }],
    ['a list', { method: 'GET', statusCode: 200 }],
    ['another path', { path: '/zot/auth/apikeys' }],
    ['a pull', { method: 'GET', path: '/v2/auth/apikey/manifests/1' }],
    ['a revocation of nothing', { method: 'DELETE', path: '/zot/auth/apikey', statusCode: 200 }],
    ['another message', { message: 'version' }],
    ['a time that is none', { time: 'now' }],
  ])('tells nothing by %s', (_, more) => {
    expect(keyChangeIn(line(more))).toBeUndefined()
  })

  it('is not stumbled over', () => {
    expect(keyChangeIn('panic: /zot/auth/apikey')).toBeUndefined()
    expect(keyChangeIn('')).toBeUndefined()
  })
})

describe('a rollback', () => {
  let folder: string
  let [snapshot, data] = ['', '']
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zotbar-rollback-'))
    snapshot = join(folder, 'snapshot')
    data = join(folder, 'data')
    const { mkdir } = await import('node:fs/promises')
    await mkdir(data)
    await writeFile(join(data, 'meta.db'), 'before')
    await writeFile(join(folder, 'config.json'), '{}')
    await takeSnapshot(snapshot, join(folder, 'config.json'), [data])
    await writeFile(join(data, 'meta.db'), 'after')
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function rolledBack(changes: KeyChange[], { undo = false, revokes = true, damaged = false } = {}) {
    const revoked: string[] = []
    const labels: Progress[] = []
    let notice: unknown
    let stay: { why: string; snapshot: string } | undefined
    if (damaged) await rm(join(snapshot, 'manifest.json'))
    const deps = {
      supervisor: { stop: async () => ({ ok: true }) },
      library: { activate: async () => {} },
      use: () => {},
      engine: () => ({}),
      roots: async () => [data],
      log: () => {},
      keys: {
        since: async () => changes,
        ownUser: async () => 'admin',
        revoke: async (uuid: string) => {
          revoked.push(uuid)
          return revokes
        },
      },
      reportKeys: (what: unknown) => {
        notice = what
      },
      reportDatabases: (what: typeof stay) => {
        stay = what
      },
    } as unknown as UpgradeDeps
    const context = {
      memory: { undo, from: { command: '/zot', settingPath: '' }, snapshotAt: 0 },
      progress: (progress: Progress) => labels.push(progress),
    } as unknown as Context
    const back = await rollBack(deps, context, snapshot)
    const left = await revokeKeysAgain(deps, context, snapshot)
    const { readFile } = await import('node:fs/promises')
    return { back, meta: await readFile(join(data, 'meta.db'), 'utf8'), revoked, labels, notice, stay, left }
  }
  const revoked = (user: string): KeyChange => ({ kind: 'revoked', user, uuid: `key-of-${user}`, at })
  const made = (user: string): KeyChange => ({ kind: 'made', user, at })

  it('brings the databases back, revokes again what the app can, and names keys that were made', async () => {
    const { back, meta, revoked: again, notice, left } = await rolledBack([revoked('admin'), made('ci')])
    expect(left).toEqual([
      'A key was made meanwhile and is gone; make it again: a key of ci, made 2026-03-01T12:00:00.500Z.',
    ])
    expect({ back, meta, again }).toEqual({ back: { ok: true }, meta: 'before', again: ['key-of-admin'] })
    expect(notice).toEqual({
      made: ['a key of ci, made 2026-03-01T12:00:00.500Z'],
      toRevoke: [],
      reRevoked: 1,
    })
  })

  it('keeps the databases where a revoked key would work again and only its owner could revoke it', async () => {
    const changes = [revoked('ci'), revoked('admin'), made('ci')]
    const { meta, revoked: again, notice, left } = await rolledBack(changes)
    expect({ meta, again, left }).toEqual({ meta: 'after', again: [], left: [] })
    expect(notice).toMatchObject({ toRevoke: [], reRevoked: 2 })
  })

  it('says which key to revoke where that did not work', async () => {
    const { notice, labels } = await rolledBack([revoked('admin')], { revokes: false })
    expect(notice).toMatchObject({ toRevoke: ['key-of-admin of admin'], reRevoked: 0 })
    expect(labels.map(({ label }) => label)).toEqual(['Revoke this key again: key-of-admin of admin.'])
  })

  it('goes on without copies that are not whole, says so, and loses no key', async () => {
    const { back, meta, notice, labels, stay } = await rolledBack([made('ci')], { damaged: true })
    expect(meta).toBe('after')
    expect(stay).toEqual({ why: expect.stringContaining('no list of what they hold'), snapshot })
    const words = `The databases stay as they are. ${stay?.why} The copies are in ${snapshot}.`
    expect(back).toEqual({ ok: true, words })
    expect(labels).toEqual([{ label: words }])
    expect(notice).toBeUndefined()
  })

  it('by hand keeps what there is', async () => {
    expect((await rolledBack([], { undo: true })).meta).toBe('after')
  })
})
