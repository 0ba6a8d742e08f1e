import { isGlob } from '../auth/glob.ts'
import { type Action, actions } from '../auth/scope.ts'
import type { AccessControlConfig } from '../config/http-shape.ts'
import { compilePatterns } from '../maintenance/retention-policy.ts'
import { readProviders } from '../signin/rules.ts'
import type { FindingCollector, InspectedConfig } from './finding.ts'

/**
 * What an operator may not expect of these rules, as sentences with their key paths. Pure.
 * @param hasProviders whether identity providers bring further groups
 */
export function adviseAccess(
  { repositories, adminPolicy, groups }: AccessControlConfig,
  hasProviders = true,
): string[] {
  const found: string[] = []
  const known: readonly string[] = actions
  const collision: Action = 'detectManifestCollision'
  const unknownIn = (path: string, actionNames: readonly string[]): void => {
    for (const word of actionNames) {
      if (!known.includes(word))
        found.push(
          `${path}: ${JSON.stringify(word)} is no action and grants nothing; actions are ${known.join(', ')}`,
        )
    }
  }
  const unknownGroups = (path: string, names: readonly string[]): void => {
    for (const name of names) {
      if (name !== name.toLowerCase() && Object.hasOwn(groups, name.toLowerCase())) {
        found.push(
          `${path}: group ${JSON.stringify(name)} never matches: names of groups are read in lower case`,
        )
      } else if (!hasProviders && !Object.hasOwn(groups, name)) {
        found.push(`${path}: nobody is in ${JSON.stringify(name)}, which accessControl.groups does not have`)
      }
    }
  }
  for (const [pattern, { policies, defaultPolicy, anonymousPolicy }] of Object.entries(repositories)) {
    const path = `http.accessControl.repositories[${JSON.stringify(pattern)}]`
    if (!isGlob(pattern)) found.push(`${path}: this is not a pattern, and matches nothing`)
    const less = anonymousPolicy.filter(
      action => known.includes(action) && action !== collision && !defaultPolicy.includes(action),
    )
    if (less.length > 0) {
      found.push(
        `${path}: zot would not give ${less.join(', ')} to people who are signed in, unless defaultPolicy has it too`,
      )
    }
    unknownIn(`${path}.defaultPolicy`, defaultPolicy)
    unknownIn(`${path}.anonymousPolicy`, anonymousPolicy)
    for (const policy of policies) {
      unknownIn(`${path}.policies`, policy.actions)
      unknownGroups(`${path}.policies`, policy.groups)
    }
  }
  unknownIn('http.accessControl.adminPolicy', adminPolicy.actions)
  if (adminPolicy.actions.includes(collision))
    found.push(`http.accessControl.adminPolicy: zot would not keep admins to ${collision}`)
  unknownGroups('http.accessControl.adminPolicy', adminPolicy.groups)
  return found
}

