import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { statusText } from '../../cli/status.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { status } from '../../contract/messages/status.ts'
import { statusSummary } from '../../contract/messages/status-summary.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { snapshotOf } from '../../core/app/snapshot.ts'
import type { ProcessTable } from '../../core/platform/process-table.ts'
import { keyRegistryName } from '../../core/registry-client/registry-access.ts'
import { openCurrentTarget } from '../../core/registry-config/current-target.ts'
import { preflight, readTarget, rootsIn } from '../../core/registry-config/preflight.ts'
import { readConfig } from '../../registry/read-config.ts'
import { aSnapshot } from '../fakes/host.ts'

/** In npm test what fits into 3 s. */
const size =
  process.env['ZOTBAR_CHAOS'] === '1' ? { numRuns: 10_000 } : { numRuns: 1000, interruptAfterTimeLimit: 3000 }

let folder: string
let file: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-config-'))
  file = join(folder, 'config.json')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Every key whose value the app or its engine does something with. */
const whole = {
  distSpecVersion: '1.1.1',
  storage: {
    rootDirectory: 'data',
    subPaths: { '/a': { rootDirectory: 'other', dedupe: true } },
    gc: true,
    gcDelay: '1h',
    gcInterval: '24h',
    gcTimeWindow: '01:00-05:00',
    retention: {
      delay: '1h',
      policies: [{ repositories: ['**'], keepTags: [{ patterns: ['.*'], mostRecentlyPushedCount: 3 }] }],
    },
  },
  http: {
    address: '127.0.0.1',
    port: '5050',
    realm: 'zot',
    externalUrl: 'https://registry.example.org',
    allowOrigin: 'https://ui.example.org',
    tls: { cert: 'c.pem', key: 'k.pem' },
    ratelimit: { rate: 5, methods: [{ method: 'GET', rate: 5 }] },
    readTimeout: '60s',
    auth: {
      htpasswd: { path: 'htpasswd' },
      apikey: true,
      failDelay: 1,
      openid: {
        providers: {
          oidc: { issuer: 'https://id.example.org', clientid: 'a', clientsecret: 'b', scopes: ['openid'] },
        },
        callbackAllowOrigins: ['https://ui.example.org'],
      },
    },
    accessControl: {
      repositories: { '**': { policies: [{ users: ['a'], actions: ['read'] }], anonymousPolicy: ['read'] } },
      adminPolicy: { users: ['a'], actions: ['read'] },
      groups: { g: { users: ['a'] } },
    },
  },
  log: { level: 'info', output: 'registry.log', audit: 'audit.log' },
  extensions: {
    search: { enable: true },
    ui: { enable: true },
    metrics: { prometheus: { path: '/metrics' } },
    scrub: { interval: '24h' },
    sync: {
      registries: [
        { urls: ['https://docker.io'], onDemand: true, content: [{ prefix: '**', destination: '/hub' }] },
      ],
    },
  },
}

/** What is known to be misread somewhere: addresses, names of every object, numbers that are none, things of paths. */
const hostile = fc.constantFrom<unknown>(
  ...[
    '',
    ' ',
    '::',
    '[::]',
    '[::1]',
    '0.0.0.0',
    'fd00::1',
    'fe80::1%eth0',
    ':::',
    '[',
    'a:b',
    '1.2.3.4:5',
    '0',
    '-1',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '/',
    '..',
    '../..',
    'a\0b',
    '\ud800',
    '%',
    '%zz',
    'http://[',
    'https://',
  ],
  ...[
    'http://a:b@c',
    '//x',
    'javascript:1',
    '65536',
    '1e3',
    '0x50',
    'x'.repeat(5000),
    '\n',
    '"',
    'Регистр',
    '*',
    '{',
  ],
  ...[0, -1, 65_536, 1e308, 0.5, null, true, false, [], {}, [[]], [null]],
)
const value = fc.oneof({ weight: 3, arbitrary: hostile }, { weight: 1, arbitrary: fc.jsonValue() })

type Node = Record<string, unknown> | unknown[]
const isNode = (of: unknown): of is Node => typeof of === 'object' && of !== null

/** Goes down by the numbers and does one thing to what is there. */
function mutate(root: Node, way: number[], change: { kind: string; to: unknown }): void {
  let at = root
  for (const [depth, step] of way.entries()) {
    const keys = Object.keys(at)
    const key = keys[step % Math.max(1, keys.length)]
    if (key === undefined) return
    const below: unknown = Reflect.get(at, key)
    if (isNode(below) && depth < way.length - 1) {
      at = below
      continue
    }
    if (change.kind === 'remove') Reflect.deleteProperty(at, key)
    else if (change.kind === 'replace') Reflect.set(at, key, change.to)
    else
      Reflect.defineProperty(at, nameOf(change, key), { value: below, enumerable: true, configurable: true })
    return
  }
}

