import { createHash } from 'node:crypto'

export type Algorithm = 'sha256' | 'sha512'

/** A digest in the form `algorithm:hex`, checked. */
export interface Digest {
  readonly algorithm: Algorithm
  /** Lower-case, 64 or 128 characters. */
  readonly hex: string
  readonly text: string
}

const sha256 = /^sha256:[a-f0-9]{64}$/
const sha512 = /^sha512:[a-f0-9]{128}$/

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests */
export function parseDigest(text: string): Digest | undefined {
  if (sha256.test(text)) return { algorithm: 'sha256', hex: text.slice(7), text }
  if (sha512.test(text)) return { algorithm: 'sha512', hex: text.slice(7), text }
  return undefined
}

export const isDigest = (text: string): boolean => sha256.test(text) || sha512.test(text)

export function digestOf(algorithm: Algorithm, hex: string): Digest {
  return { algorithm, hex, text: `${algorithm}:${hex}` }
}

export function digestBytes(algorithm: Algorithm, bytes: Uint8Array): Digest {
  return digestOf(algorithm, createHash(algorithm).update(bytes).digest('hex'))
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const pattern = new RegExp(`^${component}(?:/${component})*$`)
/** Longest name served: zot stored longer ones than clients accept. */
export const maxNameLength = 1024
/** Longest name clients accept, host excluded. */
const maxNewNameLength = 255

/**
 * Whether `text` is a repository name that may be served.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export function isRepositoryName(text: string): boolean {
  if (text.length > maxNewNameLength && !(text.length <= maxNameLength && fitsOnDisk(text))) return false
  return pattern.test(text) && !clashesWithLayout(text)
}

/** No file system takes a longer part of a path. */
const fitsOnDisk = (name: string): boolean => name.split('/').every(part => part.length <= 255)

/** Whether content may be pushed under this name. */
export const isNewRepositoryName = (text: string): boolean =>
  text.length <= maxNewNameLength && isRepositoryName(text)

/** Whether one path component may be part of a repository name. */
const componentPattern = new RegExp(`^${component}$`)
export const isNameComponent = (text: string): boolean => componentPattern.test(text)

/**
 * Repositories nest ("a" and "a/b" may both exist), so a name must not reach into the files that the
 * image layout keeps in the repository above it: index.json, oci-layout, blobs/<algorithm>.
 */
function clashesWithLayout(name: string): boolean {
  if (!/\/(?:blobs\/sha|index\.json|oci-layout)/.test(name)) return false
  const parts = name.split('/')
  return parts.some(
    (part, at) =>
      at > 0 &&
      (part === 'index.json' ||
        part === 'oci-layout' ||
        (part === 'blobs' && isAlgorithmFolder(parts[at + 1]))),
  )
}

/** Names of the folders below blobs/. */
export const isAlgorithmFolder = (text: string | undefined): boolean => text === 'sha256' || text === 'sha512'

/** What follows /manifests/: a tag or a digest. */
export type Reference = { kind: 'tag'; tag: string } | { kind: 'digest'; digest: Digest }

const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/**
 * Whether a tag of this name may be made. zot takes others too, and those that an index.json has are served.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export const isTag = (text: string): boolean => tagPattern.test(text)

/** The reference, or the code of what is wrong: whatever has a colon was meant as a digest. */
export function parseReference(text: string): Reference | 'TAG_INVALID' | 'DIGEST_INVALID' {
  if (isTag(text)) return { kind: 'tag', tag: text }
  const digest = parseDigest(text)
  if (digest) return { kind: 'digest', digest }
  return text.includes(':') ? 'DIGEST_INVALID' : 'TAG_INVALID'
}
