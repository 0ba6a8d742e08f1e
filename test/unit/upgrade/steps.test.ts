import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifyUnchanged } from '../../../core/releases/unchanged-file.ts'
import type { Step } from '../../../core/runbook/step.ts'
import { markBadVersion, swapStep } from '../../../core/upgrade/change-steps.ts'
import type { UpgradeDeps } from '../../../core/upgrade/deps.ts'
import { createLibrary, type Library } from '../../../core/upgrade/library.ts'
import type { UpgradeMemory } from '../../../core/upgrade/memory.ts'
import { preflightStep } from '../../../core/upgrade/obtain-steps.ts'
import { planUpgrade } from '../../../core/upgrade/runbook.ts'
import { stageStep } from '../../../core/upgrade/stage-step.ts'
import { verificationStep } from '../../../core/upgrade/verification-steps.ts'
import { sha256Of } from '../../../lib/hash-file.ts'

let home: string
let library: Library
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-steps-'))
  library = createLibrary(home)
})
afterEach(() => rm(home, { recursive: true, force: true }))

const memoryOf = (more: Partial<UpgradeMemory> = {}): UpgradeMemory => ({
  id: '1',
  work: join(home, 'upgrades', '1'),
  censusFile: join(home, 'census.json'),
  from: { command: '/nowhere/zot', version: 'v2.1.13', settingPath: '' },
  version: 'v2.1.15',
  undo: false,
  yes: true,
  allowDowngrade: false,
  named: false,
  needless: false,
  ...more,
})

const depsFor = (more: object = {}): UpgradeDeps =>
  ({
    home,
    library,
    configFile: join(home, 'config.json'),
    clock: { now: () => 1 },
    supervisor: { stop: async () => ({ ok: true, value: null }) },
    inspect: async () => ({ ok: true, value: null }),
    advisories: async () => [],
    pushes: async () => [],
    roots: async () => [],
    metricsPath: async () => undefined,
    checks: () => [],
    known: new Map(),
    layout: async () => ({ isCached: () => false, serves: () => true }),
    askPublicUrl: async () => undefined,
    freeSpace: async () => ({ freeBytes: 1e12, volumeBytes: 1e12 }),
    verifyAgain: verifyUnchanged,
    use: () => {},
    engine: () => ({}),
    log: () => {},
    ...more,
  }) as unknown as UpgradeDeps

async function apply(step: Step<UpgradeMemory>, memory: UpgradeMemory) {
  const result = await step.apply({
    memory,
    signal: new AbortController().signal,
    progress: () => {},
    ask: async () => false,
  })
  return result.ok ? 'ok' : result.error.code
}

describe('preflight', () => {
  it.each<[string, Partial<UpgradeMemory>, object, string]>([
    ['a newer version', {}, {}, 'ok'],
    ['an older one', { version: 'v2.1.9' }, {}, 'version-older'],
    ['an older one that was agreed to', { version: 'v2.1.9', allowDowngrade: true }, {}, 'ok'],
    ['going back', { version: 'v2.1.9', undo: true }, {}, 'ok'],
    ['little space', {}, { freeSpace: async () => ({ freeBytes: 1e6, volumeBytes: 1e9 }) }, 'no-space'],
    ['a volume that does not tell', {}, { freeSpace: async () => undefined }, 'ok'],
    [
      'data that somebody else has open',
      {},
      { inspect: async () => ({ ok: false, error: { code: 'root-in-use', path: '/data', pid: 7 } }) },
      'root-in-use',
    ],
  ])('of %s', async (_, memory, deps, code) => {
    expect(await apply(preflightStep(depsFor(deps)), memoryOf(memory))).toBe(code)
  })

  it('refuses a version that failed here, unless it is named', async () => {
    mkdirSync(library.folder, { recursive: true })
    await library.markBad('v2.1.15', { at: 1, reason: 'It did not stay up.', sha256: '' })
    expect(await apply(preflightStep(depsFor()), memoryOf())).toBe('version-bad')
    expect(await apply(preflightStep(depsFor()), memoryOf({ named: true }))).toBe('ok')
  })

  it('finds a folder of programs that cannot be written', async () => {
    mkdirSync(join(home, 'engines'))
    writeFileSync(library.folder, 'a file')
    expect(await apply(preflightStep(depsFor()), memoryOf())).toBe('file-unusable')
  })

  it('remembers which checks do not pass now', async () => {
    const memory = memoryOf()
    const deps = depsFor({
      checks: () => ['good', 'bad'],
      runCheck: async (line: string) => (line === 'bad' ? 'it ended with code 1' : undefined),
      askPublicUrl: async () => ({ answers: false, lists: 'no', reason: 'the connection is refused' }),
    })
    expect(await apply(preflightStep(deps), memory)).toBe('ok')
    expect(memory.baseline).toEqual({
      checks: { good: true, bad: false },
      reads: { repositories: [] },
      publicUrl: { answers: false, lists: 'no', reason: 'the connection is refused' },
    })
  })
})

