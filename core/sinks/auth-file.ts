import { isObject } from '../../lib/json.ts'
import { base64 } from './outcome.ts'

/** What stands in an auth.json for one host; or why nothing can be made of it. */
export type AuthFile =
  | { kind: 'file'; all: Record<string, unknown>; indent: string }
  | { kind: 'bad'; why: string }

/** The form that docker and podman share: https://man.archlinux.org/man/containers-auth.json.5 */
export function parseAuthFile(text: string): AuthFile {
  if (text.trim() === '') return { kind: 'file', all: {}, indent: '\t' }
  let all: unknown
  try {
    all = JSON.parse(text)
  } catch {
    return { kind: 'bad', why: 'it is not JSON' }
  }
  if (!isObject(all)) return { kind: 'bad', why: 'it is not a JSON object' }
  if (all['auths'] !== undefined && !isObject(all['auths']))
    return { kind: 'bad', why: '"auths" is not an object' }
  return { kind: 'file', all, indent: /^[{[]\r?\n([ \t]+)/.exec(text.trimStart())?.[1] ?? '\t' }
}

/** The helper that is asked for this host instead of the file, if there is one. */
export function helperOf(all: Record<string, unknown>, host: string): string | undefined {
  const { credHelpers, credsStore } = all
  const own = isObject(credHelpers) ? credHelpers[host] : undefined
  return [own, credsStore].find(name => typeof name === 'string' && name !== '') as string | undefined
}

/** The entry of a host: "user:key" in base64, and no token that would be preferred to it. */
export const authOf = (user: string, key: string): string => base64(`${user}:${key}`)

/** What the file itself says about a host. */
export function entryOf(all: Record<string, unknown>, host: string): Record<string, unknown> | undefined {
  const auths = all['auths']
  const entry = isObject(auths) && Object.hasOwn(auths, host) ? auths[host] : undefined
  return isObject(entry) ? entry : undefined
}

/** The text of the file with the entry of one host replaced; everything else stays, in its order. */
export function withEntry(
  { all, indent }: { all: Record<string, unknown>; indent: string },
  host: string,
  auth: string,
): string {
  const before = isObject(all['auths']) ? all['auths'] : {}
  const auths = Object.fromEntries([
    ...Object.entries(before).filter(([name]) => name !== host),
    [host, { auth }],
  ])
  const kept = Object.entries(all)
  const next = Object.hasOwn(all, 'auths')
    ? kept.map(([name, value]) => [name, name === 'auths' ? auths : value] as const)
    : [...kept, ['auths', auths] as const]
  return `${JSON.stringify(Object.fromEntries(next), null, indent)}\n`
}
