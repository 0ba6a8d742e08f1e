import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAccess } from '../../../registry/auth/access.ts'
import type { Identity } from '../../../registry/auth/identity.ts'
import { type Action, actions, bitOf, parseScope, type Scope } from '../../../registry/auth/scope.ts'
import type { AccessControlConfig } from '../../../registry/config/http-shape.ts'
import { adviseAccess } from '../../../registry/inspect/values.ts'
import { compileGlob } from '../../fakes/compile-glob.ts'
import { cpuTime } from '../../fakes/cpu-time.ts'

const rules = (some: Partial<AccessControlConfig>): AccessControlConfig => ({
  repositories: {},
  adminPolicy: { users: [], groups: [], actions: [], conditions: undefined },
  groups: {},
  metrics: { users: [], anonymousPolicy: [] },
  ...some,
})
const user = (name: string, more: Partial<Identity> = {}): Identity => ({
  user: name,
  groups: [],
  origin: 'local',
  via: 'htpasswd',
  ...more,
})
const scope = (text: string): Scope => {
  const parsed = parseScope(text)
  if (!parsed.ok) throw new Error(parsed.problem)
  return parsed.scope
}
const access = (accessControl: AccessControlConfig | undefined, authenticates = true) =>
  createAccess({ accessControl, authenticates })

/** The rules once more, slowly and word by word. */
function reference(
  control: AccessControlConfig,
  who: Identity | undefined,
  action: Action,
  name: string,
): boolean {
  let best: string | undefined
  for (const pattern of Object.keys(control.repositories)) {
    if (!compileGlob(pattern)?.(name)) continue
    if (best === undefined || pattern.length > best.length) best = pattern
  }
  const group = best === undefined ? undefined : control.repositories[best]
  const isRestriction = action === 'detectManifestCollision'
  if (group?.anonymousPolicy.includes(action) && !(isRestriction && who)) return true
  if (!who) return false
  const groups: string[] = []
  if (who.origin === 'oidc') groups.push(...who.groups)
  else
    for (const [name, { users }] of Object.entries(control.groups))
      if (users.includes(who.user)) groups.push(name)
  const isFor = (policy: AccessControlConfig['adminPolicy']): boolean =>
    policy.users.includes(who.user) || policy.groups.some(one => groups.includes(one))
  const grants = (policy: AccessControlConfig['adminPolicy']): boolean =>
    policy.actions.includes(action) && isFor(policy)
  let may = false
  for (const policy of group?.policies ?? []) if (grants(policy)) may = true
  if (group?.defaultPolicy.includes(action)) may = true
  if (isRestriction && isFor(control.adminPolicy)) may = false
  if (grants(control.adminPolicy)) may = true
  if (!may || !who.scopes || who.scopes.length === 0) return may
  return action === 'detectManifestCollision'
    ? may
    : who.scopes.some(one => one.actions.includes(action) && compileGlob(one.pattern)?.(name))
}

const policyOf = fc.record({
  users: fc.subarray(['alice', 'bob']),
  groups: fc.subarray(['admins', 'ci']),
  actions: fc.subarray([...actions]),
  conditions: fc.constant(undefined),
})
const patterns = ['**', '*', 'ci/**', 'ci/*', 'ci/app', '{ci,x}/*', 'x', '**/app']
const control: fc.Arbitrary<AccessControlConfig> = fc.record({
  repositories: fc.dictionary(
    fc.constantFrom(...patterns),
    fc.record({
      policies: fc.array(policyOf, { maxLength: 2 }),
      defaultPolicy: fc.subarray([...actions]),
      anonymousPolicy: fc.subarray([...actions]),
    }),
    { maxKeys: 4 },
  ),
  adminPolicy: policyOf,
  groups: fc.dictionary(fc.constantFrom('admins', 'ci'), fc.record({ users: fc.subarray(['alice', 'bob']) })),
  metrics: fc.record({ users: fc.subarray(['', 'alice']), anonymousPolicy: fc.subarray(['read']) }),
})
const scopeTexts = ['repository:**:read', 'repository:ci/*:create,read', 'repository:x:update,delete']
const identity: fc.Arbitrary<Identity | undefined> = fc.option(
  fc.record({
    user: fc.constantFrom('alice', 'bob', 'eve'),
    groups: fc.subarray(['admins', 'ci']),
    origin: fc.constantFrom('local' as const, 'oidc' as const),
    via: fc.constant('apikey' as const),
    scopes: fc.subarray(scopeTexts.map(scope)),
  }),
  { nil: undefined },
)

