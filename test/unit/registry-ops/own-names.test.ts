import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer, get } from 'node:https'
import type { Socket } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClients } from '../../../registry/http/client.ts'
import { createOwnNames } from '../../../registry/http/own-names.ts'
import { makeCertificate } from '../../fakes/certificates.ts'
import { describeWith } from '../../setup/need.ts'

interface Asked {
  peer?: string
  local?: string
  [header: string]: string | undefined
}

function requestOf({ peer = '127.0.0.1', local = '127.0.0.1', ...headers }: Asked): IncomingMessage {
  const socket = { remoteAddress: peer, localAddress: local } as Socket
  return { socket, headers } as unknown as IncomingMessage
}

const listener = 'http://127.0.0.1:5050'
const namesOf = (externalUrl?: string, trusted: string[] = []) =>
  createOwnNames({ externalUrl, listen: () => listener, clients: createClients(trusted) })
const external = 'https://reg.example.org:8443'

describe('the origin of an own page', () => {
  it.each<[string, string | undefined, string, Asked, boolean]>([
    ['of externalUrl', external, external, { host: '127.0.0.1:5050' }, true],
    ['of externalUrl, Host without port', external, external, { host: 'reg.example.org' }, true],
    ['of externalUrl, no Host', external, external, {}, true],
    ['of externalUrl from afar', external, external, { peer: '192.0.2.7', host: 'x.example' }, true],
    ['of externalUrl with a path', `${external}/images/`, external, { host: 'x' }, true],
    [
      'of externalUrl with its usual port',
      'https://reg.example.org:443',
      'https://reg.example.org',
      {},
      true,
    ],
    ['another port than externalUrl', external, 'https://reg.example.org', { host: '127.0.0.1:5050' }, false],
    ['another scheme than externalUrl', external, 'http://reg.example.org:8443', { host: 'x' }, false],
    ['somebody else', external, 'https://evil.example', { host: '127.0.0.1:5050' }, false],
    ['a name that begins alike', external, 'https://reg.example.org:8443.evil.example', { host: 'x' }, false],
    ['a user before the host', external, `https://reg.example.org:8443@evil.example`, { host: 'x' }, false],
    ['null', external, 'null', { host: 'null' }, false],
    ['nothing', external, '', { host: '' }, false],
    ['the same as Host', undefined, listener, { host: '127.0.0.1:5050' }, true],
    ['the same as Host over TLS elsewhere', undefined, 'https://r.example', { host: 'r.example' }, true],
    ['another than Host', undefined, 'http://evil.example', { host: '127.0.0.1:5050' }, false],
    [
      'what a trusted proxy was asked',
      undefined,
      'https://r.example',
      { 'x-forwarded-host': 'r.example' },
      true,
    ],
    [
      'what a stranger says it was asked',
      undefined,
      'https://evil.example',
      { peer: '192.0.2.7', 'x-forwarded-host': 'evil.example', host: '192.0.2.1:5050' },
      false,
    ],
  ])('%s', (_words, externalUrl, origin, asked, isOwn) => {
    expect(namesOf(externalUrl).isOwnOrigin(origin, requestOf(asked))).toBe(isOwn)
  })

  it('is nobody else, whatever the headers hold', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (origin, host, forwarded) => {
        const asked = requestOf({ peer: '192.0.2.7', host, 'x-forwarded-host': forwarded })
        expect(namesOf(external).isOwnOrigin(origin, asked)).toBe(false)
      }),
    )
  })
})

