import { describe, expect, it } from 'vitest'
import { switchFindings, switchRules } from '../../../core/engine-switch/switch-findings.ts'
import { parseConfig } from '../../../registry/config/config.ts'
import { configKeys } from '../../suites/config-keys.ts'

type Zot = { version?: string; features?: string[] }
const base = { storage: { rootDirectory: '/data' }, http: { port: '5050' } }

function findings(direction: 'to-own' | 'to-zot', config: object, zot: Zot = {}) {
  const parsed = parseConfig(JSON.stringify({ ...base, ...config }), { engine: 'zot' })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const facts = { configFile: '/c.json', config: parsed.config, positions: parsed.positions, zot }
  return direction === 'to-zot'
    ? switchFindings('zotbar-registry', 'zot', facts)
    : switchFindings('zot', 'zotbar-registry', facts)
}
const find = (id: string, ...rest: Parameters<typeof findings>) =>
  findings(...rest).find(finding => finding.id === id)

const http = (more: object) => ({ http: { port: '5050', ...more } })
const policies = (rules: object, more: object = {}) =>
  http({ auth: { htpasswd: { path: '/h' } }, accessControl: { repositories: { '**': rules }, ...more } })
const sync = {
  extensions: {
    sync: {
      registries: [
        { urls: ['https://index.docker.io'], onDemand: true },
        { urls: ['https://ghcr.io'], onDemand: true },
      ],
    },
  },
}

describe('a switch of the engine', () => {
  it('says nothing where there is none', () => {
    const parsed = parseConfig(JSON.stringify(base))
    if (!parsed.ok) throw new Error('unexpected')
    expect(switchFindings('zot', 'zot', { configFile: '/c.json', ...parsed, zot: {} })).toEqual([])
  })

  it('names what was pulled through, and what will be', () => {
    expect(find('pull-through', 'to-own', sync)).toEqual({
      id: 'pull-through',
      severity: 'warning',
      evidence: '/c.json: extensions.sync',
      advice:
        'zotbar-registry does not pull through: what only upstreams hold is not found any more (index.docker.io, ghcr.io). Images that were copied already are still served, as they are now.',
    })
    expect(find('pull-through', 'to-zot', sync)).toMatchObject({
      severity: 'info',
      advice: expect.stringMatching(/^Pull-through begins\. zot fetches a whole image/),
    })
    expect(find('pull-through', 'to-zot', sync, { features: ['search'] })).toMatchObject({
      advice: expect.stringContaining('no sync in it'),
    })
    expect(find('pull-through', 'to-own', { extensions: { sync: { enable: false } } })).toBeUndefined()
  })

  it('names keys, sessions and pages both ways, only where there are any', () => {
    const keys = http({ auth: { htpasswd: { path: '/h' }, apikey: true } })
    for (const direction of ['to-own', 'to-zot'] as const) {
      const ids = findings(direction, keys).map(({ id }) => id)
      expect(ids).toEqual(expect.arrayContaining(['api-keys', 'key-scopes', 'sessions']))
      const without = findings(direction, {}).map(({ id }) => id)
      for (const id of ['api-keys', 'key-scopes', 'sessions', 'pages', 'search', 'metrics'])
        expect(without).not.toContain(id)
    }
    const ui = { ...keys, extensions: { search: {}, ui: {} } }
    expect(find('pages', 'to-zot', ui)?.advice).toMatch(/pages begin/)
    expect(find('pages', 'to-zot', ui, { features: ['sync'] })?.advice).toMatch(/no pages in this build/)
    expect(find('pages', 'to-own', ui)?.severity).toBe('warning')
  })

  it('says that zot serves everybody without an agreement', () => {
    const open = (more: object) => find('open-registry', 'to-zot', http({ address: '0.0.0.0', ...more }))
    expect(open({})).toMatchObject({
      severity: 'warning',
      advice: expect.stringMatching(/0:5050.* may push\./),
    })
    const reading = { accessControl: { repositories: { '**': { anonymousPolicy: ['read'] } } } }
    expect(open(reading)?.advice).toMatch(/may pull\./)
    expect(open({ auth: { htpasswd: { path: '/h' } } })).toBeUndefined()
    expect(find('open-registry', 'to-zot', {})).toBeUndefined()
    expect(find('open-registry', 'to-own', http({ address: '0.0.0.0' }))).toBeUndefined()
  })

  it('goes by the version of the zot', () => {
    const anonymous = policies({ anonymousPolicy: ['read'], defaultPolicy: ['read', 'create'] })
    expect(find('docker-asked-to-sign-in', 'to-own', anonymous, { version: 'v2.1.15' })).toBeDefined()
    expect(find('docker-asked-to-sign-in', 'to-own', anonymous, { version: 'v2.1.16' })).toBeUndefined()
    expect(find('push-again', 'to-own', anonymous, { version: 'v2.1.13' })?.severity).toBe('warning')
    expect(find('push-again', 'to-own', anonymous, { version: 'v2.1.15' })?.severity).toBe('info')
    expect(find('request-time-limits', 'to-zot', {}, { version: 'v2.1.16' })).toBeUndefined()
    expect(find('request-time-limits', 'to-zot', {}, { version: 'v2.1.20-25-g6d19b445' })?.severity).toBe(
      'warning',
    )
    const none = http({ readTimeout: '0s', writeTimeout: '0s' })
    expect(find('request-time-limits', 'to-zot', none, { version: 'v2.1.18' })).toBeUndefined()
    const empty = {
      ...policies({ defaultPolicy: ['read'] }, { metrics: { users: [''] } }),
      extensions: { metrics: {} },
    }
    expect(find('metrics-access', 'to-zot', empty, { version: 'v2.1.17' })).toBeUndefined()
    expect(find('metrics-access', 'to-zot', empty, { version: 'v2.1.18' })?.advice).toMatch(/scrapers/)
    expect(find('metrics-access', 'to-own', empty, { version: 'v2.1.18' })?.advice).toMatch(/everybody/)
  })

  it('says where somebody who is signed in has less than anybody', () => {
    const less = policies({ anonymousPolicy: ['read'] })
    expect(find('anonymous-and-known', 'to-zot', less)).toMatchObject({
      severity: 'warning',
      evidence: '/c.json: http.accessControl.repositories["**"].anonymousPolicy',
      advice: expect.stringContaining('gets 403 for read'),
    })
    const same = policies({ anonymousPolicy: ['read'], defaultPolicy: ['read'] })
    expect(find('anonymous-and-known', 'to-zot', same)).toBeUndefined()
  })

  it('begins with what zotbar-registry refuses', () => {
    const refused = findings('to-own', http({ auth: { ldap: { address: 'ldap.example' } } }))
    expect(refused[0]).toMatchObject({ id: 'refused-http-auth-ldap', severity: 'error' })
    const github = http({ auth: { openid: { providers: { github: { clientid: 'x', scopes: ['y'] } } } } })
    expect(find('refused-provider', 'to-own', github)?.severity).toBe('error')
  })

  it('names extensions that zotbar-registry passes over, and retention by times', () => {
    const on = { enable: true }
    const all = { extensions: { lint: on, trust: on, events: on, scrub: on } }
    const ids = findings('to-own', all).map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining(['lint', 'trust', 'events', 'scrub']))
    const keepTags = [{ patterns: ['.*'], pulledWithin: '24h' }]
    const times = {
      storage: { rootDirectory: '/data', retention: { policies: [{ repositories: ['**'], keepTags }] } },
    }
    for (const direction of ['to-own', 'to-zot'] as const)
      expect(find('retention-times', direction, times)?.severity).toBe('warning')
  })
})

