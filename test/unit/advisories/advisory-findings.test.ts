import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../../contract/runbook.ts'
import { advisoriesAgainst, findingsFor } from '../../../core/advisories/advisory-findings.ts'
import { advisorySetSchema, withFetched } from '../../../core/advisories/advisory-schema.ts'
import { shippedAdvisories } from '../../../core/advisories/shipped-advisories.ts'
import { configOf, file, household, patch, plainConfig, versions } from './configs.ts'

const idsOf = (found: Finding[]) => found.map(({ id }) => id)
const from = (running: string | undefined, to?: string, text = household) =>
  findingsFor({ running, to, config: configOf(text) })
const one = (found: Finding[], id: string): Finding => {
  const finding = found.find(each => each.id === id)
  if (!finding) throw new Error(`${id} is not among ${idsOf(found)}`)
  return finding
}

/** What each version has, by its patch number, for the household: [id, first patch, patch that mends it]. */
const advisories = [
  ['CVE-2025-30204', 0, 14],
  ['callback-ui-open-redirect', 0, 15],
  ['callback-ui-backslash-bypass', 15, 19],
  ['CVE-2026-31801', 0, 15],
] as const
const changes = [
  ['untagged-removed', 9],
  ['one-authorization-header', 12],
  ['latest-needs-update', 15],
  ['login-target-checked', 15],
  ['docker-asked-to-sign-in', 16],
  ['request-time-limits', 17],
  ['anonymous-metrics', 18],
] as const
const comesBack = [
  'untagged-removed',
  'latest-needs-update',
  'docker-asked-to-sign-in',
  'request-time-limits',
]

const has = (version: string, first: number, mended: number) =>
  patch(version) >= first && patch(version) < mended

function expected(running: string, to: string): string[] {
  const found: string[] = []
  for (const [id, first, mended] of advisories) if (has(running, first, mended)) found.push(id)
  if (running === to) return found.sort()
  for (const [id, first, mended] of advisories)
    if (has(to, first, mended) && !has(running, first, mended)) found.push(id)
  for (const [id, since] of changes) {
    if (patch(running) < since && patch(to) >= since) found.push(id)
    if (patch(running) >= since && patch(to) < since && comesBack.includes(id)) found.push(`${id}-back`)
  }
  if (to === 'v2.1.10') found.push('version-not-told')
  return found.sort()
}

