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
