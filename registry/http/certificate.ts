import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import type { Logger } from '../log/logger.ts'
import { watchFiles } from '../reload/watch-files.ts'
import { errorText } from '../storage/root.ts'

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

/** `file` says which of the two is at fault. */
export type CertificateResult =
  | { ok: true; certificate: Certificate }
  | { ok: false; file: 'cert' | 'key'; message: string }

/** Older ones have known weaknesses, and every client knows this one. */
export const minTls = 'TLSv1.2'

/** Reads certificate and key; both have to be there, in PEM, and belong together. */
export function readCertificate({ cert, key }: CertificateFiles): CertificateResult {
  const certificate = read(cert)
  if (!certificate.ok) return { ok: false, file: 'cert', message: certificate.message }
  const secret = read(key)
  if (!secret.ok) return { ok: false, file: 'key', message: secret.message }
  let first: X509Certificate
  try {
    first = new X509Certificate(certificate.bytes)
  } catch {
    return { ok: false, file: 'cert', message: `${cert}: this is not a certificate in PEM` }
  }
  try {
    tls().createSecureContext({ cert: certificate.bytes, key: secret.bytes, minVersion: minTls })
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    const message = /mismatch/i.test(why)
      ? `${key}: this key does not belong to the certificate ${cert}`
      : `${key}: this is not a private key in PEM that needs no password`
    return { ok: false, file: 'key', message }
  }
  return {
    ok: true,
    certificate: {
      cert: certificate.bytes,
      key: secret.bytes,
      validFrom: Date.parse(first.validFrom),
      validTo: Date.parse(first.validTo),
    },
  }
}

function read(file: string): { ok: true; bytes: Buffer } | { ok: false; message: string } {
  try {
    return { ok: true, bytes: readFileSync(file) }
  } catch (error) {
    return { ok: false, message: `${file}: ${errorText(error)}` }
  }
}

/** Undefined: the certificate is valid at this moment. */
export function whyNotValid({ validFrom, validTo }: Certificate, now: number): string | undefined {
  if (now > validTo) return `the certificate expired on ${new Date(validTo).toISOString()}`
  if (now < validFrom) return `the certificate is not valid before ${new Date(validFrom).toISOString()}`
  return undefined
}

export type OpenCertificate = CertificateResult | { ok: true; certificate: undefined }

/** The certificate that http.tls names; undefined where there is no such block. */
export function openCertificate(config: Config, logger: Logger): OpenCertificate {
  const files = filesOf(config)
  if (!files) return { ok: true, certificate: undefined }
  const read = readCertificate(files)
  if (read.ok) warnOfDates(read.certificate, files, logger)
  return read
}

/**
 * Takes a renewed certificate as soon as it and its key belong together; until then the old one stays.
 * Answers how to stop.
 */
export function followCertificate(
  config: Config,
  logger: Logger,
  replace: (certificate: Certificate) => void,
): () => void {
  const files = filesOf(config)
  if (!files) return () => {}
  return watchFiles([files.cert, files.key], () => {
    const read = readCertificate(files)
    if (!read.ok) {
      logger.log('error', 'failed to reload the certificate, the old one stays', { error: read.message })
      return true
    }
    replace(read.certificate)
    warnOfDates(read.certificate, files, logger)
    const until = new Date(read.certificate.validTo).toISOString()
    logger.log('info', 'certificate reloaded', { cert: files.cert, until })
    return true
  })
}

function filesOf({ http: { tls } }: Config): CertificateFiles | undefined {
  return tls?.cert && tls.key ? { cert: tls.cert, key: tls.key } : undefined
}

function warnOfDates(certificate: Certificate, { cert }: CertificateFiles, logger: Logger): void {
  const why = whyNotValid(certificate, Date.now())
  if (why !== undefined) logger.log('warn', why, { cert })
}
