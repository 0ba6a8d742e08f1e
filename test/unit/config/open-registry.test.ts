import { describe, expect, it } from 'vitest'
import {
  type AnonymousRights,
  anonymousRights,
  isWider,
  mostOf,
  openAddress,
  parseOpenAddress,
} from '../../../registry/config/anonymous-rights.ts'
import { parseConfig } from '../../../registry/config/config.ts'
import {
  createConfigCheck,
  type OpenConsent,
  openVariable,
  readConsent,
} from '../../../registry/config/open-consent.ts'

function read(http: object) {
  const parsed = parseConfig(
    JSON.stringify({ storage: { rootDirectory: '/d' }, http: { address: '0.0.0.0', port: '5050', ...http } }),
  )
  if (!parsed.ok) throw new Error(JSON.stringify(parsed))
  return parsed
}
const rules = (policies: Record<string, string[]>) => ({
  accessControl: {
    repositories: Object.fromEntries(
      Object.entries(policies).map(([pattern, anonymousPolicy]) => [pattern, { anonymousPolicy }]),
    ),
  },
})
const rights = (policies: Record<string, string[]>): AnonymousRights =>
  anonymousRights(read(rules(policies)).config)
const htpasswd = { auth: { htpasswd: { path: '/h' } } }

describe('what everybody may do', () => {
  it.each([
    [{}, 'everything', 'push'],
    [htpasswd, [], undefined],
    [rules({ '**': ['read', 'create', 'update'] }), [['**', ['read', 'create', 'update']]], 'push'],
    [
      { ...htpasswd, ...rules({ '**': ['read'], 'team/**': [] }) },
      [
        ['**', ['read']],
        ['team/**', []],
      ],
      'pull',
    ],
    [{ accessControl: {} }, [], undefined],
    [rules({ '**': ['detectManifestCollision', 'fly'] }), [['**', []]], undefined],
  ])('%j', (http, granted, most) => {
    const found = anonymousRights(read(http).config)
    expect([found, mostOf(found)]).toEqual([granted, most])
  })
})

describe('whether everybody may do more than before', () => {
  const cases: [string, AnonymousRights, AnonymousRights, boolean][] = [
    ['nothing is more than everything', 'everything', rights({ '**': ['read'] }), false],
    ['everything is more than each rule', rights({ '**': ['read', 'create'] }), 'everything', true],
    ['the same', rights({ '**': ['read', 'create'] }), rights({ '**': ['create', 'read'] }), false],
    ['less', rights({ '**': ['read', 'create'] }), rights({ '**': ['read'] }), false],
    ['one right more', rights({ '**': ['read'] }), rights({ '**': ['read', 'create'] }), true],
    ['a new pattern with no more', rights({ '**': ['read'] }), rights({ '**': [], 'a/**': ['read'] }), false],
    [
      'a new pattern with more',
      rights({ '**': ['read'] }),
      rights({ '**': ['read'], 'a/**': ['create'] }),
      true,
    ],
    ['a new pattern beside others', rights({ 'b/**': ['read'] }), rights({ 'a/**': ['read'] }), true],
    ['an exception is gone', rights({ '**': ['read'], 'private/**': [] }), rights({ '**': ['read'] }), true],
    ['an exception is new', rights({ '**': ['read'] }), rights({ '**': ['read'], 'private/**': [] }), false],
    [
      'an exception stays beside a new pattern',
      rights({ '**': ['read'], 'private/**': [] }),
      rights({ '**': ['read'], 'private/**': [], 'private/x/**': ['read'] }),
      true,
    ],
    [
      'a shorter exception is gone, which did not count there',
      rights({ '*': [], 'team/**': ['read'] }),
      rights({ 'team/**': ['read'] }),
      false,
    ],
    [
      'of two patterns of one length the first counts',
      rights({ 'a/*': [], '*/b': ['read'] }),
      rights({ '*/b': ['read'], 'a/*': [] }),
      true,
    ],
    [
      'of two patterns of one length the second did not count',
      rights({ '*/b': ['read'], 'a/*': [] }),
      rights({ '*/b': ['read'] }),
      false,
    ],
  ]
  it.each(cases)('%s', (_, before, now, wider) => expect(isWider(before, now)).toBe(wider))
})

describe('where it is open', () => {
  it.each([
    ['0.0.0.0:5050', '0.0.0.0:5050'],
    [':5050', '[::]:5050'],
    ['[::]:5050', '[::]:5050'],
    [':::5050', '[::]:5050'],
    ['fd00::1:5050', '[fd00::1]:5050'],
    [' Registry.lan:80 ', 'registry.lan:80'],
    ['0.0.0.0', undefined],
    ['0.0.0.0:99999', undefined],
    ['http://0.0.0.0:5050', undefined],
    ['', undefined],
  ])('%j is %s', (text, address) => expect(parseOpenAddress(text)).toBe(address))

  it.each([
    [{}, '0.0.0.0:5050'],
    [{ address: '' }, '[::]:5050'],
    [{ address: '127.0.0.1' }, undefined],
    [htpasswd, undefined],
    [{ auth: { ldap: { address: 'x' } } }, undefined],
    [rules({ '**': ['read'] }), '0.0.0.0:5050'],
  ])('%j: %s', (http, address) => expect(openAddress(read(http).config)).toBe(address))
})

describe('an open registry', () => {
  const checked = (consent: OpenConsent | undefined, ...files: object[]) => {
    const check = createConfigCheck(consent)
    return files.map(http =>
      check(read(http))
        .map(({ keyPath }) => keyPath)
        .join(),
    )
  }
  const at = { address: '0.0.0.0:5050' }
  const pull = rules({ '**': ['read'] })
  const push = rules({ '**': ['read', 'create'] })

  it('is served only where somebody agreed, and at that address', () => {
    expect(checked(undefined, {})).toEqual(['http.address'])
    expect(checked({ address: '0.0.0.0:5051' }, {})).toEqual(['http.address'])
    expect(checked(at, {})).toEqual([''])
    expect(checked(undefined, htpasswd)).toEqual([''])
  })

  it('grants no more than was agreed to, or than at the start where that is not said', () => {
    expect(checked({ ...at, rights: rights({ '**': ['read'] }) }, push)).toEqual(['http.accessControl'])
    expect(checked({ ...at, rights: 'everything' }, pull, push, {})).toEqual(['', '', ''])
    expect(checked(at, pull, push, pull)).toEqual(['', 'http.accessControl', ''])
  })

  it('grants no more while it serves, whatever address and sign-in the file names meanwhile', () => {
    expect(checked(at, pull, { ...push, address: '127.0.0.1' }, { ...push, ...htpasswd })).toEqual([
      '',
      'http.accessControl',
      'http.accessControl',
    ])
  })

  it('is agreed to on the command line, or by the core in the environment', () => {
    const consent = { address: '0.0.0.0:5050', rights: [['**', ['read']]] }
    expect(readConsent(undefined, {})).toEqual({ ok: true, consent: undefined })
    expect(readConsent(undefined, { [openVariable]: JSON.stringify(consent) })).toEqual({ ok: true, consent })
    expect(readConsent(':5050', {})).toEqual({ ok: true, consent: { address: '[::]:5050' } })
    for (const text of ['{', '{}', '{"address":"0.0.0.0:5050"}', '{"address":1,"rights":"everything"}'])
      expect(readConsent(undefined, { [openVariable]: text }).ok).toBe(false)
    expect(readConsent('5050', {}).ok).toBe(false)
  })
})
