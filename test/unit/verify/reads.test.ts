import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fail } from '../../../contract/result.ts'
import type { SendRegistryRequest } from '../../../core/verify/pull-checks.ts'
import { type ReadBaseline, takeReadBaseline, textHash } from '../../../core/verify/read-baseline.ts'
import { readChecks } from '../../../core/verify/read-checks.ts'
import { imageOf } from '../../suites/image.ts'
import { writeRepository } from '../../suites/written-store.ts'

let folder: string
/** What the registry answers to everybody and to the account, by path; 401 where nothing is said. */
let open: Record<string, number>
let toAccount: Record<string, number> | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-reads-'))
  open = {}
  toAccount = undefined
  await writeFile(join(folder, 'config.json'), '{}')
  for (const name of ['open', 'private', 'closed'])
    await writeRepository(join(folder, 'data'), name, [['1', image]])
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const image = imageOf(['layer'])
const pathOf = (name: string) => `/v2/${name}/manifests/${image.digest}`
const ask: SendRegistryRequest = async (path, options) => {
  if (options?.onlyKnown && !toAccount) return fail({ code: 'registry-denied', what: 'ask', status: 401 })
  const status = (options?.onlyKnown ? toAccount : open)?.[path] ?? 401
  return { ok: true, value: { status, body: Buffer.alloc(0), header: () => undefined } }
}
const deps = () => ({
  ask,
  configFile: join(folder, 'config.json'),
  roots: async () => [join(folder, 'data')],
  layout: async () => ({ isCached: () => false, serves: () => true }),
  known: new Map(),
  metricsPath: async () => '/metrics',
})
const take = () => takeReadBaseline(deps(), new AbortController().signal)
async function prove(baseline: ReadBaseline | undefined, more: { edited?: string; told?: boolean } = {}) {
  const results: Record<string, unknown> = {}
  const checks = readChecks({
    ...deps(),
    baseline,
    editedConfig: more.edited,
    mayLoseMetrics: async () => more.told === true,
    wait: async () => {},
  })
  for (const { id, run } of checks) results[id] = await run()
  return results
}
const failure = (words: string, code = 'gate-failed') => ({
  ok: false,
  error: { code, words: expect.stringContaining(words) },
})

describe('what could be read before', () => {
  beforeEach(() => {
    open = { [pathOf('open')]: 200, '/metrics': 200 }
    toAccount = { [pathOf('private')]: 200, [pathOf('closed')]: 403 }
  })

  it('is written down with who could read it, and passes where that is so afterwards', async () => {
    const baseline = await take()
    expect(baseline).toEqual({
      repositories: [
        { name: 'open', digest: image.digest, by: 'anyone' },
        { name: 'private', digest: image.digest, by: 'account' },
      ],
      metrics: '/metrics',
      config: textHash('{}'),
    })
    expect(await prove(baseline)).toEqual({
      reads: { ok: true, words: '2 repositories of those that could be read before' },
      metrics: { ok: true },
    })
  })

  it.each([401, 403, 500])('fails where it is answered with %d afterwards', async status => {
    const baseline = await take()
    open[pathOf('open')] = status
    expect(await prove(baseline)).toMatchObject({
      reads: failure(`open could be read without a password before, and is answered with ${status} now`),
    })
    open[pathOf('open')] = 200
    toAccount = { [pathOf('private')]: status }
    expect(await prove(baseline)).toMatchObject({
      reads: failure('private could be read with Zotbar’s account'),
    })
  })

  it('blames a config.json that somebody else changed meanwhile, and not one that the run changed', async () => {
    const baseline = await take()
    open = {}
    await writeFile(join(folder, 'config.json'), '{"http":{}}')
    const blamed = failure('Somebody else changed config.json during the run', 'config-edited-meanwhile')
    expect(await prove(baseline)).toMatchObject({ reads: blamed, metrics: blamed })
    expect(await prove(baseline, { edited: textHash('{"http":{}}') })).toMatchObject({
      reads: failure('open could be read'),
    })
  })

  it('proves nothing of what Zotbar has no account for any more, and leaves deleted images to others', async () => {
    const baseline = await take()
    toAccount = undefined
    expect(await prove(baseline)).toMatchObject({
      reads: {
        ok: true,
        state: 'unproven',
        words: '1 of 2 repositories could be asked for; Zotbar has no account any more for the rest',
      },
    })
    toAccount = { [pathOf('private')]: 200 }
    open[pathOf('open')] = 404
    expect(await prove(baseline)).toMatchObject({ reads: { ok: true } })
  })

  it('lets anonymous metrics go only where that was agreed to', async () => {
    const baseline = await take()
    open['/metrics'] = 401
    expect(await prove(baseline)).toMatchObject({
      metrics: failure('/metrics could be read without a password before, and is answered with 401 now'),
    })
    expect(await prove(baseline, { told: true })).toMatchObject({
      metrics: { ok: true, state: 'skipped', words: '/metrics is answered with 401 now, as was said before' },
    })
  })
})

it('nothing readable is nothing to compare: never passed', async () => {
  const baseline = await take()
  expect(baseline).toMatchObject({ repositories: [] })
  expect(baseline).not.toHaveProperty('metrics')
  const skipped = { ok: true, state: 'skipped', words: 'Nothing could be read before without a password' }
  expect(await prove(baseline)).toEqual({ reads: skipped })
  expect(await prove(undefined)).toEqual({ reads: skipped })
})
