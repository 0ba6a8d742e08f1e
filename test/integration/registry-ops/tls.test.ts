import { copyFileSync, renameSync } from 'node:fs'
import { get } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import { connect, type PeerCertificate, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type MadeCertificate, makeCertificate } from '../../fakes/certificates.ts'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'
import { tools } from '../../setup/tools.mjs'
import {
  type Registry,
  run,
  startRegistry,
  temporaryFolder,
  writeConfig,
} from '../registry/registry-process.ts'

const folder = temporaryFolder()
const files = { cert: join(folder.path, 'cert.pem'), key: join(folder.path, 'key.pem') }
let first: MadeCertificate
let second: MadeCertificate
let registry: Registry

const tlsConfig = (tls: object) => ({ http: { address: '127.0.0.1', port: '0', tls } })

beforeAll(async () => {
  if (!tools.openssl.there()) return
  first = makeCertificate(folder.path, 'first')
  second = makeCertificate(folder.path, 'second')
  copyFileSync(first.cert, files.cert)
  copyFileSync(first.key, files.key)
  registry = await startRegistry(join(folder.path, 'root'), tlsConfig(files))
})
afterAll(async () => {
  if (tools.openssl.there()) expect((await registry.stop()).code).toBe(0)
  folder.dispose()
})

const status = (ca: Buffer): Promise<number> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: registry.port, path: '/readyz', ca, agent: false }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).on('error', reject)
  })

/** Who answers, whether or not one would trust it. */
const peer = (options: { maxVersion?: SecureVersion; minVersion?: SecureVersion } = {}) =>
  new Promise<PeerCertificate>((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port: registry.port, rejectUnauthorized: false, ...options },
      () => {
        resolve(socket.getPeerCertificate())
        socket.end()
      },
    )
    socket.on('error', reject)
  })

describeWith(['openssl'], 'TLS', () => {
  it('serves with the certificate of the config', async () => {
    expect(await status(first.pem)).toBe(200)
    await expect(status(second.pem)).rejects.toThrow(/self.signed|unable to verify/i)
  })

  it('speaks nothing older than 1.2, and no plain HTTP', async () => {
    await expect(peer({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow()
    expect(await peer({ maxVersion: 'TLSv1.2' })).toMatchObject({ subject: { CN: 'first' } })
    const socket = connectPlain(registry.port, '127.0.0.1')
    const heard: Buffer[] = []
    socket.on('data', bytes => heard.push(Buffer.from(bytes))).on('error', () => {})
    socket.write('GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise(resolve => socket.on('close', resolve))
    expect(Buffer.concat(heard).toString()).not.toContain('200 OK')
  })

  it('takes a renewed certificate: replaced, then written in place; a half renewal changes nothing', async () => {
    copyFileSync(second.key, `${files.key}.new`)
    renameSync(`${files.key}.new`, files.key)
    await eventually(() =>
      registry.log().some(line => String(line['message']).startsWith('failed to reload the')),
    )
    expect(await status(first.pem)).toBe(200)
    copyFileSync(second.cert, `${files.cert}.new`)
    renameSync(`${files.cert}.new`, files.cert)
    await eventually(async () => (await peer()).subject.CN === 'second')
    expect(await status(second.pem)).toBe(200)
    copyFileSync(first.cert, files.cert)
    copyFileSync(first.key, files.key)
    await eventually(async () => (await peer()).subject.CN === 'first')
  })

  it('ends silent connections when it is asked to stop', async () => {
    const began = Date.now()
    const other = await startRegistry(
      join(folder.path, 'root-2'),
      tlsConfig({ cert: first.cert, key: first.key }),
    )
    const startMs = Date.now() - began
    const plain = connectPlain(other.port, '127.0.0.1')
    plain.on('error', () => {})
    const secure = connect({ host: '127.0.0.1', port: other.port, ca: first.pem })
    secure.on('error', () => {})
    await new Promise(resolve => secure.on('secureConnect', resolve))
    const startedAt = Date.now()
    expect((await other.stop()).code).toBe(0)
    expect(Date.now() - startedAt).toBeLessThan(2000 + startMs)
    plain.destroy()
    secure.destroy()
  })

  it.each([
    ['no file', { cert: '/nope', key: '/nope' }, 'it does not exist'],
    ['the key of another', () => ({ cert: first.cert, key: second.key }), 'does not belong'],
    ['no certificate', () => ({ cert: first.key, key: first.key }), 'not a certificate'],
    [
      'client certificates',
      () => ({ cert: first.cert, key: first.key, cacert: first.cert }),
      'needs the zot engine',
    ],
  ])('refuses to start with %s, and verify says the same', async (_name, tls, words) => {
    const file = writeConfig(join(folder.path, 'refused'), tlsConfig(typeof tls === 'function' ? tls() : tls))
    for (const verb of ['serve', 'verify']) {
      const { code, stderr } = await run(verb, file)
      expect(code).toBe(1)
      expect(stderr).toContain(words)
    }
  })
})
