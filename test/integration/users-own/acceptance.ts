import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'
import { createUsersOwnRig, type UsersOwnRig } from './users-own-rig.ts'

export interface Acceptance {
  engine: 'zotbar-registry' | 'zot'
  /** Brings the registry of the rig to `serving`, from the state of its owners. */
  takeUp(rig: UsersOwnRig): Promise<void>
  /** False for a zot that answers 401 to a scraper without a name, whatever `metrics.users` of the old form says. */
  isScrapedAnonymously?: boolean
}

const isRoot = process.getuid?.() === 0
/** What their dashboards draw, with the labels that their queries name. */
const drawn = {
  zot_repo_storage_bytes: ['repo'],
  zot_http_requests_total: ['code', 'method'],
  zot_http_method_latency_seconds_bucket: ['le', 'method'],
}

/** What the owners of the set-up of users-own-rig.ts do with it. The tests build on each other. */
export function describeUsersOwn(
  name: string,
  { engine, takeUp, isScrapedAnonymously = true }: Acceptance,
): void {
  describeWith(['caddy', 'skopeo', 'containerd', 'curl'], name, () => {
    let rig: UsersOwnRig
    let key = ''
    beforeAll(async () => {
      rig = await createUsersOwnRig(engine)
    })
    afterAll(() => rig?.end())
    const pushed = (from: string, to: string, secret = key) =>
      rig.skopeoCopy(`zot-ci:${secret}`, `library/${from}`, `team/${to}`)
    const fetched = (image: string, hosts: string) =>
      rig.ctr('content', 'fetch', '--hosts-dir', hosts, `docker.io/library/${image}`)

    it('serves with config.json as it stands', async () => {
      await takeUp(rig)
      expect(readFileSync(rig.configFile, 'utf8')).toBe(rig.configText)
    })

    it('lets people sign in at the provider behind caddy, and CI push new tags with a key', async () => {
      key = await rig.newKey('zot-ci')
      expect(await pushed('app:1', 'app:1')).toMatchObject({ status: 0 })
      const { headers } = await rig.asked.ask('/v2/team/app/manifests/1')
      expect(headers['docker-content-digest']).toBe(rig.image.digest)
      expect((await pushed('other:1', 'app:1')).text).toMatch(/denied|403|unauthorized/i)
      expect((await pushed('app:1', 'app:2', 'zak_wrong')).text).toMatch(/unauthorized|authentication/i)
    })

    it('keeps the three tiers apart', async () => {
      const keys = { guest: await rig.newKey('guest'), 'zot-ci': key, boss: await rig.newKey('boss') }
      const statuses = async (path: string, method: string): Promise<number[]> => {
        const found: number[] = [(await rig.asked.ask(path, { method })).status]
        for (const [user, password] of Object.entries(keys)) {
          const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
          found.push((await rig.asked.ask(path, { method, headers: { authorization } })).status)
        }
        return found
      }
      const manifest = '/v2/team/app/manifests/1'
      expect(await statuses(manifest, 'GET')).toEqual([200, 200, 200, 200])
      expect(await statuses('/v2/team/new/blobs/uploads/', 'POST')).toEqual([401, 403, 202, 202])
      expect(await statuses(manifest, 'DELETE')).toEqual([401, 403, 403, 202])
      expect(await pushed('app:1', 'app:1')).toMatchObject({ status: 0 })
    })

    it('answers their scraper, with the names and labels of their dashboards', async () => {
      const scrape = () => rig.curl(`http://localhost:${rig.port}/metrics`)
      if (!isScrapedAnonymously) return expect((await scrape()).text).toContain('401')
      // zotbar-registry begins to measure with the first scrape.
      const text = await eventually(async () => {
        const { text } = await scrape()
        return text.includes('zot_repo_storage_bytes{') && text
      })
      expect(labelsOf(text)).toMatchObject(drawn)
    })

    it('passes their health script, with zotbar status in place of launchctl list', async () => {
      const { text } = await rig.curl('--cacert', rig.authority, `${rig.externalUrl}/v2/_catalog`)
      expect(JSON.parse(text)).toEqual({ repositories: expect.arrayContaining(['team/app']) })
      expect((await rig.zotbar('restart')).code).toBe(0)
      const { code, stdout } = await rig.zotbar('status')
      expect([code, stdout]).toEqual([0, expect.stringContaining('Serving')])
      expect(stdout).toContain(rig.externalUrl)
      expect(stdout).not.toContain('Unreadable')
      expect(await pushed('app:1', 'after:1')).toMatchObject({ status: 0 })
    })

    it('pulls through where its engine does', async () => {
      const found = engine === 'zot' ? [200, rig.image.digest] : [404, undefined]
      for (const upstream of ['docker.io', 'ghcr.io', 'quay.io']) {
        const { status, headers } = await rig.asked.ask(`/v2/${upstream}/library/app/manifests/1`)
        expect([status, headers['docker-content-digest']]).toEqual(found)
      }
    })

    it.skipIf(!isRoot)('says which line makes the mirror of their cluster work (needs root)', async () => {
      const hosts = rig.at('certs.d')
      mkdirSync(join(hosts, 'docker.io'), { recursive: true })
      const file = join(hosts, 'docker.io', 'hosts.toml')
      const server = `server = "${rig.upstream.url}"`
      const theirs = [`[host."${rig.url}"]`, '  capabilities = ["pull", "resolve"]', '  skip_verify = true']
      writeFileSync(file, [server, '', ...theirs, ''].join('\n'))
      await fetched('app:1', hosts)
      const note = await eventually(async () => {
        const { stdout } = await rig.zotbar('status')
        return stdout.includes('Pulls of docker.io go past this registry') && stdout
      })
      if (engine === 'zotbar-registry') return expect(note).toContain('zotbar-registry does not pull through')
      const [table = ''] = /^ *\[host\..+\n.+\n.+override_path = true$/m.exec(note) ?? []
      writeFileSync(file, [server, '', table, `  ca = "${rig.authority}"`, ''].join('\n'))
      await fetched('other:1', hosts)
      expect((await rig.asked.ask('/v2/docker.io/library/other/tags/list')).status).toBe(200)
      await eventually(async () => !(await rig.zotbar('status')).stdout.includes('go past this registry'))
    })

    it.skipIf(!isRoot)('takes what pushes as Dagger does, with containerd (needs root)', async () => {
      const hosts = rig.at('certs.d')
      mkdirSync(join(hosts, rig.host))
      const push = [
        `[host."${rig.externalUrl}"]`,
        '  capabilities = ["push"]',
        `  ca = "${rig.authority}"`,
        '',
      ]
      writeFileSync(join(hosts, rig.host, 'hosts.toml'), push.join('\n'))
      const to = ['--hosts-dir', hosts, '--user', `zot-ci:${key}`, `${rig.host}/team/dagger:1`]
      await rig.ctr('images', 'push', ...to, 'docker.io/library/app:1')
      const { headers } = await rig.asked.ask('/v2/team/dagger/manifests/1')
      expect(headers['docker-content-digest']).toBe(rig.image.digest)
    })
  })
}

/** The names of the labels of each metric in the text form of Prometheus, sorted. */
function labelsOf(text: string): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const [, metric = '', labels = ''] of text.matchAll(/^(\w+)\{([^}]*)\}/gm))
    found[metric] ??= [...labels.matchAll(/(\w+)="/g)].map(([, name = '']) => name).sort()
  return found
}
