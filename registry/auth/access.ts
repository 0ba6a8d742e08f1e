import { LRUCache } from 'lru-cache'
import type { AccessControlConfig } from '../config/http-shape.ts'
import { maxNameLength } from '../oci/reference.ts'
import { compileGlobs, isGlob } from './glob.ts'
import type { Grant, Identity } from './identity.ts'
import { type Action, type ActionSet, allowedBy, bitOf, everyRight, printScope, setOf } from './scope.ts'

/** Who may do what. `undefined` is somebody without credentials. */
export interface Access {
  may(identity: Identity | undefined, action: Action, repository: string): boolean
  /** Whether deleting a digest that several tags share is to be refused. */
  detectsCollision(identity: Identity | undefined, repository: string): boolean
  /** Whether the metrics may be read. */
  mayScrape(identity: Identity | undefined): boolean
  /** Whether anything at all is open to somebody without credentials. */
  readonly hasAnonymous: boolean
  /** Whether some rule names people who have to show who they are. */
  readonly hasAuthenticated: boolean
}

export interface AccessOptions {
  readonly accessControl: AccessControlConfig | undefined
  /** Whether there is a way to show who one is. */
  readonly authenticates: boolean
}

type Policies = AccessControlConfig['adminPolicy'][]
type Rules = AccessControlConfig['repositories'][string]

/** Answers kept: who (as far as it matters here) and repository. */
const maxAnswers = 20_000
const maxClasses = 5000
const maxRememberedLength = 255

/**
 * The rules of accessControl. Of the patterns that match a repository only the longest text counts; within
 * it user, group, default and anonymous policies add up, and the admin policy is added last. Somebody known
 * never has less than nobody has: not even a narrowed key or a token, as it could be left out. detectManifestCollision
 * is no right but takes some away, so it holds for those alone for whom it is written: never anonymousPolicy's for
 * somebody known, and for an admin only the adminPolicy's, as zot asks nothing of admins.
 * https://zotregistry.dev/latest/articles/authn-authz/#authorization
 */
export function createAccess({ accessControl, authenticates }: AccessOptions): Access {
  if (!accessControl) return withoutRules(authenticates)
  const { repositories, adminPolicy, metrics } = accessControl
  const patterns = Object.entries(repositories)
    .map(([pattern, rules]) => ({ pattern, rules }))
    .filter(({ pattern }) => isGlob(pattern))
    // Stable: among equally long ones the first in the file.
    .sort((a, b) => b.pattern.length - a.pattern.length)
  const globs = compileGlobs(patterns.map(({ pattern }) => pattern))
  const groupsOf = groupReader(accessControl)

  const anonymousRights = (rules: Rules | undefined): ActionSet => setOf(rules?.anonymousPolicy ?? [])

  const rights = (identity: Identity | undefined, repository: string): ActionSet => {
    const [longest] = globs?.matching(repository) ?? []
    const rules = longest === undefined ? undefined : patterns[longest]?.rules
    const anonymous = anonymousRights(rules)
    if (!identity) return anonymous
    const groups = groupsOf(identity)
    let set = setOf(rules?.defaultPolicy ?? [])
    if (rules) set |= granted(rules.policies, identity, groups)
    if (isMeant(adminPolicy, identity, groups)) set = (set & everyRight) | setOf(adminPolicy.actions)
    return narrowed(set, identity, repository) | (anonymous & everyRight)
  }

  const answers = new LRUCache<string, number>({ max: maxAnswers })
  const shapes = createPermissionClasses()
  const remembered = (identity: Identity | undefined, name: string): ActionSet => {
    // Few have such a name, and many of them would fill the memory.
    if (name.length > maxRememberedLength) return rights(identity, name)
    const key = `${identity ? shapes(identity) : 0} ${name}`
    let set = answers.get(key)
    if (set === undefined) {
      set = rights(identity, name)
      answers.set(key, set)
    }
    return set
  }
  // Of a token nothing is remembered: there may be thousands, each with rights of its own.
  const rightsOf = (identity: Identity | undefined, repository: string): ActionSet => {
    const name = bounded(repository)
    const { grant } = identity ?? {}
    if (!grant) return remembered(identity, name)
    const set = remembered(grant.holder, name)
    const held = set & heldBy(grant, name)
    return held === set ? set : held | (remembered(undefined, name) & everyRight)
  }

  const all = Object.values(repositories)
  const hasAnonymous = all.some(rules => isRight(rules.anonymousPolicy))
  const hasAuthenticated =
    isUsed(adminPolicy) || all.some(rules => isRight(rules.defaultPolicy) || rules.policies.some(isUsed))
  const anybodyScrapes = metrics.users.includes('') || metrics.anonymousPolicy.includes('read')
  return {
    may: (identity, action, repository) => (rightsOf(identity, repository) & bitOf(action)) !== 0,
    detectsCollision: (identity, repository) =>
      (rightsOf(identity, repository) & bitOf('detectManifestCollision')) !== 0,
    mayScrape: identity =>
      anybodyScrapes ||
      (identity !== undefined && !isNarrowed(identity) && metrics.users.includes(identity.user)),
    hasAnonymous,
    hasAuthenticated,
  }
}