describe('advice', () => {
  it('says what is odd in the rules, and nothing else', () => {
    const policy = { users: [], groups: ['Admins'], actions: ['read', 'write'], conditions: undefined }
    const odd = rules({
      repositories: {
        '[': { policies: [], defaultPolicy: [], anonymousPolicy: [] },
        '**': { policies: [policy], defaultPolicy: ['create'], anonymousPolicy: ['read', 'create'] },
      },
      groups: { admins: { users: [] } },
    })
    expect(adviseAccess(odd)).toEqual([
      expect.stringMatching(/repositories\["\["\]: this is not a pattern/),
      expect.stringContaining('zot would not give read to'),
      expect.stringMatching(/"write" is no action .*; actions are read, create, update, delete/),
      expect.stringContaining('group "Admins" never matches'),
    ])
    const plain = { policies: [], defaultPolicy: ['read'], anonymousPolicy: ['read'] }
    expect(adviseAccess(rules({ repositories: { '**': plain } }))).toEqual([])
    const typo = {
      ...plain,
      policies: [{ users: [], groups: ['admns'], actions: ['create'], conditions: undefined }],
    }
    const mistaken = rules({ repositories: { '**': typo }, groups: { admins: { users: ['root'] } } })
    // An identity provider may have such a group.
    expect(adviseAccess(mistaken)).toEqual([])
    expect(adviseAccess(mistaken, false)).toEqual([expect.stringContaining('nobody is in "admns"')])
    const check = ['detectManifestCollision']
    const careful = rules({
      repositories: { '**': { policies: [], defaultPolicy: [], anonymousPolicy: check } },
      adminPolicy: { users: ['root'], groups: [], actions: check, conditions: undefined },
    })
    expect(adviseAccess(careful)).toEqual([
      'http.accessControl.adminPolicy: zot would not keep admins to detectManifestCollision',
    ])
  })
})

