import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface MadeCertificate {
  cert: string
  key: string
  pem: Buffer
}

/** A certificate for 127.0.0.1, localhost and `more` ("DNS:a,IP:b"), signed by itself; files below `folder`. */
export function makeCertificate(folder: string, name: string, days = 2, more = ''): MadeCertificate {
  const cert = join(folder, `${name}.cert.pem`)
  const key = join(folder, `${name}.key.pem`)
  const names = ['IP:127.0.0.1', 'DNS:localhost', more].filter(Boolean).join(',')
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`]
  const files = ['-keyout', key, '-out', cert, '-days', String(days)]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', ...kind, ...files, ...subject], { stdio: 'ignore' })
  return { cert, key, pem: readFileSync(cert) }
}
