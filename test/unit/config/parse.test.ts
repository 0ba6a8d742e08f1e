import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../../registry/config/config.ts'
import { parseConfig } from '../../../registry/config/config.ts'
import type { ConfigProblem } from '../../../registry/config/problem.ts'

const minimal = { storage: { rootDirectory: '/data' } }

function read(value: unknown): Config {
  const parsed = parseConfig(typeof value === 'string' ? value : JSON.stringify(value))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.config
}

function problemsOf(value: unknown): ConfigProblem[] {
  const parsed = parseConfig(typeof value === 'string' ? value : JSON.stringify(value))
  return parsed.ok ? [] : parsed.problems
}

describe('defaults', () => {
  test('a minimal file gets the documented ones', () => {
    const config = read(minimal)
    expect(config.storage).toMatchObject({
      dedupe: true,
      gc: true,
      gcDelay: 3_600_000,
      gcInterval: 3_600_000,
    })
    expect(config.storage.retention.delay).toBe(3_600_000)
    expect(config.http).toMatchObject({
      address: '127.0.0.1',
      port: 8080,
      auth: undefined,
      accessControl: undefined,
    })
    expect(config.log.level).toBe('debug')
    expect(config.extensions).toBeUndefined()
  })

  test('the retention delay follows gcDelay', () => {
    expect(read({ storage: { rootDirectory: '/data', gcDelay: '2h' } }).storage.retention.delay).toBe(
      7_200_000,
    )
  })

  test('an extension whose block says something is enabled', () => {
    const { extensions } = read({
      ...minimal,
      extensions: {
        search: { enable: null, cve: { updateInterval: '2h' } },
        metrics: { prometheus: { path: '/metrics' } },
        scrub: { interval: '24h' },
        sync: { registries: [] },
        lint: { mandatoryAnnotations: [] },
      },
    })
    expect(extensions?.search?.enable).toBe(true)
    expect(extensions?.metrics).toEqual({ enable: true, prometheus: { path: '/metrics' } })
    expect(extensions?.scrub?.interval).toBe(24 * 3_600_000)
    expect(extensions?.sync?.enable).toBe(true)
    expect(extensions?.lint?.enable).toBe(false)
  })

  // Each line was asked of zot v2.1.13, v2.1.15 and its main branch: does /metrics answer?
  test.each<[Record<string, unknown>, boolean | undefined]>([
    [{ metrics: {} }, true],
    [{ metrics: null }, true],
    [{ metrics: { prometheus: {} } }, true],
    [{ metrics: { enable: null }, scrub: {} }, true],
    [{ metrics: {}, sync: {} }, true],
    [{ metrics: {}, mgmt: {} }, true],
    [{ metrics: {}, scrub: { enable: true } }, undefined],
    [{ metrics: { prometheus: {} }, lint: { enable: true } }, undefined],
    [{ metrics: null, scrub: { enable: true } }, undefined],
    [{ metrics: {}, sync: { registries: [] } }, undefined],
    [{ scrub: {} }, undefined],
  ])('empty blocks in %j', (extensions, enabled) => {
    for (const engine of ['zotbar-registry', 'zot'] as const) {
      const parsed = parseConfig(JSON.stringify({ ...minimal, extensions }), { engine })
      expect(parsed.ok && parsed.config.extensions?.metrics?.enable).toBe(enabled)
      const ignored = parsed.warnings.filter(({ keyPath }) => keyPath === 'extensions.metrics')
      expect(ignored).toHaveLength(enabled || extensions['metrics'] == null ? 0 : 1)
    }
  })

  test('openid switches API keys on', () => {
    const http = {
      auth: {
        openid: { providers: { oidc: { issuer: 'https://id.example', clientid: 'z', scopes: ['openid'] } } },
      },
    }
    expect(read({ ...minimal, http }).http.auth?.apikey).toBe(true)
  })

  test('null is the same as absent', () => {
    const config = read({ ...minimal, http: null, log: { output: null } })
    expect(config.http.port).toBe(8080)
    expect(config.log.output).toBeUndefined()
  })
})