describe('accessControl', () => {
  it('decides as the reference does, also when asked again', () => {
    fc.assert(
      fc.property(control, fc.array(identity, { minLength: 1, maxLength: 4 }), (some, people) => {
        const under = access(some)
        for (const person of [...people, ...people]) {
          for (const name of ['ci/app', 'ci/lib', 'ci/a/b', 'x', 'x/app', 'other/deep/app']) {
            for (const action of actions) {
              const may =
                action === 'detectManifestCollision'
                  ? under.detectsCollision(person, name)
                  : under.may(person, action, name)
              if (may !== reference(some, person, action, name)) throw new Error(`${action} ${name}: ${may}`)
            }
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  it('takes no longer for what is too long to be a name, whatever patterns a key has', () => {
    const scopes = Array.from({ length: 64 }, (_, at) => ({
      pattern: `*${'a'.repeat(240 - at)}b`,
      actions: ['read' as const],
    }))
    const person = { user: 'u', groups: [], origin: 'local', via: 'apikey', keyId: 'k', scopes } as const
    const everything = { policies: [], defaultPolicy: ['read'], anonymousPolicy: [] }
    const long = 'a'.repeat(30_000)
    const spent = cpuTime(() => {
      for (const under of [
        access(rules({ repositories: { '**': everything } })),
        createAccess({ accessControl: undefined, authenticates: true }),
      ])
        expect(under.may(person, 'read', long)).toBe(false)
    })
    // Untamed these are a thousand million steps.
    expect(spent).toBeLessThan(1000)
  })

  it('gives a token what its holder may of what it holds, and what nobody needs one for', () => {
    const held = fc.dictionary(fc.constantFrom('x', 'ci/app', 'y'), fc.integer({ min: 0, max: 15 }))
    fc.assert(
      fc.property(control, identity, held, fc.boolean(), (control, holder, held, authenticates) => {
        if (!holder) return
        const repositories = new Map(Object.entries(held))
        const token: Identity = { ...holder, via: 'token', grant: { holder, repositories, catalog: false } }
        const rules = createAccess({ accessControl: control, authenticates })
        for (const name of ['x', 'ci/app', 'y', 'x']) {
          for (const action of actions) {
            const isHeld = ((held[name] ?? 0) & bitOf(action)) !== 0
            const expected =
              action === 'detectManifestCollision'
                ? reference(control, holder, action, name)
                : (isHeld && reference(control, holder, action, name)) ||
                  reference(control, undefined, action, name)
            expect(rules.may(token, action, name)).toBe(expected)
          }
          expect(rules.detectsCollision(token, name)).toBe(rules.detectsCollision(holder, name))
        }
      }),
    )
  })

  it('gives nobody known less than nobody at all', () => {
    fc.assert(
      fc.property(control, identity, fc.constantFrom('ci/app', 'x', 'y/z'), (some, person, name) => {
        const under = access(some)
        if (under.detectsCollision(person, name))
          expect(reference(some, person, 'detectManifestCollision', name)).toBe(true)
        for (const action of ['read', 'create', 'update', 'delete'] as const) {
          if (under.may(undefined, action, name) && !under.may(person, action, name)) throw new Error(action)
        }
        if (under.mayScrape(undefined)) expect(under.mayScrape(person)).toBe(true)
      }),
    )
  })

  it('keeps nobody to detectManifestCollision but those for whom it is written', () => {
    const policy = (users: string[], ...more: Action[]) => ({
      users,
      groups: [],
      actions: ['read', 'delete', ...more],
      conditions: undefined,
    })
    const check = 'detectManifestCollision'
    const of = (
      who: Identity | undefined,
      lists: { anonymous?: Action[]; byDefault?: Action[]; admin?: Action[] },
    ): boolean =>
      access(
        rules({
          repositories: {
            '**': {
              policies: [policy(['careful'], check), policy(['free'])],
              defaultPolicy: lists.byDefault ?? [],
              anonymousPolicy: lists.anonymous ?? [],
            },
          },
          adminPolicy: policy(['root'], ...(lists.admin ?? [])),
        }),
      ).detectsCollision(who, 'a/b')
    expect(of(undefined, { anonymous: [check] })).toBe(true)
    for (const name of ['free', 'stranger', 'root'])
      expect(of(user(name), { anonymous: [check], byDefault: ['read'] })).toBe(false)
    expect(of(user('careful'), {})).toBe(true)
    // As in zot defaultPolicy is for everybody signed in, and nothing of it for admins.
    expect(of(user('free'), { byDefault: [check] })).toBe(true)
    expect(of(undefined, { byDefault: [check] })).toBe(false)
    expect(of(user('root'), { byDefault: [check] })).toBe(false)
    expect(of(user('root'), { admin: [check] })).toBe(true)
    expect(of(user('careful', { scopes: [scope('repository:**:delete')] }), {})).toBe(true)
  })

  it('counts detectManifestCollision alone as nothing that is open to anybody', () => {
    const only = ['detectManifestCollision']
    const under = access(
      rules({
        repositories: { '**': { policies: [], defaultPolicy: only, anonymousPolicy: only } },
        adminPolicy: { users: ['root'], groups: [], actions: only, conditions: undefined },
      }),
    )
    expect(under).toMatchObject({ hasAnonymous: false, hasAuthenticated: false })
  })

  it('keeps three tiers: anonymous reads, CI adds, admins do everything', () => {
    const under = access(
      rules({
        repositories: {
          '**': {
            policies: [{ users: [], groups: ['ci'], actions: ['read', 'create'], conditions: undefined }],
            defaultPolicy: [],
            anonymousPolicy: ['read'],
          },
        },
        adminPolicy: {
          users: [],
          groups: ['admins'],
          actions: ['read', 'create', 'update', 'delete'],
          conditions: undefined,
        },
        groups: { ci: { users: ['robot'] }, admins: { users: ['root'] } },
      }),
    )
    const may = (who: Identity | undefined): string =>
      (['read', 'create', 'update', 'delete'] as const).filter(action => under.may(who, action, 'a/b')).join()
    expect(may(undefined)).toBe('read')
    expect(may(user('stranger'))).toBe('read')
    expect(may(user('robot'))).toBe('read,create')
    expect(may(user('root'))).toBe('read,create,update,delete')
    // A provider that names somebody "root" makes no admin; its groups do.
    expect(may(user('root', { origin: 'oidc' }))).toBe('read')
    expect(may(user('x', { origin: 'oidc', groups: ['admins'] }))).toBe('read,create,update,delete')
    // Groups that a local identity claims count for nothing.
    expect(may(user('x', { groups: ['admins'] }))).toBe('read')
    expect(under).toMatchObject({ hasAnonymous: true, hasAuthenticated: true })
  })

  it('opens everything to the known without rules, and to all without a way to be known', () => {
    const known = access(undefined)
    expect(known.may(user('a'), 'delete', 'x')).toBe(true)
    expect(known.may(undefined, 'read', 'x')).toBe(false)
    expect(known.mayScrape(undefined)).toBe(false)
    const narrow = user('a', { scopes: [scope('repository:x:read')] })
    expect(known.may(narrow, 'read', 'x')).toBe(true)
    expect(known.may(narrow, 'delete', 'x')).toBe(false)
    expect(known.mayScrape(narrow)).toBe(false)
    const open = access(undefined, false)
    expect(open.may(undefined, 'delete', 'x')).toBe(true)
    expect(open.mayScrape(undefined)).toBe(true)
  })

  it.each([
    [{ users: [], anonymousPolicy: [] }, false, false],
    [{ users: ['prom'], anonymousPolicy: [] }, false, true],
    [{ users: [''], anonymousPolicy: [] }, true, true],
    [{ users: [], anonymousPolicy: ['read'] }, true, true],
  ])('metrics %j: anonymous %s, named %s', (metrics, anonymous, named) => {
    const under = access(
      rules({
        metrics,
        adminPolicy: { users: ['root'], groups: [], actions: ['read'], conditions: undefined },
      }),
    )
    expect(under.mayScrape(undefined)).toBe(anonymous)
    expect(under.mayScrape(user('prom'))).toBe(named)
    expect(under.mayScrape(user('root'))).toBe(anonymous)
  })
})
