import { createPublicKey, type KeyObject } from 'node:crypto'

/** What stands before the 32 bytes of a key in its DER form (RFC 8410, 4). */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')

/** An Ed25519 public key from PEM, or from base64 of its 32 bytes or of its DER; undefined for anything else. */
export function ed25519Key(text: string): KeyObject | undefined {
  const trimmed = text.trim()
  try {
    const key = trimmed.startsWith('-----BEGIN PUBLIC KEY-----')
      ? createPublicKey(trimmed.replaceAll('\\n', '\n'))
      : fromBytes(Buffer.from(trimmed, 'base64'))
    return key?.asymmetricKeyType === 'ed25519' ? key : undefined
  } catch {
    return undefined
  }
}

function fromBytes(bytes: Buffer): KeyObject | undefined {
  const der = bytes.length === 32 ? Buffer.concat([spkiHead, bytes]) : bytes
  return der.length === 44 ? createPublicKey({ key: der, format: 'der', type: 'spki' }) : undefined
}