describe('values', () => {
  test.each([
    ['5050', 5050],
    [5050, 5050],
    ['0', 0],
    ['', 0],
    [65535, 65535],
  ])('port %j is %i', (port, expected) => {
    expect(read({ ...minimal, http: { port } }).http.port).toBe(expected)
  })

  test.each([
    [65536, 'out-of-range'],
    ['70000', 'out-of-range'],
    [-1, 'out-of-range'],
    [50.5, 'not-allowed'],
    ['http', 'not-allowed'],
    ['5050 ', 'not-allowed'],
    [[], 'wrong-type'],
    [['5050'], 'wrong-type'],
  ])('port %j is refused', (port, code) => {
    expect(problemsOf({ ...minimal, http: { port } })).toMatchObject([{ code, keyPath: 'http.port' }])
  })

  test('keys are matched whatever their case, map keys come out in lower case, values keep theirs', () => {
    const config = read({
      STORAGE: { RootDirectory: '/Data', SubPaths: { '/A': { rootdirectory: '/Other' } } },
      Http: {
        accesscontrol: {
          Repositories: { 'Team/**': { policies: [{ groups: ['Devs'], actions: ['read'] }] } },
          groups: { Devs: { users: ['Ann'] } },
        },
      },
    })
    expect(config.storage.rootDirectory).toBe('/Data')
    expect(config.storage.subPaths['/a']).toMatchObject({ rootDirectory: '/Other', gc: false })
    expect(config.http.accessControl?.repositories['team/**']?.policies).toEqual([
      { users: [], groups: ['Devs'], actions: ['read'], conditions: undefined },
    ])
    expect(config.http.accessControl?.groups['devs']?.users).toEqual(['Ann'])
  })

  test('the usual pull-through form', () => {
    const registry = {
      urls: ['https://index.docker.io'],
      onDemand: true,
      content: [{ prefix: '**', destination: '/docker.io' }],
    }
    const sync = read({ ...minimal, extensions: { sync: { registries: [registry] } } }).extensions?.sync
    expect(sync?.registries[0]).toMatchObject({ ...registry, tlsVerify: true, syncTimeout: 3 * 3_600_000 })
  })

  test('drivers are kept as they are, with keys in lower case', () => {
    const storageDriver = { name: 's3', RegionEndpoint: 'x', secure: true, nested: [{ A: 1 }] }
    expect(read({ storage: { rootDirectory: '/d', storageDriver } }).storage.storageDriver).toEqual({
      name: 's3',
      regionendpoint: 'x',
      secure: true,
      nested: [{ a: 1 }],
    })
  })

  test('the result is plain data', () => {
    const config = read(minimal)
    expect(structuredClone(config)).toEqual(config)
  })
})

