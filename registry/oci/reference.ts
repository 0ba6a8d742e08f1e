import { type Digest, parseDigest } from './digest.ts'

/** What follows /manifests/: a tag or a digest. */
export type Reference = { kind: 'tag'; tag: string } | { kind: 'digest'; digest: Digest }

const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
export const isTag = (text: string): boolean => tagPattern.test(text)

/** The reference, or the code of what is wrong: whatever has a colon was meant as a digest. */
export function parseReference(text: string): Reference | 'TAG_INVALID' | 'DIGEST_INVALID' {
  if (isTag(text)) return { kind: 'tag', tag: text }
  const digest = parseDigest(text)
  if (digest) return { kind: 'digest', digest }
  return text.includes(':') ? 'DIGEST_INVALID' : 'TAG_INVALID'
}
