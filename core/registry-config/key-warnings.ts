import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { KeyWarning } from '../../contract/key.ts'
import type { Config } from '../../registry/config/config.ts'
import { loadConfig } from '../../registry/config/load.ts'
import { missingRights } from '../../registry/config/missing-rights.ts'
import type { KeyAccount, NewKey } from '../platform/new-key.ts'

/** Bytes; zotbar-registry reads no larger one. */
const maxHtpasswd = 4 * 1024 * 1024

/**
 * What keeps a new key from doing what it is for, as far as config.json and htpasswd say now. A file that cannot be
 * read says nothing, and neither is anything said of users of whom only somebody else knows.
 */
export async function keyWarnings(
  configFile: string,
  engine: 'zotbar-registry' | 'zot',
  key: NewKey,
): Promise<KeyWarning[]> {
  const loaded = await loadConfig(configFile, { engine })
  if (!loaded.ok) return []
  const { config } = loaded
  const { auth, accessControl } = config.http
  const path = auth?.htpasswd?.path
  const accounts = path === undefined ? new Set<string>() : await namesIn(resolve(dirname(configFile), path))
  const { user, account } = key
  const isLocal = accounts?.has(user) === true
  const isElsewhere = account?.origin === 'oidc' || (!isLocal && mayBeElsewhere(config, account))
  const warnings: KeyWarning[] = []
  const named = namedIn(config)
  if (accounts && !isLocal && !isElsewhere && !named.has(user) && accounts.size + named.size > 0)
    warnings.push({ code: 'user-unknown', user })
  // A provider's groups that are not known here may give every right.
  if (isElsewhere && account?.origin !== 'oidc' && grantsToGroups(config)) return warnings
  const origin = account?.origin ?? (isElsewhere ? 'oidc' : 'local')
  const groups = account?.groups ?? []
  const scopes = key.scopes.length > 0 || !key.repository ? key.scopes : [scopeIn(key.repository)]
  const missing = missingRights(accessControl, { user, origin, groups }, scopes, engine === 'zotbar-registry')
  if (!missing) return warnings
  const { kind, ...rule } = missing
  return [...warnings, { code: kind, user, rule: { ...rule, users: [user] } }]
}

const scopeIn = (repository: string): string => `repository:${repository}:read,create`

/** Whether somebody who is in no htpasswd may have an account that only another server knows. */
function mayBeElsewhere({ http }: Config, account: KeyAccount | undefined): boolean {
  const { auth, tls } = http
  if (auth?.ldap !== undefined || auth?.bearer !== undefined || tls?.cacert) return true
  // zotbar-registry knows who has signed in; it says so with the account.
  return account === undefined && auth?.openid !== undefined
}

/** Everybody whom a rule names. */
function namedIn({ http }: Config): Set<string> {
  const { repositories = {}, adminPolicy, groups = {}, metrics } = http.accessControl ?? {}
  return new Set([
    ...Object.values(repositories).flatMap(({ policies }) => policies.flatMap(({ users }) => users)),
    ...Object.values(groups).flatMap(({ users }) => users),
    ...(adminPolicy?.users ?? []),
    ...(metrics?.users ?? []).filter(user => user !== ''),
  ])
}

function grantsToGroups({ http }: Config): boolean {
  const { repositories = {}, adminPolicy } = http.accessControl ?? {}
  const policies = Object.values(repositories).flatMap(entry => entry.policies)
  return [...policies, ...(adminPolicy ? [adminPolicy] : [])].some(policy => policy.groups.length > 0)
}

/** The names in an htpasswd; undefined where it cannot be read. */
async function namesIn(file: string): Promise<Set<string> | undefined> {
  try {
    const found = await stat(file)
    if (!found.isFile() || found.size > maxHtpasswd) return undefined
    const lines = (await readFile(file, 'utf8')).split('\n')
    return new Set(lines.flatMap(line => /^\s*([^#:\s][^:]*):./.exec(line)?.[1] ?? []))
  } catch {
    return undefined
  }
}
