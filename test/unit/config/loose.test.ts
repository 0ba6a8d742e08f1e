import { describe, expect, test } from 'vitest'
import { type Config, parseConfig } from '../../../registry/config/config.ts'

// What zot's reader makes of values of another type; each line was asked of `zot verify` (v2.1.15).
// https://pkg.go.dev/github.com/go-viper/mapstructure/v2#DecoderConfig, WeaklyTypedInput

type Pick<T> = (config: Config) => T

const flagOf: Pick<unknown> = ({ storage }) => storage.gc
const wholeOf: Pick<unknown> = ({ http }) => http.auth?.failDelay
const textOf: Pick<unknown> = ({ http }) => http.realm
const delayOf: Pick<unknown> = ({ storage }) => storage.gcDelay
const portOf: Pick<unknown> = ({ http }) => http.port
const listOf: Pick<unknown> = ({ http }) => http.accessControl?.adminPolicy.users
const policiesOf: Pick<unknown> = ({ storage }) =>
  storage.retention.policies.map(({ repositories, keepTags }) => [
    repositories,
    keepTags.map(({ patterns }) => patterns),
  ])
const groupsOf: Pick<unknown> = ({ http }) => http.accessControl?.groups

const places = new Map<Pick<unknown>, (value: unknown) => object>([
  [flagOf, gc => ({ storage: { gc } })],
  [wholeOf, failDelay => ({ http: { auth: { failDelay } } })],
  [textOf, realm => ({ http: { realm } })],
  [delayOf, gcDelay => ({ storage: { gcDelay } })],
  [portOf, port => ({ http: { port } })],
  [listOf, users => ({ http: { accessControl: { adminPolicy: { users, actions: ['read'] } } } })],
  [policiesOf, policies => ({ storage: { retention: { policies } } })],
  [groupsOf, groups => ({ http: { accessControl: { groups } } })],
])

function parse(pick: Pick<unknown>, value: unknown, engine: 'zotbar-registry' | 'zot' = 'zotbar-registry') {
  const { storage, ...rest } = { storage: {}, ...places.get(pick)?.(value) }
  return parseConfig(JSON.stringify({ storage: { rootDirectory: '/x', ...storage }, ...rest }), { engine })
}

describe('values of another type', () => {
  test.each([
    [flagOf, 'true', true],
    [flagOf, 'T', true],
    [flagOf, '1', true],
    [flagOf, 'FALSE', false],
    [flagOf, '', false],
    [flagOf, 0, false],
    [flagOf, 2.5, true],
    [wholeOf, '5', 5],
    [wholeOf, '0x10', 16],
    [wholeOf, '010', 8],
    [wholeOf, '1_000', 1000],
    [wholeOf, '', 0],
    [wholeOf, true, 1],
    [wholeOf, 5.7, 5],
    [textOf, 5, '5'],
    [textOf, 1.5, '1.5'],
    [textOf, 1e21, '1000000000000000000000'],
    [textOf, 1e-7, '0.0000001'],
    [textOf, true, '1'],
    [textOf, false, '0'],
    [textOf, {}, undefined],
    [delayOf, 5_000_000, 5],
    [delayOf, true, 1e-6],
    [portOf, true, 1],
    [portOf, {}, 8080],
    [portOf, { a: { b: null } }, 8080],
    [listOf, 'ci', ['ci']],
    [listOf, 5, ['5']],
    [listOf, '', ['']],
    [listOf, {}, []],
    [policiesOf, { repositories: '**', keepTags: { patterns: '.*' } }, [[['**'], [['.*']]]]],
    [policiesOf, {}, []],
    [groupsOf, [{ a: { users: 'x' } }, { b: {} }], { a: { users: ['x'] }, b: { users: [] } }],
    [groupsOf, [], {}],
  ])('%o: %j is %j', (pick, value, expected) => {
    const parsed = parse(pick, value)
    expect(parsed.ok ? pick(parsed.config) : parsed.problems).toEqual(expected)
  })

  test.each([
    [flagOf, 'yes'],
    [flagOf, []],
    [flagOf, { a: 1 }],
    [wholeOf, '5.7'],
    [wholeOf, ' 5'],
    [wholeOf, '08'],
    [textOf, ['x']],
    [textOf, { a: 1 }],
    [delayOf, ''],
    [delayOf, '5'],
    [portOf, ['5050']],
    [portOf, 50.5],
    [listOf, { a: 1 }],
    [listOf, [['x']]],
    [policiesOf, 'x'],
    [groupsOf, 'x'],
  ])('%o: %j is refused, as by zot', (pick, value) => {
    expect(parse(pick, value)).toMatchObject({ ok: false })
    // With zot as the engine only what is needed: the rest is for zot to say.
    expect(parse(pick, value, 'zot').ok).toBe(pick !== portOf)
  })

  test('a null in a list is refused, although zot takes it for an empty name', () => {
    expect(parse(listOf, [null])).toMatchObject({
      ok: false,
      problems: [{ code: 'wrong-type', keyPath: 'http.accessControl.adminPolicy.users[0]' }],
    })
  })
})