describe('the own origin of a request', () => {
  const machine = hostname().toLowerCase()
  it.each<[string, Asked, string | undefined]>([
    ['the listener', { host: '127.0.0.1:5050' }, listener],
    ['localhost', { host: 'LocalHost:5050' }, 'http://localhost:5050'],
    ['a port passed on to here', { host: 'localhost:6000' }, 'http://localhost:6000'],
    ['IPv6', { host: '[::1]:5050' }, 'http://[::1]:5050'],
    ['a private address', { peer: '10.0.0.7', host: '10.0.0.5:5050' }, 'http://10.0.0.5:5050'],
    [
      'the address it came to',
      { peer: '192.0.2.7', local: '::ffff:192.0.2.1', host: '192.0.2.1:5050' },
      'http://192.0.2.1:5050',
    ],
    ['the name of this computer', { host: `${machine}:5050` }, `http://${machine}:5050`],
    ['another public address', { host: '192.0.2.99:5050' }, undefined],
    ['a hostile name', { host: 'evil.example:5050' }, undefined],
    ['a name that begins alike', { host: 'localhost.evil.example:5050' }, undefined],
    ['no host', {}, undefined],
    ['what is no host', { host: 'a b"c' }, undefined],
    ['a user in it', { host: 'evil@127.0.0.1:5050' }, undefined],
    ['a path in it', { host: '127.0.0.1:5050/x' }, undefined],
    [
      'a trusted proxy',
      { host: '127.0.0.1:5050', 'x-forwarded-host': 'r.example:8443', 'x-forwarded-proto': 'https' },
      'https://r.example:8443',
    ],
    [
      'its usual port',
      { 'x-forwarded-host': 'r.example:443', 'x-forwarded-proto': 'https' },
      'https://r.example',
    ],
    [
      'a proxy that keeps Host',
      { host: 'r.example', 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https' },
      'https://r.example',
    ],
    ['a proxy that sends its upstream', { host: '127.0.0.1:5050', 'x-forwarded-proto': 'https' }, undefined],
    ['a proxy that sends a group', { host: 'registry', 'x-forwarded-proto': 'https' }, undefined],
    [
      'what a client wrote before the proxy',
      { 'x-forwarded-host': 'evil.example, r.example', 'x-forwarded-proto': 'http,https' },
      'https://r.example',
    ],
    [
      'a stranger who forwards',
      { peer: '192.0.2.7', host: 'evil.example', 'x-forwarded-host': 'evil.example' },
      undefined,
    ],
    ['Forwarded', { forwarded: 'for=192.0.2.7;host="r.example:8443";proto=https' }, 'https://r.example:8443'],
    [
      'Forwarded beside X-Forwarded-For',
      { host: '127.0.0.1:5050', 'x-forwarded-for': '192.0.2.7', forwarded: 'host=evil.example' },
      undefined,
    ],
  ])('%s', (_words, asked, origin) => {
    expect(namesOf().ownOrigin(requestOf(asked))).toBe(origin)
  })

  it('is that of externalUrl, whatever Host arrives', () => {
    fc.assert(
      fc.property(fc.string(), host => {
        expect(namesOf(`${external}/`).ownOrigin(requestOf({ host }))).toBe(external)
      }),
    )
  })

  it('comes from proxies that are named', () => {
    const asked = requestOf({ peer: '198.51.100.4', 'x-forwarded-host': 'r.example' })
    expect(namesOf(undefined, ['198.51.100.0/24']).ownOrigin(asked)).toBe('http://r.example')
    expect(namesOf().ownOrigin(asked)).toBeUndefined()
  })
})

describeWith(['openssl'], 'over TLS', () => {
  it('the names in the certificate are own ones, and no other', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zotbar-own-names-'))
    const more = 'DNS:r.example,DNS:*.w.example,IP:192.0.2.9'
    const { cert, key, pem } = makeCertificate(folder, 'names', 2, more)
    const names = namesOf()
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (req, res) => {
      res.end(String(names.ownOrigin(req)))
    }).listen(0, '127.0.0.1')
    try {
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : 0
      const originFor = (host: string) =>
        new Promise<string>((resolve, reject) => {
          const options = { host: '127.0.0.1', servername: 'localhost', port, ca: pem, agent: false }
          get({ ...options, headers: { Host: host } }, res => {
            res.setEncoding('utf8').on('data', resolve)
          }).on('error', reject)
        })
      const hosts = ['r.example:8443', 'a.w.example', '192.0.2.9', 'w.example', '192.0.2.8', 'evil.example']
      expect(await Promise.all(hosts.map(originFor))).toEqual([
        'https://r.example:8443',
        'https://a.w.example',
        'https://192.0.2.9',
        'undefined',
        'undefined',
        'undefined',
      ])
    } finally {
      server.close()
      rmSync(folder, { recursive: true })
    }
  })
})
