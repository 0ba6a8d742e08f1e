import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../../registry/config/config.ts'
import { createSignInRules, readProviders } from '../../../registry/signin/rules.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-signin-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

const honest = { issuer: 'https://id.example/app/', clientid: 'a', clientsecret: 'b', scopes: ['email'] }

function configOf(providers: object, http: object = {}) {
  const read = parseConfig(
    JSON.stringify({ storage: { rootDirectory: '/x' }, http: { auth: { openid: { providers } }, ...http } }),
  )
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.config
}
const read = (providers: object) => readProviders(configOf(providers))

describe('the providers of a config', () => {
  it('are read with their defaults', () => {
    const { issuer: _, ...rest } = honest
    const google = { ...rest, claimMapping: { username: 'sub', groups: 'roles' } }
    const found = read({ oidc: { ...honest, name: 'Authentik' }, google })
    expect(found).toMatchObject({
      ok: true,
      providers: [
        { key: 'oidc', title: 'Authentik', clientId: 'a', clientSecret: 'b', scopes: ['openid', 'email'] },
        { key: 'google', title: 'Google', usernameClaim: 'sub', groupsClaim: 'roles' },
      ],
    })
    expect(found.ok && found.providers.map(one => one.issuer.href)).toEqual([
      'https://id.example/app/',
      'https://accounts.google.com/',
    ])
  })

  it('may keep their credentials in a file', () => {
    const { clientid: _, clientsecret: __, ...rest } = honest
    const credentialsFile = join(folder, 'credentials.json')
    writeFileSync(credentialsFile, '{"clientid":"from","clientsecret":"file"}')
    expect(read({ oidc: { ...rest, credentialsFile } })).toMatchObject({
      providers: [{ clientId: 'from', clientSecret: 'file' }],
    })
    for (const text of [
      '',
      '[]',
      '{"clientsecret":"file"}',
      '{"clientid":"a","clientsecret":"b","more":1}',
    ]) {
      writeFileSync(credentialsFile, text)
      const refused = read({ oidc: { ...rest, credentialsFile } })
      expect(refused).toMatchObject({
        ok: false,
        problems: [{ keyPath: 'http.auth.openid.providers.oidc.credentialsFile' }],
      })
      expect(JSON.stringify(refused)).not.toContain('"b"')
    }
    expect(read({ oidc: { ...rest, credentialsFile: join(folder, 'none') } }).ok).toBe(false)
  })

  it.each([
    ['github', { github: honest }],
    ['oidc.keypath', { oidc: { ...honest, keypath: '/k' } }],
    ['oidc.issuer', { oidc: { ...honest, issuer: 'id.example' } }],
    ['oidc.issuer', { oidc: { ...honest, issuer: 'ftp://id.example' } }],
    ['oidc.clientid', { oidc: { ...honest, clientid: '' } }],
    ['oidc.scopes', { oidc: { ...honest, scopes: [] } }],
    ['oidc.authurl', { oidc: { ...honest, authurl: 'nowhere' } }],
  ])('are refused for %s', (keyPath, providers) => {
    expect(read(providers)).toMatchObject({
      ok: false,
      problems: [{ keyPath: `http.auth.openid.providers.${keyPath}` }],
    })
  })
})

describe('what the config says of cookies', () => {
  const isSecure = (http: object, isHttps: boolean): boolean => {
    const logger = { log: () => {} }
    const { cookies } = createSignInRules(configOf({}, http), [], { logger })
    return cookies(isHttps).noState('x').includes('; Secure')
  }
  it.each([
    [{}, false, false],
    [{ tls: { cert: 'c', key: 'k' } }, false, true],
    [{ externalUrl: 'https://registry.example' }, false, true],
    [{ externalUrl: 'HTTPS://registry.example' }, false, true],
    [{ externalUrl: 'http://registry.example' }, false, false],
    [{}, true, true],
    [{ auth: { secureSession: false } }, true, false],
    [{ auth: { secureSession: true } }, false, true],
  ])('%j, come by https %s: secure %s', (http, isHttps, expected) => {
    expect(isSecure(http, isHttps)).toBe(expected)
  })
})
