import type { Config } from './config.ts'
import { isLoopback, readListenAddress, withoutBrackets } from './listen-address.ts'

const rights = ['read', 'create', 'update', 'delete'] as const
type Right = (typeof rights)[number]

/**
 * What somebody may do who shows no credential: everything, or rights by pattern of repository, in the order of
 * config.json. Patterns without a right are among them: the longest one that matches a repository counts alone.
 */
export type AnonymousRights = 'everything' | readonly (readonly [pattern: string, rights: readonly Right[]])[]

const waysIn = ['htpasswd', 'openid', 'ldap', 'bearer', 'mtls'] as const

/** Whether there is a way to show who one is, so that there are people who may do less. */
export const signsIn = ({ http }: Config): boolean =>
  http.auth?.apikey === true ||
  Boolean(http.tls?.cacert) ||
  waysIn.some(key => http.auth?.[key] !== undefined)

/** As both engines grant them: without accessControl everybody may do everything, or nobody who has to sign in. */
export function anonymousRights(config: Config): AnonymousRights {
  const { accessControl } = config.http
  if (accessControl === undefined) return signsIn(config) ? [] : 'everything'
  return Object.entries(accessControl.repositories).map(
    ([pattern, { anonymousPolicy }]) =>
      [pattern, rights.filter(right => anonymousPolicy.includes(right))] as const,
  )
}

/** The most that it grants on any repository. */
export function mostOf(granted: AnonymousRights): 'push' | 'pull' | undefined {
  if (granted === 'everything') return 'push'
  const all = new Set(granted.flatMap(([, some]) => some))
  if (all.has('create') || all.has('update') || all.has('delete')) return 'push'
  return all.has('read') ? 'pull' : undefined
}

/**
 * Whether `now` may grant a right on some repository that `before` does not. Answers true where the patterns do not prove
 * that it does not: that costs a question, and the other mistake an open registry.
 */
export function isWider(before: AnonymousRights, now: AnonymousRights): boolean {
  if (before === 'everything') return false
  if (now === 'everything') return true
  return now.some(([pattern, granted], at) => {
    if (granted.length === 0) return false
    const has = (some: readonly Right[]): boolean => granted.every(right => some.includes(right))
    const known = before.findIndex(([text]) => text === pattern)
    const own = before[known]?.[1] ?? before.find(([text]) => text === '**')?.[1]
    if (own === undefined || !has(own)) return true
    // Another pattern that counted for some of these repositories has to grant the same, or count there still.
    return before.some(([text, some], index) => {
      if (text === pattern || has(some)) return false
      if (known < 0) return true
      const isEqual = text.length === pattern.length
      if (text.length < pattern.length || (isEqual && index > known)) return false
      const still = now.findIndex(([other]) => other === text)
      return still < 0 || (isEqual && still > at)
    })
  })
}

/** Its rights in words: "pull, push in team/**". */
export function rightsText(granted: AnonymousRights): string[] {
  const verbs: Record<Right, string> = { read: 'pull', create: 'push', update: 'overwrite', delete: 'delete' }
  if (granted === 'everything') return [`${Object.values(verbs).join(', ')} in every repository`]
  return granted
    .filter(([, some]) => some.length > 0)
    .map(([pattern, some]) => `${some.map(right => verbs[right]).join(', ')} in ${pattern}`)
}

/** ADDRESS:PORT in one form for all that mean the same; undefined for what is none. An IPv6 address is in brackets. */
export function parseOpenAddress(text: string): string | undefined {
  const [, address, port] = /^(.*):(\d{1,5})$/.exec(text.trim()) ?? []
  const listen = address === undefined ? undefined : readListenAddress(address)?.listen
  if (listen === undefined || Number(port) > 65_535) return undefined
  const bare = withoutBrackets(listen === '' ? '::' : listen)
  return `${bare.includes(':') ? `[${bare}]` : bare}:${Number(port)}`
}

/** Where others reach a registry that asks nobody who they are; undefined where it is none. */
export function openAddress(config: Config): string | undefined {
  const { address, port } = config.http
  return isLoopback(address) || signsIn(config) ? undefined : parseOpenAddress(`${address}:${port}`)
}
