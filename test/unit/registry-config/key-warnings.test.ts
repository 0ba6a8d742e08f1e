import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstConfig } from '../../../core/first-run/first-run.ts'
import type { KeyAccount } from '../../../core/platform/new-key.ts'
import { keyWarnings } from '../../../core/registry-config/key-warnings.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-warn-'))
  file = join(folder, 'config.json')
  writeFileSync(join(folder, 'htpasswd'), '# people\nadmin:$2b$10$x\r\n\nbob:$2b$10$y\n:z\nnobody\n')
  write()
})
afterEach(() => rmSync(folder, { recursive: true }))

/** The config of a first run, with other keys of `http`. */
function write(http: object = {}): void {
  const first = JSON.parse(firstConfig('/data', { user: 'admin', htpasswd: 'htpasswd' }))
  writeFileSync(file, JSON.stringify({ ...first, http: { ...first.http, ...http } }))
}
interface Asked {
  scopes?: string[]
  repository?: string
  account?: KeyAccount
  engine?: 'zotbar-registry' | 'zot'
}
const warnings = (user: string, { engine = 'zotbar-registry', ...more }: Asked = {}) =>
  keyWarnings(file, engine, { user, scopes: [], ...more })
const codes = async (user: string, asked?: Asked) => (await warnings(user, asked)).map(({ code }) => code)
const local: KeyAccount = { origin: 'local', groups: [] }
const oidc = (...groups: string[]): KeyAccount => ({ origin: 'oidc', groups })
const openid = {
  auth: {
    htpasswd: { path: 'htpasswd' },
    openid: { providers: { oidc: { issuer: 'https://id', clientid: 'x' } } },
  },
}
const byGroup = (group: string) => ({
  accessControl: { repositories: { '**': { policies: [{ groups: [group], actions: ['read', 'create'] }] } } },
})

describe('a key is warned of', () => {
  it('where nobody has its name, with the policy that would let it push', async () => {
    expect(await warnings('ci')).toEqual([
      { code: 'user-unknown', user: 'ci' },
      {
        code: 'read-only',
        user: 'ci',
        rule: { pattern: '**', isNew: false, users: ['ci'], actions: ['read', 'create'] },
      },
    ])
  })

  it('where its user may only read, and not for an admin', async () => {
    expect(await codes('bob')).toEqual(['read-only'])
    expect(await codes('admin')).toEqual([])
    expect(await codes('bob', { scopes: ['repository:team/**:read'] })).toEqual([])
  })

  it('for the repository where it has to prove itself', async () => {
    write({
      accessControl: {
        repositories: {
          'bob/**': { policies: [{ users: ['bob'], actions: ['read', 'create'] }] },
          'team/**': { defaultPolicy: ['read'] },
        },
      },
    })
    expect(await codes('bob')).toEqual([])
    expect(await warnings('bob', { repository: 'team/app' })).toMatchObject([
      { code: 'read-only', rule: { pattern: 'team/**', isNew: false } },
    ])
    expect(await warnings('bob', { repository: 'elsewhere' })).toMatchObject([
      { code: 'no-rights', rule: { pattern: 'elsewhere', isNew: true } },
    ])
  })

  it('not where a rule names its user, who needs no password', async () => {
    const policies = [{ users: ['ci'], actions: ['read', 'create'] }]
    write({ accessControl: { repositories: { '**': { policies } } } })
    expect(await codes('ci')).toEqual([])
  })

  it('without rules only where a name is new among others', async () => {
    write({ accessControl: undefined })
    expect([await codes('ci'), await codes('bob')]).toEqual([['user-unknown'], []])
    write({ auth: { apikey: true }, accessControl: undefined })
    expect(await codes('ci')).toEqual([])
  })
})

describe('users of a provider', () => {
  it('are known once they have signed in, with the groups of then', async () => {
    write({ ...openid, ...byGroup('devs') })
    expect(await codes('jane', { account: local })).toEqual(['user-unknown', 'no-rights'])
    expect(await codes('jane', { account: oidc() })).toEqual(['no-rights'])
    expect(await codes('jane', { account: oidc('devs') })).toEqual([])
  })

  it('are not judged where the engine does not tell of them, unless no group decides', async () => {
    write({ ...openid, ...byGroup('devs') })
    expect(await codes('jane', { engine: 'zot' })).toEqual([])
    expect(await codes('bob', { engine: 'zot' })).toEqual(['no-rights'])
    write({ ...openid, accessControl: { repositories: { '**': { defaultPolicy: ['read'] } } } })
    expect(await codes('jane', { engine: 'zot' })).toEqual(['read-only'])
  })

  it('of a directory or with a certificate are known to others', async () => {
    write({ auth: { htpasswd: { path: 'htpasswd' }, ldap: { address: 'ldap', port: 389 } } })
    expect(await codes('jane', { engine: 'zot' })).toEqual([])
  })
})

describe('files that say nothing', () => {
  it.each<[string, () => void, string[]]>([
    ['a config that is no JSON', () => writeFileSync(file, '{'), []],
    ['none', () => rmSync(file), []],
    ['an htpasswd that is not there', () => rmSync(join(folder, 'htpasswd')), ['read-only']],
    ['one that may not be read', () => chmodSync(join(folder, 'htpasswd'), 0), ['read-only']],
    [
      'one that is a folder',
      () => {
        rmSync(join(folder, 'htpasswd'))
        mkdirSync(join(folder, 'htpasswd'))
      },
      ['read-only'],
    ],
  ])('as %s', async (what, change, expected) => {
    change()
    // Root reads everything.
    const isRoot = process.getuid?.() === 0 && what.includes('may not')
    expect(await codes('ci')).toEqual(isRoot ? ['user-unknown', 'read-only'] : expected)
  })
})
