import { createHash, createHmac } from 'node:crypto'

/** One line of a known_hosts file (sshd(8)) that names a key. Host certificates (@cert-authority) are not used. */
export interface KnownHost {
  file: string
  /** Counts from 1. */
  line: number
  revoked: boolean
  /** As in the file: patterns with commas between, or one hashed name. */
  hosts: string
  type: string
  key: Buffer
}

/** What the known keys say about the key that a host shows. */
export type HostKeyVerdict =
  | { kind: 'known' }
  | { kind: 'unknown' }
  | { kind: 'changed'; known: KnownHost[] }
  | { kind: 'revoked'; by: KnownHost }

/** Lines that are not understood are passed over, as ssh does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split('\n').flatMap((raw, index) => {
    const fields = raw.trim().split(/\s+/)
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined
    const [hosts, type, key] = fields
    if (hosts === undefined || type === undefined || key === undefined || hosts.startsWith('#')) return []
    if (marker !== undefined && marker !== '@revoked') return []
    return [
      {
        file,
        line: index + 1,
        revoked: marker === '@revoked',
        hosts,
        type,
        key: Buffer.from(key, 'base64'),
      },
    ]
  })
}

/** `name` is that of `knownName`; `bare` the host alone, whose key also counts for another port, as with ssh. */
export function checkHostKey(
  entries: KnownHost[],
  name: string,
  hostname: string,
  key: Buffer,
): HostKeyVerdict {
  const exact = entries.filter(entry => entryCovers(entry, name))
  const both = [...exact, ...entries.filter(entry => entryCovers(entry, hostname))]
  const revoked = both.find(entry => entry.revoked && entry.key.equals(key))
  if (revoked) return { kind: 'revoked', by: revoked }
  const known = exact.filter(entry => !entry.revoked)
  if (known.some(entry => entry.key.equals(key))) return { kind: 'known' }
  if (known.length > 0) return { kind: 'changed', known }
  const isOtherKey = both.some(entry => !entry.revoked && entry.key.equals(key))
  return isOtherKey ? { kind: 'known' } : { kind: 'unknown' }
}

/** The types of the keys that are known for a host: those are asked for first, as a host has several. */
export function knownKeyTypes(entries: KnownHost[], name: string, hostname: string): string[] {
  const valid = entries.filter(entry => !entry.revoked)
  const exact = valid.filter(entry => entryCovers(entry, name))
  const entriesOfHost = exact.length > 0 ? exact : valid.filter(entry => entryCovers(entry, hostname))
  return [...new Set(entriesOfHost.map(entry => entry.type))]
}

/** As OpenSSH prints it: "ssh-ed25519 SHA256:…". */
export function fingerprint(key: Buffer): string {
  const hash = createHash('sha256').update(key).digest('base64').replace(/=+$/, '')
  return `${keyType(key)} SHA256:${hash}`
}

/** A public key begins with its type, after the type's length in four bytes (RFC 4253, 6.6). */
function keyType(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0)
  return length === 0 || length > 64 ? 'key' : key.subarray(4, 4 + length).toString('latin1')
}

function entryCovers({ hosts }: KnownHost, name: string): boolean {
  if (hosts.startsWith('|')) return matchesHashed(hosts, name)
  let isCovered = false
  for (const pattern of hosts.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!')
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name)) continue
    if (negated) return false
    isCovered = true
  }
  return isCovered
}

/** "|1|salt|hash": HMAC-SHA1 of the name. */
function matchesHashed(hosts: string, name: string): boolean {
  const [, version, salt, hash] = hosts.split('|')
  if (version !== '1' || salt === undefined || hash === undefined) return false
  const computed = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64')
  return computed === hash
}

/** `*` is any number of characters and `?` one, and nothing else is special. */
function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`).test(name)
}