it('has no room in the plan either', async () => {
  const freeSpace = async () => ({ freeBytes: 1e6, volumeBytes: 1e9 })
  const deps = depsFor({ freeSpace, advise: async () => ({ findings: [] }) })
  const found = async (memory: UpgradeMemory) =>
    (await planUpgrade(memory, deps, { origin: 'unproven' })).findings.map(({ id }) => id)
  expect(await found(memoryOf())).toEqual(['no-space'])
  expect(await found(memoryOf({ needless: true }))).toEqual([])
  expect(existsSync(library.folder)).toBe(false)
})

describe('the swap', () => {
  it('turns the link, but not to a file that was exchanged after it was looked at', async () => {
    for (const name of ['v2.1.13', 'v2.1.15']) {
      mkdirSync(join(library.folder, name), { recursive: true })
      writeFileSync(join(library.folder, name, 'zot'), name)
    }
    await library.activate('v2.1.13')
    const path = join(library.folder, 'v2.1.15', 'zot')
    const to = { name: 'v2.1.15', version: 'v2.1.15', path, sha256: await sha256Of(path) }
    const link = () => readlinkSync(join(library.folder, 'current'))
    appendFileSync(path, '!')
    expect(await apply(swapStep(depsFor()), memoryOf({ to }))).toBe('file-changed')
    expect(link()).toBe('v2.1.13')
    writeFileSync(path, 'v2.1.15')
    expect(await apply(swapStep(depsFor()), memoryOf({ to }))).toBe('ok')
    expect(link()).toBe('v2.1.15')
  })
})

describe('the way back of the stage', () => {
  it.each([
    ['as it ran', 'v2.1.13', '/before', false],
    ['gone', undefined, undefined, true],
    ['another one by now', 'v2.1.14', undefined, true],
  ])('keeps the copy of the program that ran where that is %s: %#', async (_, text, named, stays) => {
    const command = join(home, 'zot')
    if (text !== undefined) writeFileSync(command, text)
    mkdirSync(join(library.folder, 'v2.1.13'), { recursive: true })
    const path = join(library.folder, 'v2.1.13', 'zot')
    writeFileSync(path, 'v2.1.13')
    mkdirSync(join(home, 'upgrades', '1'), { recursive: true })
    writeFileSync(join(home, 'upgrades', '1', 'before.json'), '[]')
    const old = { name: 'v2.1.13', version: 'v2.1.13', path, sha256: await sha256Of(path) }
    let setting: string | undefined
    const step = stageStep(
      depsFor({
        setEnginePath: async (to: string) => {
          setting = to
          return { ok: true, value: null }
        },
      }),
    )
    const memory = memoryOf({ old, from: { command, version: 'v2.1.13', settingPath: '/before' } })
    const result = await step.undo?.({
      memory,
      signal: new AbortController().signal,
      progress: () => {},
      ask: async () => false,
    })
    expect(result).toMatchObject({ ok: true, ...(stays ? { words: expect.stringContaining(command) } : {}) })
    expect({ setting, stays: existsSync(path) }).toEqual({ setting: named, stays })
  })
})

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

describe('the blame', () => {
  const to = { name: 'v2.1.15', version: 'v2.1.15', path: '/zot', sha256: 'ab' }
  const failed = (code: string) => ({ ok: false as const, error: { code, words: 'It did not work.' } })

  it.each<[string, string, Partial<UpgradeMemory>, object, boolean]>([
    ['of a version that does not stay up', 'not-stable', {}, {}, true],
    ['of a taken port', 'port-in-use', {}, {}, false],
    ['of going back', 'not-stable', { undo: true }, {}, false],
    ['of what it accepted itself', 'config-invalid', { accepted: digestOf('{}') }, {}, true],
    [
      'of a config.json that was changed meanwhile',
      'config-invalid',
      { accepted: digestOf('{ }') },
      {},
      false,
    ],
    [
      'of a crash with a config.json that was changed',
      'start-failed',
      { accepted: digestOf('{ }') },
      {},
      false,
    ],
    [
      'of a full disk',
      'start-failed',
      {},
      { freeSpace: async () => ({ freeBytes: 0, volumeBytes: 1e9 }) },
      false,
    ],
  ])('%s', async (_, code, memory, deps, isBad) => {
    mkdirSync(library.folder, { recursive: true })
    writeFileSync(join(home, 'config.json'), '{}')
    await markBadVersion(depsFor(deps), memoryOf({ to, ...memory }), failed(code))
    expect(Object.keys(await library.bad())).toEqual(isBad ? ['v2.1.15'] : [])
  })
})

describe('the verification', () => {
  it('does not open without an inventory', async () => {
    const serving = { kind: 'serving', pid: 7 }
    const deps = depsFor({
      clock: { now: () => 1, setTimer: () => () => {} },
      supervisor: { state: () => serving, start: async () => ({ ok: true, value: serving }) },
      verification: () => ({ readySeconds: 1, stableSeconds: 0 }),
    })
    mkdirSync(library.folder, { recursive: true })
    expect(await apply(verificationStep(deps), memoryOf())).toBe('census-missing')
  })
})