const nameOf = ({ kind, to }: { kind: string; to: unknown }, key: string): string =>
  kind === 'other-case'
    ? key.toUpperCase()
    : (typeof to === 'object' ? JSON.stringify(to) : String(to)).slice(0, 20)

const mutation = fc.record({
  way: fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 6 }),
  change: fc.record({
    kind: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'other-case', 'rename'),
    to: value,
  }),
})
const mutated = fc.array(mutation, { minLength: 1, maxLength: 4 }).map(mutations => {
  const config = structuredClone(whole)
  for (const { way, change } of mutations) mutate(config, way, change)
  return JSON.stringify(config)
})
/** One text broken in the middle: what is read of a file that is no JSON. */
const torn = fc
  .tuple(mutated, fc.nat(), fc.string({ maxLength: 5 }))
  .map(([text, at, junk]) => `${text.slice(0, at % text.length)}${junk}${text.slice((at % text.length) + 1)}`)
const anyText = fc.oneof(
  { weight: 6, arbitrary: mutated },
  { weight: 2, arbitrary: torn },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)

const processes: ProcessTable = {
  alive: () => false,
  startTime: async () => undefined,
  executable: async () => undefined,
  commandLine: async () => undefined,
  owner: async () => undefined,
  portOwner: async () => undefined,
  holders: async () => [],
  keptBy: async () => undefined,
}

/** What is shown of an app that has this file and is in this state. */
async function show(engine: 'zot' | 'zotbar-registry', state: ProcessState): Promise<void> {
  const target = await openCurrentTarget(file, engine)
  const blank = aSnapshot()
  const features = {
    common: { clock: { now: () => 1000 }, configFile: file, settings: { get: () => 10 } },
    target,
    engine: { now: () => ({ id: engine }), version: () => '1.2.3' },
    supervisor: { state: () => state, target: () => undefined, journal: () => [] },
    health: { state: () => blank.service },
    storage: { state: () => blank.storage, pushes: () => [] },
    runs: { current: () => undefined },
    advice: { advisories: () => [] },
    upgrade: { newest: () => undefined },
    rotation: { summaries: () => [] },
    keyWatch: { ending: () => [], changedAt: () => 0 },
    access: { keys: { fresh: () => [] } },
    keyNotices: { current: (notices: unknown) => notices },
    notices: { all: () => [] },
    configWatch: { undecidedFolder: () => undefined },
    lastConfigWatch: { offeredIn: (state: unknown) => state },
    mirrorRequests: { notices: () => [] },
  } as unknown as Parameters<typeof snapshotOf>[0]
  const snapshot = snapshotOf(features, { app: blank.app, dashboard: {}, isQuitting: false })
  expect(structuredClone(snapshot)).toEqual(snapshot)
  expect(URL.canParse(snapshot.registry.url)).toBe(true)
  expect(URL.canParse(`http://${snapshot.registry.host}:${snapshot.registry.port}`)).toBe(true)
  expect(statusSummary(snapshot, 2000).headline).not.toBe('')
  expect(status(snapshot, 2000).registry.url).toBe(snapshot.registry.url)
  expect(statusText(snapshot, 2000)).toContain('Address')
  expect(target.signIn()?.origin ?? 'none').not.toBe('null')
  target.target()?.isCached('a/b')
}

/** The way of a file from a start to what is shown. */
async function tryOut(text: string, engine: 'zot' | 'zotbar-registry'): Promise<void> {
  writeFileSync(file, text)
  const target = await readTarget(file, engine)
  const checked = await preflight(file, processes, engine)
  const state: ProcessState = checked.ok
    ? { kind: 'serving', since: 0, pid: 5, startedAt: 0, adopted: false }
    : { kind: 'failed', since: 0, error: checked.error }
  if (!checked.ok) expect(failureMessage(checked.error).title).not.toBe('')
  if (target.ok) {
    expect(URL.canParse(`${target.value.url}/readyz`)).toBe(true)
    expect(keyRegistryName(target.value)).not.toBe('')
  }
  await show(engine, state)
  await rootsIn(file)
  await readConfig(file)
}

const engine = fc.constantFrom('zotbar-registry' as const, 'zot' as const)

it('whatever config.json says, it is served or told, and nothing is thrown', async () => {
  await fc.assert(fc.asyncProperty(anyText, engine, tryOut), size)
}, 600_000)
