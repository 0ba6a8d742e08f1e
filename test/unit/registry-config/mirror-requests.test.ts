import { expect, it } from 'vitest'
import { noticeMessage } from '../../../contract/messages/notice-message.ts'
import { cachedUpstreams } from '../../../core/registry-config/cached-upstreams.ts'
import { createMirrorRequests } from '../../../core/registry-config/mirror-requests.ts'
import { parseConfig } from '../../../registry/config/config.ts'

const hub = { urls: ['https://registry-1.docker.io'], content: [{ prefix: '**', destination: '/docker.io' }] }
const ghcr = { urls: ['https://ghcr.io'], content: [{ prefix: 'org/**', destination: '/ghcr.io' }] }

function upstreamsOf(...registries: object[]) {
  const text = JSON.stringify({
    storage: { rootDirectory: '/data' },
    http: { port: '5050' },
    extensions: { sync: { enable: true, registries } },
  })
  const parsed = parseConfig(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return cachedUpstreams(parsed.config)
}

function watch(registries: object[] = [hub, ghcr], id: 'zot' | 'zotbar-registry' = 'zot') {
  let changes = 0
  const upstreams = upstreamsOf(...registries)
  const requests = createMirrorRequests({
    now: () => Date.UTC(2026, 0, 2, 3, 4, 5),
    engine: () => ({ id }),
    target: () => ({ url: 'http://127.0.0.1:5050', upstreams }),
    publicUrl: () => 'https://registry.example.net',
    onChange: () => {
      changes += 1
    },
  })
  return {
    changes: () => changes,
    notices: requests.notices,
    asked(path: string, statusCode = 404, headers: object = {}): void {
      requests.readLogLine(
        JSON.stringify({ level: 'info', message: 'HTTP API', path, method: 'HEAD', statusCode, headers }),
      )
    },
  }
}

const bare = '/v2/library/nginx/manifests/latest?ns=docker.io'

it('gives one notice for an upstream, with its number of requests, and none once the path is asked for', () => {
  const seen = watch()
  seen.asked(bare)
  seen.asked('/v2/library/nginx/blobs/sha256:00?ns=docker.io')
  expect(seen.notices()).toEqual([
    {
      kind: 'mirror-passed-by',
      id: 'mirror-passed-by:docker.io',
      at: Date.UTC(2026, 0, 2, 3, 4, 5),
      upstream: 'docker.io',
      requests: 2,
      mirror: 'https://registry.example.net/v2/docker.io',
    },
  ])
  expect(seen.changes()).toBe(1)
  seen.asked('/v2/docker.io/library/nginx/manifests/latest?ns=docker.io', 200)
  expect([seen.notices(), seen.changes()]).toEqual([[], 2])
})

it('says which lines make the mirror work', () => {
  const seen = watch()
  seen.asked(bare)
  const { title, detail, needsAttention } = noticeMessage(seen.notices()[0]!)
  expect([title, needsAttention]).toEqual(['Pulls of docker.io go past this registry', true])
  expect(detail).toContain('certs.d/docker.io/hosts.toml')
  expect(detail).toContain(
    [
      '[host."https://registry.example.net/v2/docker.io"]',
      '  capabilities = ["pull", "resolve"]',
      '  override_path = true',
    ].join('\n'),
  )
})

it('promises nothing of an engine that does not pull through', () => {
  const seen = watch([hub], 'zotbar-registry')
  seen.asked(bare)
  const { detail } = noticeMessage(seen.notices()[0]!)
  expect(detail).toContain('zotbar-registry does not pull through')
  expect(detail).not.toContain('[host')
})

it('names the address that the client used where a proxy passes it on', () => {
  const seen = watch()
  seen.asked(bare, 404, { 'X-Forwarded-Host': ['cache.example:8443'], 'X-Forwarded-Proto': ['https'] })
  expect(seen.notices()).toMatchObject([{ mirror: 'https://cache.example:8443/v2/docker.io' }])
  seen.asked(bare, 404, { 'X-Forwarded-Host': ['a"]\n[host."b'], 'X-Forwarded-Proto': ['https'] })
  expect(seen.notices()).toMatchObject([{ mirror: 'https://registry.example.net/v2/docker.io' }])
})

it.each([
  ['a name of Docker Hub that others use', '/v2/library/nginx/manifests/1?ns=registry-1.docker.io'],
  ['the port of https', '/v2/library/nginx/manifests/1?ns=DOCKER.io%3A443'],
  ['among other parameters', '/v2/library/nginx/manifests/1?a=b&ns=docker.io'],
])('knows the upstream by %s', (_, path) => {
  const seen = watch()
  seen.asked(path)
  expect(seen.notices()).toMatchObject([{ upstream: 'docker.io' }])
})

it('takes the path of the copies for the name of an upstream that is fetched from elsewhere', () => {
  const seen = watch([{ ...hub, urls: ['https://mirror.example'] }])
  seen.asked(bare)
  expect(seen.notices()).toMatchObject([{ upstream: 'docker.io' }])
})

it.each([
  ['no mirror is meant', '/v2/library/nginx/manifests/latest', 404],
  ['the image is here under that name', bare, 200],
  ['nobody may read', bare, 401],
  ['the image is missing under the path of the copies', '/v2/docker.io/a/manifests/1?ns=docker.io', 404],
  ['config.json copies nothing of that upstream', '/v2/a/manifests/1?ns=quay.io', 404],
  ['config.json does not copy that repository', '/v2/other/a/manifests/1?ns=ghcr.io', 404],
  ['the name is no registry', '/v2/a/manifests/1?ns=..%2F', 404],
  ['two are named', `${bare}&ns=ghcr.io`, 404],
])('gives none where %s', (_, path, status) => {
  const seen = watch()
  seen.asked(path, status)
  expect(seen.notices()).toEqual([])
})

it('knows no path where the copies have the names of the upstream, or others that a path cannot express', () => {
  const content = [{ prefix: '**' }]
  expect(upstreamsOf({ ...hub, content })).toEqual([])
  const stripped = [{ prefix: 'library/**', destination: '/hub', stripPrefix: true }]
  expect(upstreamsOf({ ...hub, content: stripped })).toEqual([])
  const whole = [{ prefix: '/**', destination: '/hub/', stripPrefix: true }]
  expect(upstreamsOf({ ...hub, content: whole })).toEqual([
    { names: ['docker.io'], prefix: '**', destination: 'hub' },
  ])
})
