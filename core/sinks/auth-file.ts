import type { AuthFileFault, NarrowerEntry } from '../../contract/messages/auth-file-message.ts'
import { isObject } from '../../lib/json.ts'
import { base64 } from './sink-result.ts'

declare global {
  interface JSON {
    /** https://tc39.es/proposal-json-parse-with-source/ */
    rawJSON(text: string): object
    isRawJSON(value: unknown): boolean
  }
}

/**
 * docker's config.json or podman's auth.json, understood as its readers do:
 * https://man.archlinux.org/man/containers-auth.json.5, pkg/docker/config of containers/image, cli/config of
 * docker/cli.
 */
export interface AuthFile {
  /** Everything in it; numbers that JavaScript cannot hold stay as they are written. */
  readonly all: Readonly<Record<string, unknown>>
  readonly auths: Readonly<Record<string, unknown>>
  readonly indent: string
  /** It begins with a byte order mark, and so none of its readers can read it. */
  readonly hasMark: boolean
}

export type ReadAuthFile = { ok: true; file: AuthFile } | { ok: false; fault: AuthFileFault }

const bad = (fault: AuthFileFault): ReadAuthFile => ({ ok: false, fault })

export const emptyAuthFile: AuthFile = { all: {}, auths: {}, indent: '\t', hasMark: false }

/** The keys that matter, as readers know them in any case of their letters. */
const known = ['auths', 'credHelpers', 'credsStore'] as const

export function parseAuthFile(text: string): ReadAuthFile {
  const hasMark = text.startsWith('\uFEFF')
  const bare = hasMark ? text.slice(1) : text
  if (bare.trim() === '') return { ok: true, file: { ...emptyAuthFile, hasMark } }
  let all: unknown
  try {
    all = JSON.parse(bare, keptNumber)
  } catch {
    return bad({ code: 'not-json' })
  }
  // Go reads null as nothing, and docker writes it for no entries.
  if (all === null) return { ok: true, file: { ...emptyAuthFile, hasMark } }
  if (!isObject(all)) return bad({ code: 'not-object' })
  const fault = faultOf(all, bare)
  if (fault !== undefined) return bad(fault)
  const auths = isObject(all['auths']) ? all['auths'] : {}
  const indent = /^[{[]\r?\n([ \t]+)/.exec(bare.trimStart())?.[1] ?? '\t'
  return { ok: true, file: { all, auths, indent, hasMark } }
}

/** A number that would be written differently from how it was read. */
function keptNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && source !== undefined && String(value) !== source
    ? JSON.rawJSON(source)
    : value
}

/** What makes its readers refuse the whole file, or would be lost in writing it. */
function faultOf(all: Record<string, unknown>, text: string): AuthFileFault | undefined {
  for (const key of Object.keys(all)) {
    const read = known.find(one => one.toLowerCase() === key.toLowerCase())
    if (read !== undefined && read !== key) return { code: 'key-in-other-case', key, read }
  }
  const twice = repeatedKey(text)
  if (twice !== undefined) return { code: 'key-twice', key: twice }
  const { auths = null, credHelpers = null, credsStore = null } = all
  if (auths !== null && !isObject(auths)) return { code: 'wrong-type', key: 'auths', wanted: 'an object' }
  if (credsStore !== null && typeof credsStore !== 'string')
    return { code: 'wrong-type', key: 'credsStore', wanted: 'a text' }
  const helpers = credHelpers ?? {}
  if (!isObject(helpers)) return { code: 'wrong-type', key: 'credHelpers', wanted: 'an object' }
  const notText = (value: unknown): boolean => typeof (value ?? '') !== 'string'
  const helper = Object.entries(helpers).find(([, value]) => notText(value))
  if (helper !== undefined) return { code: 'wrong-type', key: helper[0], wanted: 'a text in "credHelpers"' }
  for (const [name, entry] of Object.entries(auths ?? {})) {
    if (entry === null) continue
    if (!isObject(entry) || JSON.isRawJSON(entry))
      return { code: 'wrong-type', key: name, wanted: 'an object' }
    for (const field of ['auth', 'identitytoken'])
      if (notText(entry[field])) return { code: 'wrong-type', key: `${name}: ${field}`, wanted: 'a text' }
  }
  return undefined
}

/** A key that stands twice in one object of a valid JSON text: JavaScript keeps the last one, Go joins objects. */
function repeatedKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  for (const [token, string, isKey] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (isKey !== undefined) {
      const key = String(JSON.parse(string ?? '""'))
      const keys = open.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    }
  }
  return undefined
}

/** The program that readers ask instead of the file, if there is one: of the host, else of all hosts. */
export function credentialHelperOf({ all }: AuthFile, host: string): string | undefined {
  const { credHelpers, credsStore } = all
  // One that is empty says to docker that this host is kept in the file.
  const helper = isObject(credHelpers) && Object.hasOwn(credHelpers, host) ? credHelpers[host] : credsStore
  return typeof helper === 'string' && helper !== '' ? helper : undefined
}

/** What is written for a user: "user:key" in base64, and no token that would be preferred to it. */
export const authOf = (user: string, key: string): string => base64(`${user}:${key}`)

/**
 * The entries that readers take for the registry itself: the one with its name, else those whose address has its host
 * (`https://HOST/v1/`, which docker once wrote).
 */
export function entriesOf({ auths }: AuthFile, host: string): unknown[] {
  if (Object.hasOwn(auths, host)) return [auths[host]]
  return Object.entries(auths)
    .filter(([name]) => /^https?:\/\//.test(name) && name.replace(/^https?:\/\//, '').split('/')[0] === host)
    .map(([, entry]) => entry)
}

/** The entries for parts of a registry: readers but docker take the longest one that an image's name begins with. */
export function narrowerEntries({ auths }: AuthFile, host: string): (NarrowerEntry & { entry: unknown })[] {
  return Object.entries(auths)
    .filter(([name]) => name.startsWith(`${host}/`) && !name.endsWith('/'))
    .map(([name, entry]) => ({ name, user: userOf(entry), entry }))
}

function userOf(entry: unknown): string | undefined {
  if (!isObject(entry) || typeof entry['auth'] !== 'string') return undefined
  const pair = Buffer.from(entry['auth'], 'base64').toString()
  return pair.includes(':') ? pair.slice(0, pair.indexOf(':')) : undefined
}

/**
 * The text of the file with the key of a user for a registry, in its narrower entries too; everything else stays, in
 * its order.
 */
export function withKey(file: AuthFile, host: string, { user, key }: { user: string; key: string }): string {
  const next = { auth: authOf(user, key) }
  const ofUser = narrowerEntries(file, host).filter(entry => entry.user === user)
  const updated = new Set(ofUser.map(({ name }) => name))
  const auths = Object.fromEntries([
    ...Object.entries(file.auths)
      .filter(([name]) => name !== host)
      .map(([name, entry]) => [name, updated.has(name) ? next : entry] as const),
    [host, next],
  ])
  const entries = Object.entries(file.all)
  const all = Object.hasOwn(file.all, 'auths')
    ? entries.map(([name, value]) => [name, name === 'auths' ? auths : value] as const)
    : [...entries, ['auths', auths] as const]
  return `${JSON.stringify(Object.fromEntries(all), null, file.indent)}\n`
}
