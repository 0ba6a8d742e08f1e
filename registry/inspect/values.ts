import { adviseAccess } from '../auth/advice.ts'
import { compileGlob } from '../auth/glob.ts'
import type { Notebook, Read } from './finding.ts'

type Provider = NonNullable<
  NonNullable<NonNullable<Read['config']['http']['auth']>['openid']>['providers']['oidc']
>

/** Values that have the right type and still cannot work: patterns, addresses, providers, rules. */
export function inspectValues({ config }: Read, notes: Notebook): void {
  const { auth, accessControl, externalUrl, allowOrigin } = config.http
  inspectRetention(config.storage.retention.policies, notes)
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
  for (const [id, provider] of Object.entries(auth?.openid?.providers ?? {}))
    if (provider) inspectProvider(`http.auth.openid.providers.${id}`, provider, notes)
  if (accessControl) {
    // Each sentence begins with its key path.
    for (const sentence of adviseAccess(accessControl)) {
      const colon = sentence.search(/:\s/)
      notes.warning(sentence.slice(0, colon), sentence.slice(colon + 2))
    }
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
      if (!compileGlob(prefix)) notes.problem(`${path}.content[${at}].prefix`, 'this is not a pattern')
      for (const key of ['regex', 'excludeRegex'] as const)
        checkRegex(`${path}.content[${at}].tags.${key}`, tags?.[key], notes)
    }
  }
}

function inspectRetention(
  policies: Read['config']['storage']['retention']['policies'],
  notes: Notebook,
): void {
  for (const [index, policy] of policies.entries()) {
    const path = `storage.retention.policies[${index}]`
    if (policy.repositories.length === 0)
      notes.warning(`${path}.repositories`, 'no pattern, so this policy is about no repository')
    for (const [at, pattern] of policy.repositories.entries())
      if (!compileGlob(pattern)) notes.problem(`${path}.repositories[${at}]`, 'this is not a pattern')
    for (const [at, keep] of policy.keepTags.entries())
      for (const [each, pattern] of keep.patterns.entries())
        checkRegex(`${path}.keepTags[${at}].patterns[${each}]`, pattern, notes)
  }
}

function inspectProvider(path: string, provider: Provider, notes: Notebook): void {
  const { issuer, clientid, clientsecret, credentialsFile, scopes } = provider
  if (!credentialsFile && !clientid)
    notes.problem(`${path}.clientid`, 'this key is required', undefined, 'missing')
  if (!credentialsFile && !clientsecret)
    notes.problem(
      `${path}.clientsecret`,
      'one of "clientsecret" and "credentialsFile" is required',
      undefined,
      'missing',
    )
  if (credentialsFile && (clientid || clientsecret))
    notes.problem(
      `${path}.credentialsFile`,
      'the file has both values: leave "clientid" and "clientsecret" out',
      undefined,
      'conflict',
    )
  if (!issuer) notes.problem(`${path}.issuer`, 'this key is required', undefined, 'missing')
  else if (!isWebAddress(issuer))
    notes.problem(
      `${path}.issuer`,
      'this is not the address of a provider',
      'such as "https://id.example.org"',
    )
  else if (issuer.startsWith('http:') && !isLocal(issuer))
    notes.warning(`${path}.issuer`, 'without https anybody on the way can sign in as anybody')
  if (scopes.length === 0)
    notes.problem(`${path}.scopes`, 'at least one is required', '["openid", "email"]', 'missing')
}

function checkRegex(keyPath: string, pattern: string | undefined, notes: Notebook): void {
  if (pattern === undefined) return
  try {
    new RegExp(pattern, 'u')
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^.*: /, '') : ''
    notes.problem(keyPath, `this is not a regular expression: ${why}`)
  }
}

const isWebAddress = (text: string): boolean => /^https?:$/.test(addressOf(text)?.protocol ?? '')

const isOrigin = (text: string): boolean => isWebAddress(text) && addressOf(text)?.origin === text

const isLocal = (text: string): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(addressOf(text)?.hostname ?? '')

const addressOf = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)
