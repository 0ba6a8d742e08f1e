import fc from 'fast-check'
import { parse } from 'jsonc-parser'
import { describe, expect, it } from 'vitest'
import { type ConfigEdit, editFor } from '../../../core/advisories/config-edit.ts'
import { parseConfig } from '../../../registry/config/config.ts'
import { configOf, household, patch, plainConfig, versions } from './configs.ts'

const answer = (running: string | undefined, to: string, text: string, accepted: string[] = []) =>
  editFor({ running, to, config: configOf(text), accepted })
const edit = (running: string | undefined, to: string, text: string, accepted: string[] = []): ConfigEdit => {
  const found = answer(running, to, text, accepted)
  if (!found.edit) throw new Error(found.byHand ?? 'no edit')
  return found.edit
}
const limits = ['request-time-limits']
const without = (text: string) => text.replaceAll(/\/\/.*/g, '')
const metricsIn = (users: string) => `{"http":{"accessControl":{"metrics":${users}}}}`

describe('the edit that goes with a version', () => {
  const pairs = versions.flatMap(running => versions.map((to): [string, string] => [running, to]))
  it.each(pairs)('from %s to %s', (running, to) => {
    const { offers, edit: made, byHand } = answer(running, to, household)
    const crosses = (since: number) => patch(running) < since && patch(to) >= since
    expect(byHand).toBeUndefined()
    expect(offers.map(({ id, required }) => [id, required])).toEqual([
      ...(crosses(18) ? [['anonymous-metrics', true]] : []),
      ...(crosses(17) ? [['request-time-limits', false]] : []),
    ])
    expect(made?.ids).toEqual(crosses(18) ? ['anonymous-metrics'] : undefined)
  })

  it('changes two words for the metrics, and nothing else', () => {
    const made = edit('v2.1.17', 'v2.1.18', household)
    expect(made.after).toBe(household.replace('"users": [""]', '"anonymousPolicy": ["read"]'))
    expect(made.required).toBe(true)
    expect(made.keyPaths).toEqual([
      'http.accessControl.metrics.users',
      'http.accessControl.metrics.anonymousPolicy',
    ])
    expect(made.diff).toContain(
      '-      "metrics": { "users": [""] }\n+      "metrics": { "anonymousPolicy": ["read"] }',
    )
    expect(made.diff).toMatch(/^@@ -\d+,7 \+\d+,7 @@$/m)
    expect(made.note).toContain('config.json.j2')
  })

  it('puts the time limits beside the port when they are agreed to, and keeps the comment there', () => {
    const made = edit('v2.1.16', 'v2.1.17', household, limits)
    expect(made.required).toBe(false)
    expect(made.after).toBe(
      household.replace(
        '"port": "5050", // behind the proxy\n',
        '"port": "5050", // behind the proxy\n    "readTimeout": "1h",\n    "writeTimeout": "1h",\n',
      ),
    )
    expect(edit('v2.1.13', 'v2.1.20', household, limits).ids).toEqual(['anonymous-metrics', ...limits])
  })

  it('adds only the limit that is missing', () => {
    const made = edit('v2.1.13', 'v2.1.17', '{"http":{"ReadTimeout":"5m"}}', limits)
    expect(made.after).toBe('{"http":{"ReadTimeout":"5m", "writeTimeout": "1h"}}')
    expect(answer('v2.1.13', 'v2.1.17', '{"http":{"readTimeout":"0s","writeTimeout":"0s"}}').offers).toEqual(
      [],
    )
  })

  it.each([
    ['{"users":[""]}', '{"anonymousPolicy":["read"]}'],
    ['{ "users": ["", "prom"] }', '{ "users": ["prom"], "anonymousPolicy": ["read"] }'],
    ['{ "users": ["prom", ""] }', '{ "users": ["prom"], "anonymousPolicy": ["read"] }'],
    ['{ "users": ["", ""] }', '{ "anonymousPolicy": ["read"] }'],
    ['{ "users": [""], "anonymousPolicy": [] }', '{ "anonymousPolicy": ["read"] }'],
    ['{ "anonymousPolicy": ["read"], "users": [""] }', '{ "anonymousPolicy": ["read"] }'],
  ])('turns %s into %s', (before, after) => {
    expect(parse(edit('v2.1.15', 'v2.1.20', metricsIn(before)).after)).toEqual(JSON.parse(metricsIn(after)))
  })

  it.each([
    ['{"anonymousPolicy":["read"]}', '{"users":[""]}'],
    ['{ "users": ["prom"], "anonymousPolicy": ["read"] }', '{ "users": ["prom", ""] }'],
    ['{ "anonymousPolicy": ["read", "create"], "users": [] }', '{ "users": [""] }'],
    ['{ "users": ["prom"], "anonymousPolicy": [] }', '{ "users": ["prom"] }'],
  ])('turns %s into %s on the way back', (before, after) => {
    expect(parse(edit('v2.1.20', 'v2.1.15', metricsIn(before)).after)).toEqual(JSON.parse(metricsIn(after)))
  })

  it('takes out what an older version refuses, with its line', () => {
    const text = household.replace(
      '"port": "5050", // behind the proxy\n',
      '"port": "5050", // behind the proxy\n    "readTimeout": "1h", // slow links\n    "writeTimeout": "1h",\n',
    )
    const made = edit('v2.1.17', 'v2.1.15', text)
    expect(made.after).toBe(household)
    expect(made.required).toBe(true)
    const last = '{\n  "storage": {\n    "rootDirectory": "/d",\n    "gcTimeWindow": "01:00-05:00"\n  }\n}'
    expect(edit('v2.1.20', 'v2.1.18', last).after).toBe(
      '{\n  "storage": {\n    "rootDirectory": "/d"\n  }\n}',
    )
  })

  it('leaves keys that decide about people to the user', () => {
    const text = '{"http":{"auth":{"secureSession":true,"openid":{"callbackAllowOrigins":["https://a"]}}}}'
    expect(answer('v2.1.20', 'v2.1.9', text)).toEqual({ offers: [] })
  })

  it('refuses to edit a file with a key that comes twice, and says what to do', () => {
    const text = '{"http":{"accessControl":{"metrics":{"users":[""]}},"AccessControl":{}}}'
    const { edit: made, byHand } = answer('v2.1.17', 'v2.1.18', text)
    expect(made).toBeUndefined()
    expect(byHand).toMatch(/the key http\.AccessControl twice.*by hand.*anonymousPolicy/)
  })

  it.each(['http:\n  port: 5050\n', '', '{"http":', '"text"'])(
    'gives words for what is no JSON: %j',
    text => {
      expect(answer('v2.1.17', 'v2.1.18', text).byHand).toMatch(/does not edit the file.*anonymousPolicy/)
      expect(answer('v2.1.18', 'v2.1.19', text)).toEqual({ offers: [] })
    },
  )

  it('knows keys whatever their case, and keeps how they are written', () => {
    const text = '{"HTTP":{"AccessControl":{"Metrics":{"Users":[""]}}}}'
    const made = edit('v2.1.17', 'v2.1.18', text)
    expect(made.after).toBe('{"HTTP":{"AccessControl":{"Metrics":{"anonymousPolicy":["read"]}}}}')
    expect(made.keyPaths[0]).toBe('HTTP.AccessControl.Metrics.Users')
  })

  it.each([
    ['tabs', (text: string) => text.replaceAll(/^( {2})+/gm, lead => '\t'.repeat(lead.length / 2)), '\t\t'],
    ['four spaces', (text: string) => text.replaceAll(/^ +/gm, lead => lead + lead), '        '],
    ['odd indentation', (text: string) => text.replaceAll(/^ +/gm, lead => ` ${lead}`), '     '],
  ])('keeps %s', (_, shape, indent) => {
    const { after } = edit('v2.1.16', 'v2.1.17', shape(household), limits)
    expect(after).toContain(`\n${indent}"readTimeout": "1h",\n${indent}"writeTimeout": "1h",\n`)
  })

  it('keeps CRLF, and a missing line end at the end', () => {
    const crlf = household.replaceAll('\n', '\r\n')
    const { after } = edit('v2.1.16', 'v2.1.18', crlf, limits)
    expect(after.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
    expect(after.endsWith('}\r\n')).toBe(true)
    const bare = edit('v2.1.16', 'v2.1.17', plainConfig.trimEnd(), limits)
    expect(bare.after.endsWith('}')).toBe(true)
    expect(bare.after).toContain('"port": "5050", "readTimeout": "1h", "writeTimeout": "1h" }')
  })

  it('leads there and back to the same bytes, is valid, and keeps every comment', () => {
    const shapes = fc.record({
      eol: fc.constantFrom('\n', '\r\n'),
      indent: fc.constantFrom('  ', '    ', '\t', ' '),
      end: fc.constantFrom('', 'eol'),
      comments: fc.boolean(),
      inline: fc.boolean(),
      keys: fc.shuffledSubarray(['address', 'port', 'realm', 'allowOrigin', 'compat']),
      metricsFirst: fc.boolean(),
      upper: fc.boolean(),
    })
    fc.assert(
      fc.property(shapes, shape => {
        const text = configIn(shape)
        const forward = edit('v2.1.13', 'v2.1.20', text, limits)
        expect(commentsOf(forward.after)).toEqual(commentsOf(text))
        expect(parseConfig(without(forward.after))).toMatchObject({
          ok: true,
          config: {
            http: {
              readTimeout: 3_600_000,
              writeTimeout: 3_600_000,
              accessControl: { metrics: { users: [], anonymousPolicy: ['read'] } },
            },
          },
        })
        expect(editFor({ running: 'v2.1.13', to: 'v2.1.20', config: configOf(forward.after) })).toEqual({
          offers: [],
        })
        expect(edit('v2.1.20', 'v2.1.13', forward.after).after).toBe(text)
      }),
      { numRuns: 200 },
    )
  })
})

const commentsOf = (text: string) => text.match(/\/\/ ?\w[^\r\n]*/g)

interface Shape {
  eol: string
  indent: string
  end: string
  comments: boolean
  inline: boolean
  keys: string[]
  metricsFirst: boolean
  upper: boolean
}

/** The same configuration, written in many ways. */
function configIn({ eol, indent, end, comments, inline, keys, metricsFirst, upper }: Shape): string {
  const values: Record<string, string> = { address: '"::1"', port: '"5050"', compat: '["docker2s2"]' }
  const metrics = inline
    ? '"metrics": { "users": [""] }'
    : `"metrics": {${eol}${indent.repeat(4)}"users": [${eol}${indent.repeat(5)}""${eol}${indent.repeat(4)}]${eol}${indent.repeat(3)}}`
  const access = `"${upper ? 'AccessControl' : 'accessControl'}": {${eol}${indent.repeat(3)}${metrics}${eol}${indent.repeat(2)}}`
  const rest = keys.map(key => `"${key}": ${values[key] ?? '"x"'}`)
  const members = metricsFirst ? [access, ...rest] : [...rest, access]
  const lines = members.map((member, index) => {
    const comma = index === members.length - 1 ? '' : ','
    const comment = comments ? ` // note ${index}` : ''
    return `${indent.repeat(2)}${member}${comma}${comment}`
  })
  const head = comments ? `${indent}// the data${eol}` : ''
  return [
    '{',
    `${head}${indent}"storage": { "rootDirectory": "/d" },`,
    `${indent}"http": {`,
    ...lines,
    `${indent}}`,
    `}${end === '' ? '' : eol}`,
  ].join(eol)
}
