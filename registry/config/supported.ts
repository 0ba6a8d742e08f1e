import type { Config } from './config.ts'
import { lacksBrackets, readListenAddress } from './listen-address.ts'
import type { ConfigProblem, Position } from './problem.ts'

interface CheckedConfig {
  config: Config
  positions: Record<string, Position>
}

/** Ways to sign in that zotbar-registry does not know. Serving without them would be a hole or a riddle, so it refuses. */
const unknownSignIns = ['ldap', 'bearer', 'mtls'] as const
/** Keys that say where the data is: ignoring one would serve an empty registry beside the real one. */
const dataKeys = ['storageDriver', 'cacheDriver'] as const

/** What a valid config.json asks for that zotbar-registry cannot do. Empty: it can be served. Pure. */
export function unsupported({ config, positions }: CheckedConfig): ConfigProblem[] {
  const problem = (keyPath: string, message: string, allowed?: string): ConfigProblem => ({
    code: 'not-allowed',
    keyPath,
    message,
    ...(positions[keyPath] ?? {}),
    ...(allowed === undefined ? {} : { allowed }),
  })
  const found: ConfigProblem[] = []
  for (const key of unknownSignIns)
    if (config.http.auth?.[key] !== undefined)
      found.push(
        problem(
          `http.auth.${key}`,
          'zotbar-registry does not know this way to sign in: needs the zot engine',
        ),
      )
  for (const { conditions } of policiesOf(config))
    if (conditions !== undefined)
      found.push(
        problem(
          conditions,
          'conditions narrow what the policy gives, and zotbar-registry does not evaluate them: needs the zot engine',
        ),
      )
  if (config.http.tls?.cacert)
    found.push(problem('http.tls.cacert', 'asking clients for certificates (mTLS): needs the zot engine'))
  if ((config.cluster?.members.length ?? 0) > 0)
    found.push(problem('cluster', 'this spreads the data over several registries: needs the zot engine'))
  for (const key of dataKeys)
    if (isSet(config.storage[key]))
      found.push(problem(`storage.${key}`, 'this decides where the data lies: needs the zot engine'))
  for (const [key, sub] of Object.entries(config.storage.subPaths)) {
    if (!/^\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(key))
      found.push(
        problem('storage.subPaths', `${JSON.stringify(key)} is not the first part of a name`, 'such as "/a"'),
      )
    for (const dataKey of dataKeys)
      if (isSet(sub[dataKey]) || sub.remoteCache)
        found.push(
          problem('storage.subPaths', `${key} keeps its data in a way of zot's own: needs the zot engine`),
        )
  }
  if (config.storage.remoteCache)
    found.push(
      problem('storage.remoteCache', 'this decides where the data lies: needs the zot engine', 'false'),
    )
  return found
}

function policiesOf({ http: { accessControl } }: Config) {
  if (accessControl === undefined) return []
  const ofRepositories = Object.values(accessControl.repositories).flatMap(({ policies }) => policies)
  return [...ofRepositories, accessControl.adminPolicy]
}

/** What Zotbar cannot look after with either engine, and what zot's `verify` accepts and its `serve` does not. Pure. */
export function unreachable(
  { config, positions }: CheckedConfig,
  engine: 'zotbar-registry' | 'zot',
): ConfigProblem[] {
  const keyPath = 'http.address'
  const { address, port } = config.http
  const at = positions[keyPath] ?? {}
  const shown = JSON.stringify(address)
  if (readListenAddress(address) === undefined)
    return [
      {
        code: 'not-allowed',
        keyPath,
        message: `${shown} can stand in no URL, so that neither Zotbar nor a client could go there`,
        ...at,
        allowed: 'a name, or an IPv4 or IPv6 address without a zone',
      },
    ]
  if (engine === 'zot' && lacksBrackets(address))
    return [
      {
        code: 'not-allowed',
        keyPath,
        message: `${shown} does not start with zot: it joins address and port to ${JSON.stringify(`${address}:${port}`)}, which it cannot listen at`,
        ...at,
        allowed: JSON.stringify(`[${address}]`),
      },
    ]
  return []
}

function isSet(value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : value !== undefined
}
