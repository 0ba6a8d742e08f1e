import { describe, expect, it } from 'vitest'
import { signInPlaceOf, withoutPages } from '../../../core/registry-config/sign-in-place.ts'
import { parseConfig } from '../../../registry/config/config.ts'

const oidc = {
  issuer: 'https://id.example/application/o/zot/',
  clientid: 'a',
  clientsecret: 'b',
  scopes: ['openid'],
}
const query = (name: string) => `/zot/auth/login?provider=${name}&callback_ui=%2Fuser%2Fapikey`
const ui = { search: { enable: true }, ui: { enable: true } }

function placeOf(http: object, extensions?: object, engine: 'zotbar-registry' | 'zot' = 'zotbar-registry') {
  const read = parseConfig(
    JSON.stringify({
      storage: { rootDirectory: '/d' },
      http: { address: '127.0.0.1', port: '5050', ...http },
      ...(extensions ? { extensions } : {}),
    }),
  )
  if (!read.ok) throw new Error(JSON.stringify(read))
  return signInPlaceOf(read.config, engine)
}

describe('where people sign in', () => {
  it('one provider: straight to it, and back to the page for keys', () => {
    expect(placeOf({ auth: { openid: { providers: { oidc } } } })).toEqual({
      url: `http://127.0.0.1:5050${query('oidc')}`,
      origin: 'http://127.0.0.1:5050',
      hasPage: true,
      issuers: ['https://id.example'],
    })
  })

  it('several providers, or passwords: the page of the registry asks', () => {
    const providers = { oidc, google: { ...oidc, issuer: 'https://accounts.google.com' } }
    expect(placeOf({ auth: { openid: { providers } } })).toMatchObject({
      url: 'http://127.0.0.1:5050/user/apikey',
      issuers: ['https://accounts.google.com', 'https://id.example'],
    })
    const htpasswd = { path: '/h' }
    expect(placeOf({ auth: { htpasswd, apikey: true } })).toMatchObject({
      url: 'http://127.0.0.1:5050/user/apikey',
      issuers: [],
    })
  })

  it('nowhere, where there are no keys, or nobody to be', () => {
    expect(placeOf({})).toBeUndefined()
    expect(placeOf({ auth: { apikey: true } })).toBeUndefined()
    expect(placeOf({ auth: { htpasswd: { path: '/h' } } })).toBeUndefined()
  })

  it('zot has the page with its user interface only, and with a build that has it', () => {
    const auth = { openid: { providers: { oidc } } }
    const built = (http: object) => {
      const place = placeOf(http, ui, 'zot')
      return place && withoutPages(place)
    }
    expect(built({ auth })).toMatchObject({ hasPage: false })
    expect(built({ auth: { htpasswd: { path: '/h' }, apikey: true } })).toBeUndefined()
    expect(placeOf({ auth }, undefined, 'zot')).toMatchObject({ hasPage: false })
    expect(placeOf({ auth }, ui, 'zot')).toMatchObject({ hasPage: true })
    expect(placeOf({ auth: { htpasswd: { path: '/h' }, apikey: true } }, undefined, 'zot')).toBeUndefined()
    expect(placeOf({ auth: { htpasswd: { path: '/h' }, apikey: true } }, ui, 'zot')).toMatchObject({
      hasPage: true,
    })
  })

  it.each([
    [{ externalUrl: 'https://registry.example/' }, 'https://registry.example'],
    [{ address: '0.0.0.0' }, 'http://127.0.0.1:5050'],
    [{ address: '::1' }, 'http://[::1]:5050'],
    [{ tls: { cert: '/c', key: '/k' } }, 'https://127.0.0.1:5050'],
  ])('%j is gone to as %s, which the provider sends people back to', (http, origin) => {
    const place = placeOf({ ...http, auth: { openid: { providers: { oidc } } } })
    expect(place).toMatchObject({ origin, url: `${origin}${query('oidc')}` })
  })
})
