import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAccess } from '../../../registry/auth/access.ts'
import type { Identity } from '../../../registry/auth/identity.ts'
import { parseConfig } from '../../../registry/config/config.ts'
import type { AccessControlConfig } from '../../../registry/config/http-shape.ts'
import { type Account, missingRights } from '../../../registry/config/missing-rights.ts'

function rulesOf(accessControl: object): AccessControlConfig {
  const parsed = parseConfig(
    JSON.stringify({ storage: { rootDirectory: '/d' }, http: { port: '5050', accessControl } }),
  )
  if (!parsed.ok || !parsed.config.http.accessControl) throw new Error(JSON.stringify(parsed))
  return parsed.config.http.accessControl
}
const ci: Account = { user: 'ci', origin: 'local', groups: [] }
const look = (accessControl: object, scopes: string[] = [], account = ci, inherits = true) =>
  missingRights(rulesOf(accessControl), account, scopes, inherits)

/** As the first run writes it. */
const first = {
  repositories: { '**': { anonymousPolicy: ['read'], defaultPolicy: ['read'] } },
  groups: { admins: { users: ['admin'] } },
  adminPolicy: { groups: ['admins'], actions: ['read', 'create', 'update', 'delete'] },
}
const add = (pattern: string, isNew = false, actions = ['read', 'create']) => ({ pattern, isNew, actions })

describe('what config.json keeps a user from', () => {
  it('is nothing without rules, and for an admin', () => {
    expect(missingRights(undefined, ci, [], true)).toBeUndefined()
    expect(look(first, [], { ...ci, user: 'admin' })).toBeUndefined()
  })

  it('is to push, after a first run', () => {
    expect(look(first)).toEqual({ kind: 'read-only', ...add('**') })
  })

  it('is nothing for a key that is meant to pull alone', () => {
    expect(look(first, ['repository:team/**:read'])).toBeUndefined()
    expect(look({ repositories: {} }, ['repository:team/**:read'])).toEqual({
      kind: 'no-rights',
      ...add('team/**', true, ['read']),
    })
  })

  it.each<[string, object, string[], object | undefined]>([
    ['no rule at all', { repositories: {} }, [], { kind: 'no-rights', ...add('**', true) }],
    [
      'a rule for others',
      { repositories: { 'team/**': { policies: [{ users: ['bob'], actions: ['read', 'create'] }] } } },
      [],
      { kind: 'no-rights', ...add('team/**') },
    ],
    [
      'a rule of its own somewhere',
      {
        repositories: {
          ...first.repositories,
          'ci/**': { policies: [{ users: ['ci'], actions: ['create'] }] },
        },
      },
      [],
      undefined,
    ],
    [
      'the same, and a key for another place',
      {
        repositories: {
          ...first.repositories,
          'ci/**': { policies: [{ users: ['ci'], actions: ['create'] }] },
        },
      },
      ['repository:team/app:pull,push'],
      { kind: 'read-only', ...add('**') },
    ],
    [
      'a group of its own',
      {
        repositories: { '**': { policies: [{ groups: ['bots'], actions: ['read', 'create'] }] } },
        groups: { bots: { users: ['ci'] } },
      },
      [],
      undefined,
    ],
    [
      'a longer pattern that takes everything away',
      {
        repositories: {
          '**': { policies: [{ users: ['ci'], actions: ['read', 'create'] }] },
          'team/**': { defaultPolicy: ['read'] },
        },
      },
      ['repository:team/**:read,create'],
      { kind: 'read-only', ...add('team/**') },
    ],
    [
      'update alone, with which no blob can be pushed',
      { repositories: { '**': { policies: [{ users: ['ci'], actions: ['read', 'update'] }] } } },
      [],
      { kind: 'read-only', ...add('**') },
    ],
    ['a key that only deletes', { repositories: {} }, ['repository:a:delete'], undefined],
    [
      'two scopes, one of them in vain',
      first,
      ['repository:a/**:read', 'repository:b/**:read,create,update'],
      { kind: 'read-only', ...add('**', false, ['read', 'create', 'update']) },
    ],
    [
      'a pattern that is none',
      { repositories: { '[': { defaultPolicy: ['read'] } } },
      [],
      { kind: 'no-rights', ...add('**', true) },
    ],
  ])('with %s', (_, rules, scopes, expected) => expect(look(rules, scopes)).toEqual(expected))

  it('with zot is also what only nobody may', () => {
    const open = { repositories: { '**': { anonymousPolicy: ['read', 'create'] } } }
    expect(look(open)).toBeUndefined()
    expect(look(open, [], ci, false)).toEqual({ kind: 'no-rights', ...add('**') })
  })

  it('takes the groups of a provider for those of its users, and those of config.json for its own', () => {
    const rules = {
      repositories: { '**': { policies: [{ groups: ['bots'], actions: ['read', 'create'] }] } },
      groups: { bots: { users: ['ci'] } },
    }
    expect(look(rules, [], { user: 'ci', origin: 'oidc', groups: [] })?.kind).toBe('no-rights')
    expect(look(rules, [], { user: 'jane', origin: 'oidc', groups: ['bots'] })).toBeUndefined()
  })
})

it('what is suggested is enough, and takes nothing from anybody', () => {
  const action = fc.constantFrom('read', 'create', 'update', 'delete')
  const pattern = fc.constantFrom(
    '**',
    '*',
    'team/**',
    'team/*',
    'team/app',
    't*/**',
    '{a,b}/c',
    '[a-c]x/**',
    'ci/**',
    '?/**',
  )
  const entry = fc.record({
    policies: fc.array(fc.record({ users: fc.subarray(['ci', 'bob']), actions: fc.uniqueArray(action) }), {
      maxLength: 2,
    }),
    defaultPolicy: fc.uniqueArray(action, { maxLength: 2 }),
  })
  const scope = fc
    .tuple(pattern, fc.uniqueArray(action, { minLength: 1 }))
    .map(([name, actions]) => `repository:${name}:${actions.join(',')}`)
  fc.assert(
    fc.property(
      fc.dictionary(pattern, entry, { maxKeys: 4 }),
      fc.array(scope, { maxLength: 1 }),
      (repositories, scopes) => {
        const missing = look({ repositories }, scopes)
        if (!missing) return
        expect(Object.hasOwn(repositories, missing.pattern)).toBe(!missing.isNew)
        const before = repositories[missing.pattern] ?? { policies: [], defaultPolicy: [] }
        const policies = [...before.policies, { users: ['ci'], actions: missing.actions }]
        const changed = { ...repositories, [missing.pattern]: { ...before, policies } }
        expect(look({ repositories: changed }, scopes)).toBeUndefined()
        // Nobody may less in any repository than before.
        const [then, now] = [repositories, changed].map(rules =>
          createAccess({ accessControl: rulesOf({ repositories: rules }), authenticates: true }),
        )
        const bob: Identity = { ...ci, user: 'bob', via: 'apikey' }
        for (const name of ['team/app', 'team/a/b', 'a/c', 'ax/y', 'ci/z', 'other', 'x/y/z'])
          for (const right of ['read', 'create', 'update', 'delete'] as const)
            expect(now?.may(bob, right, name)).toBe(then?.may(bob, right, name))
      },
    ),
    { numRuns: 100 },
  )
})