describe('problems', () => {
  test.each([
    ['{"storage":{"rootDirectory":"/x"},}', 1, 35, /comma before the closing '}'/],
    ['{\n "storage": {\n  "rootDirectory": "/x" "gc": true }}', 3, 25, /comma or colon is missing/],
    ['// zot\n{}', 1, 1, /comments/],
    ['{\n  "a": 1', 2, 9, /ends in the middle/],
    ['-', 1, 2, /ends in the middle/],
    ["{'a':1}", 1, 2, /unexpected '''/],
    ['{"a":"x\ty"}', 1, 8, /control character/],
    ['\ufeff{}', 1, 1, /byte order mark/],
    ['{"a":1}\r\nx', 2, 1, /unexpected 'x'/],
    ['['.repeat(100_000), 1, 101, /nested/],
  ])('syntax error in %j', (text, line, column, message) => {
    expect(problemsOf(text)).toMatchObject([
      { code: 'syntax', line, column, message: expect.stringMatching(message) },
    ])
  })

  test.each(['', ' \n\t'])('an empty file (%j)', text => {
    expect(problemsOf(text)).toMatchObject([{ code: 'empty' }])
  })

  test.each(['[]', '"x"', 'null', '1'])('not an object: %s', text => {
    expect(problemsOf(text)).toMatchObject([{ code: 'wrong-type' }])
  })

  test('a missing data folder', () => {
    expect(problemsOf('{}')).toMatchObject([{ code: 'missing', keyPath: 'storage.rootDirectory' }])
    expect(problemsOf('{\n "storage": {"rootDirectory": ""}}')).toMatchObject([
      { code: 'missing', keyPath: 'storage.rootDirectory', line: 2, column: 14 },
    ])
  })

  test('an unknown key: its path, its place, and what it may have meant', () => {
    expect(problemsOf('{\n "storage": {\n  "rootDirectory": "/x",\n  "dedup": true\n }\n}')).toEqual([
      {
        code: 'unknown-key',
        message: 'unknown key; did you mean "dedupe"?',
        keyPath: 'storage.dedup',
        line: 4,
        column: 3,
      },
    ])
    const [far] = problemsOf({ ...minimal, http: { zebra: 1 } })
    expect(far).toMatchObject({
      code: 'unknown-key',
      keyPath: 'http.zebra',
      allowed: expect.stringContaining('port'),
    })
  })

  test('keys that differ in case only', () => {
    expect(problemsOf('{"storage":{"rootDirectory":"/x"},\n"http":{},"HTTP":{}}')).toMatchObject([
      { code: 'duplicate-key', keyPath: 'HTTP', line: 2, column: 11 },
    ])
    const repositories = { 'a/**': {}, 'A/**': {} }
    expect(problemsOf({ ...minimal, http: { accessControl: { repositories } } })).toMatchObject([
      { code: 'duplicate-key', keyPath: 'http.accessControl.repositories["A/**"]' },
    ])
  })

  test('every problem is told at once, in the order of the file', () => {
    const paths = problemsOf(
      '{"log":{"level":"loud"},"storage":{"gc":"yes","gcDelay":"5"},"http":{"address":[],"tls":{"cert":"c"}}}',
    ).map(problem => problem.keyPath)
    expect(paths).toEqual([
      'log.level',
      'storage.rootDirectory',
      'storage.gc',
      'storage.gcDelay',
      'http.address',
      'http.tls',
    ])
  })

  test('a secret is never repeated', () => {
    const http = { auth: { openid: { providers: { oidc: { clientsecret: ['hunter2'] } } } } }
    const problems = problemsOf({ ...minimal, http })
    expect(problems).toMatchObject([
      { code: 'wrong-type', keyPath: 'http.auth.openid.providers.oidc.clientsecret' },
    ])
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  })

  test.each([
    [
      { storage: { rootDirectory: '/x', subPaths: { '/a': { rootDirectory: '/x/y/' } } } },
      'storage.subPaths',
    ],
    [{ storage: { rootDirectory: '/x', subPaths: { '/a': { rootDirectory: '/x' } } } }, 'storage.subPaths'],
    [{ ...minimal, extensions: { ui: {} } }, 'extensions.ui'],
    [
      { ...minimal, extensions: { sync: { registries: [{ pollInterval: '1h' }] } } },
      'extensions.sync.registries[0].pollInterval',
    ],
    [
      { ...minimal, extensions: { sync: { registries: [{ maxRetries: 3 }] } } },
      'extensions.sync.registries[0].maxRetries',
    ],
    [
      { ...minimal, extensions: { sync: { registries: [{ preserveDigest: true }] } } },
      'extensions.sync.registries[0].preserveDigest',
    ],
  ])('keys that contradict each other: %j', (value, keyPath) => {
    expect(problemsOf(value)).toMatchObject([{ code: 'conflict', keyPath, line: 1 }])
  })

  test.each(['metrics', '/', '/v2', '/a/../b', '/a/', '/login', '/readyz', '/zot/auth/apikey'])(
    'metrics path %s',
    path => {
      const extensions = { metrics: { prometheus: { path } } }
      expect(problemsOf({ ...minimal, extensions })).toMatchObject([{ code: 'not-allowed' }])
    },
  )

  test.each([
    ['http.realm', { realm: 'x\r\nSet-Cookie: a=b' }],
    ['http.realm', { realm: 'Регистр' }],
    ['http.address', { address: 'not an address' }],
    ['http.address', { address: 'http://127.0.0.1' }],
    ['http.address', { address: '127.0.0.1/8' }],
    ['http.address', { address: '127.0.0.1:5050' }],
    ['http.address', { address: ':::' }],
  ])('%s %j', (keyPath, http) => {
    expect(problemsOf({ ...minimal, http })).toMatchObject([
      { code: 'not-allowed', keyPath, line: 1, allowed: expect.any(String) },
    ])
  })

  test.each([
    '',
    '::1',
    '[::1]',
    '::',
    '[::]',
    '0.0.0.0',
    'localhost',
    'registry.example.org',
    'fe80::1%eth0',
  ])('address %j', address => {
    expect(problemsOf({ ...minimal, http: { address, auth: { apikey: true } } })).toEqual([])
  })

  test('neighbouring folders do not contradict', () => {
    const storage = { rootDirectory: '/x', subPaths: { '/a': { rootDirectory: '/x2' } } }
    expect(problemsOf({ storage })).toEqual([])
  })
})

describe('with zot as the engine', () => {
  const parse = (value: unknown) =>
    parseConfig(typeof value === 'string' ? value : JSON.stringify(value), { engine: 'zot' })

  test('what this parser does not know or understand is a warning and read as absent', () => {
    const parsed = parse(
      `{"storage":{"rootDirectory":"/x","gc":"perhaps","new":1},
        "http":{"port":5001,"tls":{"cert":"/c"},"zebra":{"a":1},
          "accessControl":{"repositories":{"**":{"policies":[{"users":["ci"],"when":"x"},7]}}}},
        "extensions":{"ui":{"enable":true},"metrics":{"prometheus":{"path":"/metrics/"}},"sync":{"registries":[{"content":[{"destination":"/up"}]}]}}}`,
    )
    expect(parsed).toMatchObject({
      ok: true,
      config: {
        storage: { gc: true },
        http: {
          port: 5001,
          tls: undefined,
          accessControl: { repositories: { '**': { policies: [{ users: ['ci'] }] } } },
        },
        extensions: { ui: { enable: true }, metrics: { prometheus: { path: '/metrics/' } } },
      },
    })
    expect(parsed.warnings.map(({ keyPath }) => keyPath)).toEqual([
      'storage.gc',
      'storage.new',
      'http.tls',
      'http.zebra',
      'http.accessControl.repositories["**"].policies[0].when',
      'http.accessControl.repositories["**"].policies[1]',
      'extensions.ui',
      'extensions.metrics.prometheus.path',
      'extensions.sync.registries[0].content[0].prefix',
    ])
  })

  test.each([
    ['storage.rootDirectory', { http: {} }],
    ['storage', { storage: 'x' }],
    ['http.port', { ...minimal, http: { port: 'x' } }],
    ['http.address', { ...minimal, http: { address: 'not an address' } }],
    [
      'storage.subPaths["/a"].rootDirectory',
      { storage: { rootDirectory: '/x', subPaths: { '/a': { gc: true } } } },
    ],
  ])('%s says where it answers or where its data lies: refused', (keyPath, value) => {
    const parsed = parse(value)
    expect(parsed.ok ? [] : parsed.problems).toContainEqual(expect.objectContaining({ keyPath }))
  })

  test('of a key that is there twice the last one counts; one in another case makes it chance', () => {
    const http = (keys: string) => parse(`{"storage":{"rootDirectory":"/x"},"http":{${keys}}}`)
    expect(http('"port":"1","port":"2"')).toMatchObject({
      ok: true,
      config: { http: { port: 2 } },
      warnings: [{ code: 'duplicate-key', keyPath: 'http.port' }],
    })
    expect(http('"port":"1","Port":"2"')).toMatchObject({
      ok: false,
      problems: [{ code: 'duplicate-key', keyPath: 'http.port' }],
    })
    expect(http('"realm":"a","Realm":"b"')).toMatchObject({
      ok: true,
      warnings: [{ code: 'duplicate-key', keyPath: 'http.Realm' }],
    })
  })
})

test('what keeps people out counts also where it is empty, and zot passes over it', () => {
  const empty = { ...minimal, http: { accessControl: {}, auth: { ldap: {}, openid: {} } } }
  const { accessControl, auth } = read(empty).http
  expect(accessControl).toMatchObject({ repositories: {} })
  expect(auth).toMatchObject({ ldap: expect.any(Object), apikey: false })
  expect(problemsOf({ ...minimal, http: { tls: {} } })).toMatchObject([{ keyPath: 'http.tls' }])
  expect(parseConfig(JSON.stringify(empty), { engine: 'zot' })).toMatchObject({
    ok: true,
    config: { http: { accessControl: undefined, auth: undefined } },
  })
})

test('an htpasswd without a path is none', () => {
  expect(read({ ...minimal, http: { auth: { htpasswd: { path: '' } } } }).http.auth?.htpasswd).toBeUndefined()
})

test('oddities only warn', () => {
  const parsed = parseConfig(
    '{"distSpecVersion":"1.0.0",\n"storage":{"rootDirectory":"/x"},\n"extensions":{"mgmt":{},"scrub":{"interval":"1h"}}}',
  )
  expect(parsed).toMatchObject({
    ok: true,
    config: { extensions: { scrub: { interval: 7_200_000 } } },
    warnings: [
      { keyPath: 'distSpecVersion', line: 1 },
      { keyPath: 'extensions.mgmt', line: 3, column: 15, code: 'ignored' },
      { keyPath: 'extensions.scrub.interval', line: 3 },
    ],
    positions: { 'storage.rootDirectory': { line: 2, column: 12 } },
  })
})

describe('any text', () => {
  test('never throws, and agrees with JSON.parse about syntax', () => {
    const noise = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.array(fc.constantFrom(...'{}[]:,"0-.e/\\ \n\tatu'), { maxLength: 30 }).map(all => all.join('')),
    )
    fc.assert(
      fc.property(noise, text => {
        const parsed = parseConfig(text)
        const isSyntax =
          !parsed.ok && parsed.problems.some(({ code }) => code === 'syntax' || code === 'empty')
        expect(isSyntax).toBe(!isJson(text))
        if (!parsed.ok) expect(parsed.problems.length).toBeGreaterThan(0)
      }),
      { numRuns: 2000 },
    )
  })

  test('any value under any known key', () => {
    const key = fc.constantFrom(
      'storage',
      'http',
      'extensions',
      'log',
      'sync',
      'auth',
      'rootDirectory',
      'registries',
      '__proto__',
    )
    const value = fc.letrec(tie => ({
      node: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.jsonValue(),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(key, tie('node'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).node
    fc.assert(
      fc.property(value, json => void parseConfig(JSON.stringify(json))),
      { numRuns: 300 },
    )
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