/** Keys without a finding of their own, each with why. A prefix stands for all below it. */
const withoutFinding: Record<string, string> = {
  distSpecVersion: 'both only warn of another one',
  'storage.rootDirectory': 'the same folder for both',
  'storage.subPaths':
    'as for storage itself, and what is refused in one is named by refused-storage-subPaths',
  'storage.gcDelay': 'the same for both',
  'storage.gcInterval': 'the same for both',
  'storage.gcTimeWindow': 'the same for both; a zot that does not know it refuses the file',
  'storage.maxRepos': 'the same for both; a zot that does not know it refuses the file',
  'storage.fastRestart': 'how long a start of zot takes, and nothing that a client sees',
  'storage.redirectBlobURL': 'only where a storageDriver is set, which is refused',
  'storage.remoteCache': 'refused: refused-storage-remoteCache',
  'storage.storageDriver': 'refused: refused-storage-storageDriver',
  'storage.cacheDriver': 'refused: refused-storage-cacheDriver',
  'http.address': 'the same for both; what one of them cannot listen at it refuses before it starts',
  'http.port': 'the same for both',
  'http.realm': 'the same for both',
  'http.externalUrl': 'the same for both',
  'http.ratelimit': 'counted by both for each client and path',
  'http.auth.htpasswd': 'read by both; lines that one does not know are named at its start',
  'http.auth.ldap': 'refused: refused-http-auth-ldap',
  'http.auth.bearer': 'refused: refused-http-auth-bearer',
  'http.auth.mtls': 'refused: refused-http-auth-mtls',
  'http.auth.secureSession': 'the same for both',
  'http.accessControl.groups': 'the same for both',
  'log.output': 'the same for both',
  'log.audit': 'the same for both',
  scheduler: 'how much zot does at a time, and nothing that a client sees',
  cluster: 'refused: refused-cluster',
  'extensions.mgmt': 'ignored by both',
  'extensions.apikey': 'ignored by both',
}

describe('every key of config.json', () => {
  const keys = configKeys()
  const isBelow = (key: string, prefix: string): boolean =>
    key === prefix || key.startsWith(`${prefix}.`) || key.startsWith(`${prefix}[`)
  const matches = (key: string, prefix: string): boolean =>
    isBelow(key, prefix) || isBelow(key.replace(/providers\.\w+/, 'providers.*'), prefix)
  const ruled = switchRules.flatMap(rule => rule.keys)

  it('has a finding, or a reason for none', () => {
    expect(keys.length).toBeGreaterThan(120)
    const prefixes = [...ruled, ...Object.keys(withoutFinding)]
    expect(keys.filter(key => !prefixes.some(prefix => matches(key, prefix)))).toEqual([])
  })

  it('is one that config.json can have', () => {
    for (const prefix of [...ruled, ...Object.keys(withoutFinding)])
      expect(
        keys.some(key => matches(key, prefix)),
        prefix,
      ).toBe(true)
  })
})
