import {
  type Certificate,
  type CertificateFiles,
  type CertificateResult,
  readCertificate,
} from '../../lib/certificate-files.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../log/logger.ts'
import { watchFiles } from '../reload/watch-files.ts'

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