/** Without rules every signed-in user may do everything; where nobody can sign in, everybody may. */
function withoutRules(authenticates: boolean): Access {
  const rights = (identity: Identity | undefined, repository: string): ActionSet => {
    if (!authenticates) return everyRight
    return identity ? narrowed(everyRight, identity, bounded(repository)) : 0
  }
  return {
    may: (identity, action, repository) => (rights(identity, repository) & bitOf(action)) !== 0,
    detectsCollision: () => false,
    mayScrape: identity => !authenticates || (identity !== undefined && !isNarrowed(identity)),
    hasAnonymous: !authenticates,
    hasAuthenticated: authenticates,
  }
}

/** Names are checked after this. What is too long to be one costs no more time and memory than a name. */
const bounded = (repository: string): string => repository.slice(0, maxNameLength)

const isNarrowed = ({ scopes, grant }: Identity): boolean => (scopes?.length ?? 0) > 0 || grant !== undefined

/** The scopes of a key and what a token holds take rights away; the check on deletion is none. */
function narrowed(set: ActionSet, { scopes, grant }: Identity, repository: string): ActionSet {
  let remaining = everyRight
  if (scopes && scopes.length > 0) remaining &= allowedBy(scopes, repository)
  const kept = set & (remaining | bitOf('detectManifestCollision'))
  return grant ? kept & heldBy(grant, repository) : kept
}

const heldBy = ({ repositories }: Grant, repository: string): ActionSet =>
  (repositories.get(repository) ?? 0) | bitOf('detectManifestCollision')

function granted(policies: Policies, identity: Identity, groups: ReadonlySet<string>): ActionSet {
  let set = 0
  for (const policy of policies) if (isMeant(policy, identity, groups)) set |= setOf(policy.actions)
  return set
}

const isMeant = (policy: Policies[number], { user }: Identity, groups: ReadonlySet<string>): boolean =>
  policy.users.includes(user) || policy.groups.some(group => groups.has(group))

/** Whether something may be done by it. */
const isRight = (words: readonly string[]): boolean => (setOf(words) & everyRight) !== 0

const isUsed = ({ users, groups, actions }: Policies[number]): boolean =>
  isRight(actions) && users.length + groups.length > 0

/** Groups in the config are for local users only: a provider could give anybody any name. */
function groupReader({ groups }: AccessControlConfig): (identity: Identity) => ReadonlySet<string> {
  const ofUser = new Map<string, Set<string>>()
  for (const [group, { users }] of Object.entries(groups)) {
    for (const user of users) ofUser.set(user, (ofUser.get(user) ?? new Set()).add(group))
  }
  const none: ReadonlySet<string> = new Set()
  return identity =>
    identity.origin === 'local' ? (ofUser.get(identity.user) ?? none) : new Set(identity.groups)
}

/** A number for everything about an identity without a token that decides; never 0. */
function createPermissionClasses(): (identity: Identity) => number {
  const ofIdentity = new WeakMap<Identity, number>()
  const ofText = new LRUCache<string, number>({ max: maxClasses })
  let last = 0
  return identity => {
    const known = ofIdentity.get(identity)
    if (known !== undefined) return known
    const { user, origin, groups, scopes } = identity
    const text = JSON.stringify([user, origin, groups, scopes?.map(printScope) ?? []])
    const shape = ofText.get(text) ?? ++last
    ofText.set(text, shape)
    ofIdentity.set(identity, shape)
    return shape
  }
}
