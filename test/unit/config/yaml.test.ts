import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../registry/config/config.ts'
import { formatOf } from '../../../registry/config/format.ts'

const parse = (text: string) => parseConfig(text, { format: 'yaml' })
const storage = 'storage:\n  rootDirectory: /x\n'

function read(text: string) {
  const parsed = parse(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed
}

function problemsOf(text: string) {
  const parsed = parse(text)
  return parsed.ok ? [] : parsed.problems
}

test('a YAML file says the same as its JSON', () => {
  const text = [
    '# ours',
    'distspecversion: 1.1.1',
    'storage:',
    '  rootdirectory: "/da\\tta"',
    '  gc: true',
    '  gcDelay: 2h',
    '  gcTimeWindow: 01:00-08:00',
    '  retention:',
    '    policies:',
    "    - repositories: ['**']",
    '      keepTags:',
    '      - patterns: [.*, v2.*]',
    'HTTP:',
    '  port: 5050',
    '  realm: >-',
    '    one',
    '    line',
    '  auth: {htpasswd: {path: /h}, failDelay: 5}',
    '  accessControl:',
    '    repositories:',
    '      "**": {anonymousPolicy: [read], policies: }',
    '      Team/**:',
    '        policies:',
    '        - users: ci',
    '          actions: [read, create]',
    'log: ~',
    '',
  ].join('\n')
  const json = {
    distSpecVersion: '1.1.1',
    storage: {
      rootDirectory: '/da\tta',
      gc: true,
      gcDelay: '2h',
      gcTimeWindow: '01:00-08:00',
      retention: { policies: [{ repositories: ['**'], keepTags: [{ patterns: ['.*', 'v2.*'] }] }] },
    },
    http: {
      port: '5050',
      realm: 'one line',
      auth: { htpasswd: { path: '/h' }, failDelay: 5 },
      accessControl: {
        repositories: {
          '**': { anonymousPolicy: ['read'] },
          'team/**': { policies: [{ users: ['ci'], actions: ['read', 'create'] }] },
        },
      },
    },
  }
  const { config, positions } = read(text)
  expect({ ok: true, config }).toMatchObject({ ok: true, config: read(JSON.stringify(json)).config })
  expect(parseConfig(JSON.stringify(json))).toMatchObject({ ok: true, config })
  expect(positions['http.port']).toEqual({ line: 14, column: 3 })
})

describe('scalars, as zot reads them', () => {
  test.each([
    ['5', '5'],
    ['0x1f', '31'],
    ['010', '8'],
    ['0o17', '15'],
    ['0b101', '5'],
    ['1_000', '1000'],
    ['+5', '5'],
    ['-0x10', '-16'],
    ['18446744073709551615', '18446744073709551615'],
    ['18446744073709551616', '18446744073709552000'],
    ['1.50', '1.5'],
    ['1e3', '1000'],
    ['.nan', 'NaN'],
    ['-.inf', '-Inf'],
    ['1:30', '1:30'],
    ['1.1.1', '1.1.1'],
    ['08', '8'],
    ['yes', 'yes'],
    ['True', '1'],
    ['"true"', 'true'],
    ['"2001-01-01"', '2001-01-01'],
    ['!!str 5', '5'],
    ['!!int "5"', '5'],
    ['!!float 5', '5'],
    ['!!binary aGVsbG8=', 'hello'],
    ['!mine 5', '5'],
    ['! 5', '5'],
    ['', undefined],
    ['~', undefined],
    ['NULL', undefined],
  ])('%s', (written, realm) => {
    expect(read(`${storage}http: {realm: ${written}}`).config.http.realm).toBe(realm)
  })

  test.each([
    ['2001-01-01', 'wrong-type', /a date without quotes/],
    ['!!int x', 'syntax', /!!int/],
    ['[x]', 'wrong-type', /a list/],
  ])('%s is refused', (written, code, message) => {
    expect(problemsOf(`${storage}http:\n  realm: ${written}`)).toMatchObject([
      { code, message: expect.stringMatching(message), line: 4 },
    ])
  })
})

test.each(['\n', '\r\n', '\r'])('line ends %j', end => {
  const { config, positions } = read(`${storage}log:\n  level: info`.replaceAll('\n', end))
  expect(config.log.level).toBe('info')
  expect(positions['log.level']).toEqual({ line: 4, column: 3 })
})

test('a bracket that is never closed is named, and not only the indentation after it', () => {
  const unclosed = (text: string) => problemsOf(text).map(({ line, message }) => [line, message])
  expect(unclosed('storage:\n  rootDirectory: [\nlog: {}\n')).toEqual([
    [3, expect.stringMatching(/^a \] is missing before this line/)],
  ])
  expect(unclosed('http:\n  auth: {failDelay: 5\nlog: {}\n')[0]?.[1]).toMatch(/^a } is missing/)
})

