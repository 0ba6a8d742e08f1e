import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { indexOf } from '../../suites/image.ts'
import { targetAt } from '../app/app-rig.ts'
import { pushImage, putManifest, type Target } from '../registry/client.ts'
import { basic, passwordOf } from '../registry/people.ts'
import { createUpgradeRig } from '../upgrade/upgrade-rig.ts'

/** Whoever wants to be sure of a store: what it must answer with. */
interface Expected {
  path: string
  bytes: Buffer
}

/**
 * An app whose zot is `program`, with accounts, an API key, anonymous pulls and scrapes in the form of old, and images: three
 * repositories of four tags, an index of two, and a manifest without a tag.
 */
export async function createSeededZotRig(program: string) {
  const rig = await createUpgradeRig({ program })
  const htpasswd = join(rig.folder, 'htpasswd')
  writeFileSync(htpasswd, `ci:${hashSync(passwordOf('ci'), 4)}\n`)
  const policies = [{ users: ['ci'], actions: ['read', 'create', 'update', 'delete'] }]
  rig.configure(
    `${JSON.stringify(
      {
        ...rig.standard,
        http: {
          ...rig.standard.http,
          auth: { htpasswd: { path: htpasswd }, apikey: true },
          accessControl: {
            metrics: { users: [''] },
            repositories: { '**': { policies, anonymousPolicy: ['read'], defaultPolicy: ['read'] } },
          },
        },
        extensions: { metrics: { enable: true, prometheus: { path: '/metrics' } } },
      },
      null,
      2,
    )}\n`,
  )
  const plain = targetAt(rig.url)
  const as = (authorization: string): Target => ({
    ask: (path, options = {}) =>
      plain.ask(path, { ...options, headers: { ...options.headers, authorization } }),
  })
  let app = await rig.running()
  const ci = as(basic('ci'))
  const expected: Expected[] = []
  for (const repository of ['team/app', 'team/web', 'other'])
    for (const tag of ['1', '2', '3', 'latest']) {
      const { bytes, digest } = await pushImage(ci, repository, tag, `${repository}:${tag}`)
      for (const reference of [tag, digest])
        expected.push({ path: `/v2/${repository}/manifests/${reference}`, bytes })
    }
  const children = [
    await pushImage(ci, 'multi', 'a', 'one child'),
    await pushImage(ci, 'multi', 'b', 'another child'),
  ]
  const index = indexOf(children)
  await putManifest(ci, 'multi', 'all', index)
  expected.push({ path: '/v2/multi/manifests/all', bytes: index.bytes })
  const { status, body } = await ci.ask('/zot/auth/apikey', {
    method: 'POST',
    body: '{"label":"kept","scopes":[]}',
  })
  if (status !== 201) throw new Error(`no API key: ${status}`)
  const { apiKey } = JSON.parse(body.toString()) as { apiKey: string }
  const byKey = as(basic('ci', apiKey))
  const upgrades = join(rig.home, 'upgrades')

  /** Of an upgrade. */
  function newestJournal(): string | undefined {
    const folder = join(rig.home, 'runbooks')
    const names = existsSync(folder) ? readdirSync(folder) : []
    const newest = names
      .filter(name => /-upgrade-.*\.jsonl$/.test(name))
      .sort()
      .at(-1)
    return newest === undefined ? undefined : join(folder, newest)
  }

  return {
    ...rig,
    app: () => app,
    /** The API key of `ci`, and the registry as seen by whoever has one. */
    apiKey,
    byKey: (key: string) => as(basic('ci', key)),
    /** In place of one that was killed. */
    async startAgain(): Promise<void> {
      app = rig.start()
      await app.reach('serving')
    },
    /** What is not as it was, one line for each; empty: all of it is. */
    async faults(): Promise<string[]> {
      const found: string[] = []
      for (const { path, bytes } of expected) {
        const answer = await plain.ask(path)
        if (answer.status !== 200 || !answer.body.equals(bytes)) found.push(`${path}: ${answer.status}`)
      }
      const scraped = await plain.ask('/metrics')
      if (scraped.status !== 200) found.push(`/metrics: ${scraped.status}`)
      const upload = await byKey.ask('/v2/team/app/blobs/uploads/', { method: 'POST' })
      if (upload.status !== 202) found.push(`the API key: ${upload.status}`)
      else await byKey.ask(upload.headers.location ?? '', { method: 'DELETE' })
      if (existsSync(upgrades) && readdirSync(upgrades).length > 0)
        found.push(`left in upgrades: ${readdirSync(upgrades).join(', ')}`)
      return found
    },
    newestJournal,
    /** The last line of the newest journal: its kind and step. */
    lastLine(): string {
      const newest = newestJournal()
      const line = newest && readFileSync(newest, 'utf8').trimEnd().split('\n').at(-1)
      const { kind, step } = JSON.parse(line ?? '{}') as { kind?: string; step?: string }
      return [kind, step].filter(word => word !== undefined).join(' ')
    },
  }
}
export type SeededZotRig = Awaited<ReturnType<typeof createSeededZotRig>>