/** Values that have the right type and still cannot work: patterns, addresses, providers, rules. */
export function inspectValues({ config }: InspectedConfig, notes: FindingCollector): void {
  const { auth, accessControl, externalUrl, allowOrigin } = config.http
  const signIn = readProviders(config)
  for (const { keyPath, message } of signIn.ok ? [] : signIn.problems) notes.problem(keyPath, message)
  for (const { key, issuer } of signIn.ok ? signIn.providers : [])
    if (issuer.protocol === 'http:' && !isLocal(issuer.href))
      notes.warning(
        `http.auth.openid.providers.${key}.issuer`,
        'without https anybody on the way can sign in as anybody',
      )
  if (externalUrl && !isWebAddress(externalUrl))
    notes.problem(
      'http.externalUrl',
      'this is not the address of a web site',
      'such as "https://example.org"',
    )
  for (const origin of (allowOrigin ?? '').split(',').map(one => one.trim())) {
    if (origin !== '' && origin !== '*' && !isOrigin(origin))
      notes.problem('http.allowOrigin', `${origin} is not an origin`, 'such as "https://example.org", or "*"')
  }
  for (const [index, origin] of (auth?.openid?.callbackAllowOrigins ?? []).entries()) {
    if (!isOrigin(origin))
      notes.problem(
        `http.auth.openid.callbackAllowOrigins[${index}]`,
        'this is not an origin',
        'such as "https://example.org"',
      )
  }
  if (accessControl) {
    for (const sentence of adviseAccess(accessControl, auth?.openid !== undefined))
      noteSentence(sentence, notes.warning)
    if (!auth)
      notes.warning(
        'http.accessControl',
        'without http.auth nobody is asked who they are, and only anonymousPolicy counts',
        'htpasswd, apikey or openid in http.auth',
      )
    const { metrics } = accessControl
    if (metrics.users.includes(''))
      notes.warning(
        'http.accessControl.metrics.users',
        'an empty name opens the metrics to everybody; zot from v2.1.18 on refuses it',
        '"anonymousPolicy": ["read"]',
      )
    if (config.extensions?.metrics?.enable && metrics.users.length + metrics.anonymousPolicy.length === 0)
      notes.warning(
        'http.accessControl',
        'nobody may read the metrics',
        'names in "metrics.users", or "metrics.anonymousPolicy": ["read"]',
      )
  }
  for (const [index, registry] of (config.extensions?.sync?.registries ?? []).entries()) {
    const path = `extensions.sync.registries[${index}]`
    for (const [at, url] of registry.urls.entries())
      if (!isWebAddress(url)) notes.problem(`${path}.urls[${at}]`, 'this is not the address of a registry')
    for (const [at, { prefix, tags }] of registry.content.entries()) {
      if (!isGlob(prefix)) notes.problem(`${path}.content[${at}].prefix`, 'this is not a pattern')
      for (const key of ['regex', 'excludeRegex'] as const)
        checkRegex(`${path}.content[${at}].tags.${key}`, tags?.[key], notes)
    }
  }
}

/** Passes on a sentence that begins with its key path. */
function noteSentence(sentence: string, note: (keyPath: string, message: string) => void): void {
  const colon = sentence.search(/:\s/)
  note(sentence.slice(0, colon), sentence.slice(colon + 2))
}

/** Patterns are Go's regular expressions, so they are read by Go's rules. */
function checkRegex(keyPath: string, pattern: string | undefined, notes: FindingCollector): void {
  const compiled = compilePatterns(pattern === undefined ? [] : [pattern])
  if (!compiled.ok) notes.problem(keyPath, `this is not a regular expression: ${compiled.reason}`)
}

const isWebAddress = (text: string): boolean => /^https?:$/.test(addressOf(text)?.protocol ?? '')

const isOrigin = (text: string): boolean => isWebAddress(text) && addressOf(text)?.origin === text

const isLocal = (text: string): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(addressOf(text)?.hostname ?? '')

const addressOf = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)

/** What zot would do with this configuration and zotbar-registry does not: conveniences, each named once. */
export function inspectZotOnly({ config }: InspectedConfig, notes: FindingCollector): void {
  const { extensions, http, scheduler } = config
  const without = (keyPath: string, what: string): void =>
    notes.warning(keyPath, `${what}: only the zot engine does this`)
  if (extensions?.search?.enable)
    notes.warning(
      'extensions.search',
      'search by GraphQL: only the zot engine does this; /v2/_zot/ext/mgmt is served',
    )
  if (extensions?.search?.cve) without('extensions.search.cve', 'looking for known vulnerabilities')
  if (extensions?.ui?.enable) without('extensions.ui', 'the web interface')
  if (extensions?.lint?.enable) without('extensions.lint', 'refusing images without annotations')
  if (extensions?.events?.enable) without('extensions.events', 'sending events')
  if (extensions?.trust?.enable) without('extensions.trust', 'checking signatures')
  if (extensions?.sync?.enable)
    notes.warning(
      'extensions.sync',
      'this version pulls nothing through: images that are not here are answered 404',
    )
  if (http.auth?.sessionDriver) without('http.auth.sessionDriver', 'keeping sessions elsewhere')
  if (http.auth?.sessionKeysFile)
    notes.warning('http.auth.sessionKeysFile', 'has no effect: sessions are kept here and survive a restart')
  if (scheduler?.numWorkers !== undefined)
    notes.warning('scheduler.numWorkers', 'has no effect: one piece of work runs in the background at a time')
}
