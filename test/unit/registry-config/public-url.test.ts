import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { NetworkInterfaceInfo } from 'node:os'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCurrentTarget } from '../../../core/registry-config/current-target.ts'
import { registryRoot } from '../../../core/registry-config/public-url.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-public-url-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const card: NetworkInterfaceInfo = {
  address: '192.0.2.7',
  family: 'IPv4',
  netmask: '',
  mac: '',
  internal: false,
  cidr: null,
}

/** What people are given for an `http` section, on a machine that others reach at 192.0.2.7. */
async function given(http: object) {
  const file = join(folder, 'config.json')
  writeFileSync(
    file,
    JSON.stringify({
      storage: { rootDirectory: 'data' },
      http: { address: '127.0.0.1', port: '5050', ...http },
    }),
  )
  const current = await openCurrentTarget(file, 'zot', () => ({ eth0: [card] }))
  expect(current.target()).toBeDefined()
  return current.givenTo()
}
const urlOf = async (http: object) => (await given(http)).publicUrl
const htpasswd = { auth: { htpasswd: { path: '/h' } } }

describe('the address that people are given', () => {
  it.each([
    ['https://registry.example.org', 'https://registry.example.org'],
    ['http://[::1]:5050/', 'http://[::1]:5050'],
    ['registry.example.org:5050', 'registry.example.org:5050'],
    ['https://ci:secret@registry.example.org/images/', 'https://registry.example.org/images'],
  ])('for externalUrl %j: %j', async (externalUrl, url) => expect(await urlOf({ externalUrl })).toBe(url))

  it.each(['https://', 'http:///x', 'https:', '/registry', ' ', '?', 'https://ci@'])(
    'none for externalUrl %j, which names no host',
    async externalUrl => expect(await urlOf({ externalUrl })).toBeUndefined(),
  )

  it.each(['', '0.0.0.0', '[::]'])('for a wildcard, %j, the one of the machine', async address =>
    expect(await urlOf({ address })).toBe('http://192.0.2.7:5050'),
  )

  it('with the scheme that it serves, and externalUrl before all', async () => {
    const tls = { cert: '/c', key: '/k' }
    expect(await urlOf({ address: '0.0.0.0', tls })).toBe('https://192.0.2.7:5050')
    expect(await urlOf({ address: '0.0.0.0', externalUrl: 'https://r.example' })).toBe('https://r.example')
  })

  it.each(['127.0.0.1', 'localhost', '[::1]', '192.0.2.7', 'registry.lan'])(
    'none for %s: it is what it says',
    async address => expect(await urlOf({ address })).toBeUndefined(),
  )

  it.each([
    [{ address: '0.0.0.0', ...htpasswd }, true],
    [{ address: '192.0.2.7', ...htpasswd }, true],
    [{ externalUrl: 'http://registry.lan', ...htpasswd }, true],
    [{ address: '0.0.0.0', externalUrl: 'https://registry.example.org', ...htpasswd }, false],
    [{ externalUrl: 'http://[::1]:5050', ...htpasswd }, false],
    [{ externalUrl: 'http://localhost', ...htpasswd }, false],
    [{ address: '127.0.0.1', ...htpasswd }, false],
    [{ address: '0.0.0.0', tls: { cert: '/c', key: '/k' }, ...htpasswd }, false],
    [{ address: '0.0.0.0' }, false],
  ])('%j: passwords cross the network in clear: %s', async (http, inClear) =>
    expect((await given(http)).inClear).toBe(inClear),
  )
})

describe('whom it serves', () => {
  const anonymous = (...anonymousPolicy: string[]) => ({
    address: '0.0.0.0',
    accessControl: { repositories: { '**': { anonymousPolicy } } },
  })
  it.each([
    [{ address: '0.0.0.0' }, 'push'],
    [anonymous('read', 'create'), 'push'],
    [{ ...anonymous('read', 'create'), ...htpasswd }, 'push'],
    [anonymous('read'), 'pull'],
    [{ ...anonymous('read'), ...htpasswd }, undefined],
    [{ address: '0.0.0.0', ...htpasswd }, undefined],
    [{ ...anonymous('read', 'create'), address: '127.0.0.1' }, undefined],
  ])('%j: everyone may %s', async (http, open) => expect((await given(http)).open).toBe(open))
})

describe('where the public address is checked', () => {
  it.each([
    ['https://registry.example.org/images/', 'https://registry.example.org'],
    ['HTTP://ci:secret@Registry.example.org:5000', 'http://registry.example.org:5000'],
    ['registry.example.org', 'https://registry.example.org'],
  ])('%s: %s', (externalUrl, root) => expect(registryRoot(externalUrl)).toBe(root))
})