test('anchors, aliases and merge keys', () => {
  const { config, positions } = read(
    [
      storage.trimEnd(),
      'http:',
      '  accessControl:',
      '    repositories:',
      '      a: &read {anonymousPolicy: [read], defaultPolicy: &who [read]}',
      '      b: *read',
      '      c:',
      '        anonymousPolicy: [create]',
      '        <<: [*read, {anonymousPolicy: [], policies: {users: ci, actions: *who}}]',
    ].join('\n'),
  )
  const readOnly = { anonymousPolicy: ['read'], defaultPolicy: ['read'], policies: [] }
  expect(config.http.accessControl?.repositories).toEqual({
    a: readOnly,
    b: readOnly,
    c: {
      anonymousPolicy: ['create'],
      defaultPolicy: ['read'],
      policies: [{ users: ['ci'], groups: [], actions: ['read'], conditions: undefined }],
    },
  })
  expect(positions['http.accessControl.repositories.c.defaultPolicy']).toEqual({ line: 6, column: 42 })
})

describe('what is no YAML, or not for a config', () => {
  test.each([
    ['storage:\n\trootDirectory: /x', 2, 1, /a tab is not allowed/],
    ['storage: "x', 1, 12, /missing closing/],
    [`${storage}http: *nobody`, 3, 7, /nothing before it is named &nobody/],
    [`${storage}http: &a {realm: *a}`, 3, 18, /stands within/],
    [`${storage}? [a]\n: 1`, 3, 3, /cannot be a key/],
    [`${storage}http:\n  <<: 5`, 4, 3, /merge key/],
    ['storage: a: b', 1, 10, /a second colon/],
  ])('%j', (text, line, column, message) => {
    expect(problemsOf(text)).toMatchObject([
      { code: 'syntax', line, column, message: expect.stringMatching(message) },
    ])
  })

  test.each([
    ['[', '['.repeat(20_000)],
    ['- ', '- '.repeat(2_000)],
    ['{a: ', `x: ${'{a: '.repeat(300)}${'}'.repeat(300)}`],
  ])('%s, nested without end', (_, text) => {
    expect(problemsOf(text)).toMatchObject([{ code: 'syntax', message: 'nested more than 100 levels deep' }])
  })

  test.each(['', '# nothing\n', '---\n', '---\n...\n'])('an empty file (%j)', text => {
    expect(problemsOf(text)).toMatchObject([{ code: 'empty' }])
  })

  test.each(['a plain text', '- storage', '5'])('no object: %s', text => {
    expect(problemsOf(text)).toMatchObject([{ code: 'wrong-type' }])
  })

  test('of several documents only the first counts, and that is said', () => {
    expect(read(`${storage}---\nstorage: [`)).toMatchObject({
      config: { storage: { rootDirectory: '/x' } },
      warnings: [{ code: 'ignored', line: 3 }],
    })
  })

  test('a key that comes twice', () => {
    expect(problemsOf(`${storage}log: {}\nLog: {}`)).toMatchObject([{ code: 'duplicate-key', line: 4 }])
  })

  test('aliases that multiply to billions are counted, not built', () => {
    const levels = Array.from({ length: 12 }, (_, at) => {
      const last = at === 0 ? 'x' : `*l${at - 1}`
      return `l${at}: &l${at} [${Array(10).fill(last).join(', ')}]`
    })
    expect(problemsOf(levels.join('\n'))).toMatchObject([
      { code: 'syntax', message: expect.stringContaining('each use of an alias') },
    ])
  })

  test('aliases do not reach deeper than the file may', () => {
    const levels = Array.from(
      { length: 60 },
      (_, at) => `l${at}: &l${at} [[${at === 0 ? 'x' : `*l${at - 1}`}]]`,
    )
    expect(problemsOf(levels.join('\n'))).toMatchObject([
      { code: 'syntax', message: expect.stringContaining('nested') },
    ])
  })
})

