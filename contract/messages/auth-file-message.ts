/** What is wrong with docker's config.json or podman's auth.json, so that nothing is written into it. */
export type AuthFileFault =
  | { code: 'not-json' }
  | { code: 'not-object' }
  | { code: 'wrong-type'; key: string; wanted: string }
  /** A key twice in one object, or one that programs written in Go read as another. */
  | { code: 'key-twice'; key: string }
  | { code: 'key-in-other-case'; key: string; read: string }

/** Half a sentence for "The key cannot be written to FILE: ...". */
export function authFileFaultMessage(fault: AuthFileFault): string {
  switch (fault.code) {
    case 'not-json':
      return 'it is not JSON, and was left as it is'
    case 'not-object':
      return 'it is not a JSON object, and was left as it is'
    case 'wrong-type':
      return `${JSON.stringify(fault.key)} is not ${fault.wanted}, and so docker and podman read nothing of the file; correct that entry`
    case 'key-twice':
      return `it has the key ${JSON.stringify(fault.key)} twice in one object, and one of them would be lost; take one out`
    case 'key-in-other-case':
      return `it has the key ${JSON.stringify(fault.key)}, which docker and podman read as "${fault.read}"; write it like that`
  }
}

/** An entry for a part of a registry, which goes before the one of the whole registry. */
export interface NarrowerEntry {
  /** "registry.example.org/team". */
  name: string
  /** Undefined: the entry names nobody, and images below it are asked for without a key. */
  user: string | undefined
}

const mostNamed = 3

/** Which longer entries win, and what to do; entries of the key's own user are not among them. */
export function narrowerEntriesMessage(entries: readonly NarrowerEntry[]): string {
  const named = entries
    .slice(0, mostNamed)
    .map(
      ({ name, user }) => `${name} (${user === undefined ? 'without a key' : `of ${JSON.stringify(user)}`})`,
    )
  const more = entries.length - named.length
  const list = more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ')
  const [subject, advice] =
    entries.length === 1
      ? ['a longer entry', 'remove it if this key is meant']
      : ['longer entries', 'remove those where this key is meant']
  return `For a part of the registry podman, skopeo and buildah take ${subject} of the file instead: ${list}; ${advice}`
}

/** What stands in place of the key, for "It holds ...". */
export const authFileContents = {
  nothing: (host: string): string => `nothing for ${host}`,
  emptyEntry: (host: string): string => `an entry without a key for ${host}`,
  token: 'a token of another sign-in',
  another: 'another key',
  anotherFor: (name: string): string => `another key for ${name}, which podman takes for what is below it`,
  byteOrderMark:
    'a byte order mark at its beginning, with which docker and podman read nothing of it; the next delivery takes it away',
  helper: (helper: string): string => `a helper, "${helper}", that is asked instead of the file`,
} as const

/** Half a sentence for "The key cannot be written to FILE: ...". */
export const authFileHelperMessage = (helper: string, host: string): string =>
  `the helper "${helper}" keeps the credential of ${host}, so an entry would not be read; ` +
  'take that line out, or sign in with a command: docker login --password-stdin'