describe('what a release means for a configuration', () => {
  const pairs = versions.flatMap(running => versions.map((to): [string, string] => [running, to]))
  it.each(pairs)('from %s to %s', (running, to) => {
    const found = from(running, to)
    expect(idsOf(found).sort()).toEqual(expected(running, to))
    for (const { evidence, advice } of found) {
      expect(evidence.startsWith(`${file}: `)).toBe(true)
      expect(advice).toMatch(/^\S.*\.$/)
      expect(`${evidence} ${advice}`).not.toMatch(/undefined|null|hush| {2}|!/)
    }
  })

  it('quotes the file, the key path and the value', () => {
    const found = from('v2.1.13', 'v2.1.18')
    const policy = `${file}: http.accessControl.repositories["shipyard/**"].policies[0].actions = ["read","create"]`
    expect(one(found, 'CVE-2026-31801').evidence).toBe(policy)
    expect(one(found, 'latest-needs-update').evidence).toBe(policy)
    expect(one(found, 'anonymous-metrics').evidence).toBe(`${file}: http.accessControl.metrics.users = [""]`)
    expect(one(found, 'request-time-limits').evidence).toBe(
      `${file}: http.readTimeout is not set; http.writeTimeout is not set`,
    )
    expect(one(found, 'docker-asked-to-sign-in').evidence).toContain(
      'http.accessControl.repositories["shipyard/**"].anonymousPolicy = ["read"]',
    )
    expect(one(found, 'CVE-2025-30204').evidence).toBe(`${file}: http.auth.openid.providers.oidc = {…}`)
  })

  it('says where a weakness cannot be reached, and why', () => {
    const found = from('v2.1.13', undefined, plainConfig)
    expect(idsOf(found)).toEqual(['CVE-2025-30204', 'callback-ui-open-redirect', 'CVE-2026-31801'])
    for (const { severity, advice } of found) {
      expect(severity).toBe('info')
      expect(advice).toContain('cannot be reached with this configuration')
    }
    expect(advisoriesAgainst({ running: 'v2.1.13', config: configOf(plainConfig) })).toEqual([])
    expect(idsOf(advisoriesAgainst({ running: 'v2.1.13', config: configOf(household) }))).toEqual([
      'CVE-2025-30204',
      'callback-ui-open-redirect',
      'CVE-2026-31801',
    ])
    expect(advisoriesAgainst({ running: 'v2.1.20', config: configOf(household) })).toEqual([])
  })

  it.each([
    ['bearer', { bearer: { realm: 'r', service: 's' } }, true],
    ['openid', { openid: { providers: { oidc: { issuer: 'i' } } } }, true],
    ['openid without providers', { openid: { providers: {} } }, false],
    ['htpasswd', { htpasswd: { path: 'p' } }, false],
    ['ldap', { ldap: { address: 'a' } }, false],
  ])('reads tokens with %s: %s', (_, auth, applies) => {
    const found = from('v2.1.13', undefined, JSON.stringify({ http: { auth } }))
    expect(one(found, 'CVE-2025-30204').severity).toBe(applies ? 'warning' : 'info')
  })

  it('says which advisories the other version still has, brings or brings back', () => {
    expect(one(from('v2.1.13', 'v2.1.14'), 'CVE-2026-31801').advice).toContain('v2.1.14 still has it')
    expect(one(from('v2.1.13', 'v2.1.15'), 'callback-ui-backslash-bypass').advice).toContain(
      'With v2.1.15 this is in it',
    )
    const down = one(from('v2.1.15', 'v2.1.13'), 'CVE-2026-31801')
    expect(down.advice).toContain('With v2.1.13 this comes back')
    expect(down.severity).toBe('warning')
  })

  it('says that the running version is not known, and lists all that the other one does', () => {
    const found = from(undefined, 'v2.1.18')
    expect(found[0]?.id).toBe('running-version-unknown')
    expect(idsOf(found)).toEqual(expect.arrayContaining(['latest-needs-update', 'anonymous-metrics']))
    expect(idsOf(from('(devel)'))).toEqual(['running-version-unknown'])
  })

  it('says which versions it has no facts about', () => {
    expect(one(from('v2.1.20', 'v2.1.21'), 'no-facts-v2.1.21').evidence).toContain('v2.1.8 to v2.1.20')
    expect(idsOf(from('v2.0.1'))).toEqual([
      'no-facts-v2.0.1',
      'CVE-2025-30204',
      'callback-ui-open-redirect',
      'CVE-2026-31801',
    ])
    expect(idsOf(from('v2.1.15-0-g1a2b3c4'))).toEqual(['callback-ui-backslash-bypass'])
  })

  it('finds keys whatever their case, and tells them as they are written', () => {
    const text = '{"HTTP":{"AccessControl":{"Metrics":{"USERS":["",  "prom"]}}}}'
    expect(one(from('v2.1.17', 'v2.1.18', text), 'anonymous-metrics').evidence).toBe(
      `${file}: HTTP.AccessControl.Metrics.USERS = ["","prom"]`,
    )
  })

  it('lists all that may apply where the file is no JSON', () => {
    const found = from('v2.1.13', 'v2.1.18', 'http:\n  port: 5050\n')
    expect(idsOf(found)).toContain('config-not-understood')
    expect(one(found, 'CVE-2026-31801').evidence).toBe(`${file}: not understood, so it may apply`)
    expect(idsOf(from('v2.1.13', 'v2.1.18', '[]'))).toContain('config-not-understood')
  })

  it.each(shippedAdvisories.keys.map(({ path, since }): [string, string] => [path, since]))(
    'refuses %s before %s',
    (path, since) => {
      const text = configWith(path)
      const refused = (to: string) =>
        from('v2.1.20', to, text).filter(({ id }) => id.startsWith('key-refused-'))
      for (const to of versions.slice(0, -1)) {
        const isOlder = patch(to) < patch(since)
        const about = refused(to).filter(({ evidence }) =>
          evidence.toLowerCase().includes(lastOf(path).toLowerCase()),
        )
        expect([to, about.length > 0]).toEqual([to, isOlder])
        expect(about.every(({ severity }) => severity !== 'info')).toBe(true)
      }
    },
  )

  it('masks secrets, also where facts from elsewhere point at them', () => {
    const advisorySet = withFetched(shippedAdvisories, {
      asOf: '2026-09-01',
      releases: [],
      advisories: [
        {
          id: 'x-1',
          title: 'T',
          severity: 'warning',
          appliesWhen: { set: 'http.auth.openid.providers.*.clientsecret' },
          words: 'W.',
          advice: 'A.',
        },
      ],
      changes: [],
      keys: [],
    })
    const found = findingsFor({ running: 'v2.1.20', config: configOf(household), advisorySet })
    expect(one(found, 'x-1').evidence).toBe(`${file}: http.auth.openid.providers.oidc.clientsecret = "…"`)
  })

  it('keeps to its own form', () => {
    expect(v.parse(advisorySetSchema, shippedAdvisories)).toEqual(shippedAdvisories)
    expect(shippedAdvisories.releases.map(({ version }) => version)).toEqual(versions)
  })
})

const lastOf = (path: string): string => path.split('.').at(-1) ?? ''

/** A config with a value at this path. */
function configWith(path: string): string {
  const steps = path.replaceAll('[*]', '.[*]').split('.')
  const value = steps.reduceRight<unknown>(
    (inner, step) => (step === '[*]' ? [inner] : { [step === '*' ? 'any' : step]: inner }),
    'x',
  )
  return JSON.stringify(value, null, 2)
}
