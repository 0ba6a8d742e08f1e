import { createAccess } from '../auth/access.ts'
import { compileGlobs, isGlob } from '../auth/glob.ts'
import type { Identity } from '../auth/identity.ts'
import { type Action, parseScope, type Scope } from '../auth/scope.ts'
import type { AccessControlConfig } from './http-shape.ts'

/** Whose rights are looked at: `groups` are those that an identity provider named. */
export type Account = Pick<Identity, 'user' | 'origin' | 'groups'>

/** What a user may not do although a key is meant for it, and the policy that would change that. */
export interface MissingRights {
  kind: 'no-rights' | 'read-only'
  /** The pattern below which the policy has to stand, one of config.json unless `isNew`. */
  pattern: string
  isNew: boolean
  actions: Action[]
}

/** What an unnarrowed key is for: to pull, and to push new tags. */
const usual: readonly Scope[] = [{ pattern: '**', actions: ['read', 'create'] }]

/**
 * What accessControl keeps a user from, of all that a key is narrowed to (`scopes`; none: pulling and pushing
 * somewhere); undefined where it is enough. What is suggested is the smallest change: one policy more, below a pattern
 * that is there where one counts for these repositories, so that nobody loses a right. `inheritsAnonymous`: whether
 * somebody known may do what nobody may, as with zotbar-registry and not with zot.
 */
export function missingRights(
  accessControl: AccessControlConfig | undefined,
  account: Account,
  scopes: readonly string[],
  inheritsAnonymous: boolean,
): MissingRights | undefined {
  if (!accessControl) return undefined
  const asked = scopes.flatMap(text => {
    const parsed = parseScope(text)
    return parsed.ok ? [parsed.scope] : []
  })
  let gravest: MissingRights | undefined
  for (const scope of asked.length === 0 ? usual : asked) {
    const found = missingIn(accessControl, account, scope, inheritsAnonymous)
    if (found?.kind === 'no-rights') return found
    gravest ??= found
  }
  return gravest
}

function missingIn(
  rules: AccessControlConfig,
  account: Account,
  scope: Scope,
  inheritsAnonymous: boolean,
): MissingRights | undefined {
  const wanted = (['read', 'create', 'update'] as const).filter(action => scope.actions.includes(action))
  const kindFor = (changed: AccessControlConfig): MissingRights['kind'] | undefined => {
    const granted = grantedIn(changed, account, scope, inheritsAnonymous)
    if (wanted.length === 0 || granted.length === 0) return wanted.length === 0 ? undefined : 'no-rights'
    const isPush = (action: Action): boolean => action === 'create' || action === 'update'
    return wanted.some(isPush) && !granted.some(isPush) ? 'read-only' : undefined
  }
  const kind = kindFor(rules)
  if (kind === undefined) return undefined
  const candidates = placesFor(rules, scope)
  const pattern =
    candidates.find(place => kindFor(withPolicy(rules, place, account.user, wanted)) === undefined) ??
    candidates[0] ??
    scope.pattern
  return { kind, pattern, isNew: !Object.hasOwn(rules.repositories, pattern), actions: wanted }
}

/** The actions of a scope that the user has in some repository that it covers. */
function grantedIn(
  rules: AccessControlConfig,
  account: Account,
  scope: Scope,
  inheritsAnonymous: boolean,
): Action[] {
  const access = createAccess({
    accessControl: inheritsAnonymous ? rules : withoutAnonymous(rules),
    authenticates: true,
  })
  const identity: Identity = { ...account, via: 'apikey' }
  const covered = compileGlobs([scope.pattern])
  const names = [scope.pattern, ...Object.keys(rules.repositories)]
    .map(exampleOf)
    .filter((name, index) => index === 0 || (covered?.matching(name).length ?? 0) > 0)
  return scope.actions.filter(action => names.some(name => access.may(identity, action, name)))
}

/**
 * Where a policy may stand, the smallest change first: the pattern itself, the one that counts there now, a new one.
 */
function placesFor({ repositories }: AccessControlConfig, { pattern }: Scope): string[] {
  const byLength = Object.keys(repositories)
    .filter(isGlob)
    .sort((a, b) => b.length - a.length)
  const matching = (name: string): string[] => byLength.filter(one => matches(one, name))
  const within = byLength.filter(one => matches(pattern, exampleOf(one)))
  return [
    ...byLength.filter(one => one === pattern),
    ...matching(exampleOf(pattern)),
    // Of several within it, the one that is meant for most.
    ...within.reverse(),
    pattern,
  ]
}

const matches = (pattern: string, name: string): boolean =>
  (compileGlobs([pattern])?.matching(name).length ?? 0) > 0

function withPolicy(
  rules: AccessControlConfig,
  pattern: string,
  user: string,
  actions: Action[],
): AccessControlConfig {
  const entry = rules.repositories[pattern] ?? { policies: [], defaultPolicy: [], anonymousPolicy: [] }
  const policies = [...entry.policies, { users: [user], groups: [], actions, conditions: undefined }]
  return { ...rules, repositories: { ...rules.repositories, [pattern]: { ...entry, policies } } }
}

function withoutAnonymous(rules: AccessControlConfig): AccessControlConfig {
  const entries = Object.entries(rules.repositories)
  return {
    ...rules,
    repositories: Object.fromEntries(
      entries.map(([pattern, entry]) => [pattern, { ...entry, anonymousPolicy: [] }]),
    ),
  }
}

/** A repository that a pattern matches, which hardly any other one names. */
const exampleOf = (pattern: string): string =>
  pattern
    .replace(/\{([^{},]*)[^{}]*\}/g, '$1')
    .replace(/\[[!^]?(.)[^\]]*\]/g, '$1')
    .replace(/\*+/g, 'zotbar-example')
    .replaceAll('?', 'x')
    .replaceAll('\\', '')