test.each([
  ['config.json', 'json'],
  ['config.yaml', 'yaml'],
  ['config.yml', 'yaml'],
  ['config', 'either'],
  ['config.json.j2', 'either'],
  ['.config', 'either'],
  ['config.toml', undefined],
])('%s is read as %s', (file, format) => {
  expect(formatOf(file)).toBe(format)
})

test('a file whose ending says nothing is JSON if it can be, and else YAML', () => {
  const either = (text: string) => parseConfig(text, { format: 'either' })
  expect(either('{"storage":{"rootDirectory":"/x"}}')).toMatchObject({ ok: true })
  expect(either(storage)).toMatchObject({ ok: true })
  expect(either('{"storage":{"rootDirectory":"/x"}')).toMatchObject({
    problems: [{ code: 'syntax', message: 'the file ends in the middle of a value' }],
  })
  expect(either('storage: {')).toMatchObject({ problems: [{ code: 'syntax', line: 1 }] })
})

describe('any text', () => {
  test('any JSON, however it is spaced, is read as JSON.parse reads it', () => {
    const space = fc.stringMatching(/^[ \t\n\r]{0,2}$/)
    const spaced = fc
      .tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(space, { minLength: 8, maxLength: 8 }))
      .map(([driver, spaces]) => {
        const config = { storage: { rootDirectory: '/x', storageDriver: { driver: [driver] } } }
        let at = 0
        const text = JSON.stringify(config).replaceAll(
          /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g,
          token => `${spaces[at++ % 8]}${token}${spaces[at % 8]}`,
        )
        return { driver: JSON.parse(JSON.stringify(driver)), text }
      })
    fc.assert(
      fc.property(spaced, ({ driver, text }) => {
        const parsed = parseConfig(text)
        // Keys in lower case, as everywhere; of two that then are the same nobody knows which.
        const isAmbiguous = !parsed.ok && parsed.problems.every(({ code }) => code === 'duplicate-key')
        const storageDriver = parsed.ok && parsed.config.storage.storageDriver
        if (!isAmbiguous) expect(storageDriver).toEqual({ driver: [lowered(driver)] })
      }),
      { numRuns: 300 },
    )
  })

  test('never throws and never hangs', () => {
    const piece = fc.constantFrom(
      ...[
        'storage',
        'http:',
        ': ',
        '\n',
        '  ',
        '- ',
        '? ',
        '&a ',
        '*a',
        '<<: ',
        '!!int ',
        '!x ',
        '{',
        '}',
        '[',
        ']',
      ],
      ...[
        ', ',
        '"',
        "'",
        '|\n',
        '>-\n',
        '#',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '\t',
        '\r',
        '5',
        '0x',
        'null',
        '\ufeff',
      ],
    )
    const noise = fc.oneof(
      fc.array(piece, { maxLength: 40 }).map(pieces => pieces.join('')),
      fc.string({ unit: 'binary' }),
      fc.json(),
    )
    fc.assert(
      fc.property(noise, text => {
        for (const engine of ['zot', 'zotbar-registry'] as const) {
          const parsed = parseConfig(text, { format: 'yaml', engine })
          if (!parsed.ok) expect(parsed.problems.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 500 },
    )
  })
})

function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), lowered(inner)]))
}
