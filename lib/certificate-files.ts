import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { reasonOf } from './error-code.ts'

/** Imported late where it is needed: most registries serve without. */
const tls = () => process.getBuiltinModule('node:tls')

export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** Everything a server needs; the files were read once and fit together. */
export interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
  /** Of the first certificate of the chain, ms since the epoch. */
  readonly validFrom: number
  readonly validTo: number
}

/** `file` says which of the two is at fault; `message` begins with its path, `reason` does not. */
export type CertificateResult =
  | { ok: true; certificate: Certificate }
  | { ok: false; file: 'cert' | 'key'; reason: string; message: string }

/** Older ones have known weaknesses, and every client knows this one. */
export const minTls = 'TLSv1.2'

/** Reads certificate and key; both have to be there, in PEM, and belong together. */
export function readCertificate(files: CertificateFiles): CertificateResult {
  const no = (file: 'cert' | 'key', reason: string): CertificateResult => ({
    ok: false,
    file,
    reason,
    message: `${files[file]}: ${reason}`,
  })
  const cert = read(files.cert)
  if (typeof cert === 'string') return no('cert', cert)
  const key = read(files.key)
  if (typeof key === 'string') return no('key', key)
  let first: X509Certificate
  try {
    first = new X509Certificate(cert)
  } catch {
    return no('cert', 'this is not a certificate in PEM')
  }
  try {
    tls().createSecureContext({ cert, key, minVersion: minTls })
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    return /mismatch/i.test(why)
      ? no('key', `this key does not belong to the certificate ${files.cert}`)
      : no('key', 'this is not a private key in PEM that needs no password')
  }
  return {
    ok: true,
    certificate: { cert, key, validFrom: Date.parse(first.validFrom), validTo: Date.parse(first.validTo) },
  }
}

/** The bytes of a file, or why it cannot be read. */
function read(file: string): Buffer | string {
  try {
    return readFileSync(file)
  } catch (error) {
    return reasonOf(error)
  }
}
