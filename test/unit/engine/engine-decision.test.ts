import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fail, ok } from '../../../contract/result.ts'
import { createEngineDecision } from '../../../core/app/engine-decision.ts'
import { createFolderFacts } from '../../../core/app/folder-facts.ts'
import { createFolderWatch } from '../../../core/data-folder/folder-watch.ts'
import { openEngineChoices } from '../../../core/engine/engine-choices.ts'
import { zotEngine } from '../../../core/engine/zot.ts'
import type { Engine } from '../../../core/platform/engine.ts'
import { openOpenRegistry } from '../../../core/registry-config/open-registry.ts'
import { readTarget } from '../../../core/registry-config/preflight.ts'
import { openSettings } from '../../../core/settings/settings.ts'
import { fakeClock } from '../../fakes/clock.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-decision-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const own: Engine = {
  ...zotEngine('/opt/zotbar-registry', '0.1.0'),
  id: 'zotbar-registry',
}

async function deciding(first: Engine, http: object = {}) {
  const clock = fakeClock()
  const data = join(home, 'data')
  const configFile = join(home, 'config.json')
  mkdirSync(data)
  writeFileSync(
    configFile,
    JSON.stringify({
      storage: { rootDirectory: data },
      http: { address: '127.0.0.1', port: '5050', ...http },
    }),
  )
  const now = { now: () => clock.now(), report: () => {} }
  const settings = await openSettings({ home, clock, report: () => {} })
  const choices = await openEngineChoices(home, now)
  let engine = first
  const folderWatch = createFolderWatch({
    home,
    clock,
    earlier: async () => undefined,
    report: () => {},
    log: () => {},
    onLost: () => {},
    onRestored: () => {},
  })
  const openRegistry = await openOpenRegistry({
    home,
    setting: () => settings.get('registry.open'),
    ...now,
  })
  const decision = createEngineDecision({
    configFile,
    openRegistry,
    folderWatch,
    choices,
    engines: {
      list: async () => [],
      locate: async ({ id, path }) => ok(id === 'zot' ? zotEngine(path, 'v2.1.15') : own),
      verify: async () => fail({ code: 'cancelled' }),
    },
    settings,
    now: () => clock.now(),
    current: () => engine,
    use: next => {
      engine = next
    },
    facts: createFolderFacts({ configFile, settings, folderWatch, freeSpace: async () => undefined }),
    log: () => {},
  })
  return { decision, choices, settings, data, configFile, openRegistry, now: () => engine.command }
}

describe('the engine that was chosen for the folder', () => {
  const chosen = { engine: 'zot', program: '/opt/zot', by: 'cli', at: 5, why: 'asked' } as const
  const file = () => join(home, 'settings.json')

  it.each([
    ['another engine', own],
    ['another zot', zotEngine('/usr/bin/zot', 'v2.1.0')],
  ])('is not taken over %s where the settings cannot be written, and is afterwards', async (_, first) => {
    const it = await deciding(first)
    if (first.id === 'zot') await it.settings.set('engine', 'zot', 'cli')
    await it.choices.choose(it.data, chosen)
    rmSync(file(), { force: true })
    mkdirSync(file())
    const unusable = { code: 'home-unusable', path: file(), reason: 'it is a folder' }
    for (let start = 0; start < 2; start++)
      expect(await it.decision.decide()).toEqual({ ok: false, error: unusable })
    expect([it.now(), it.settings.get('engine.path')]).toEqual([first.command, ''])
    rmSync(file(), { recursive: true })
    expect(await it.decision.decide()).toEqual({ ok: true, value: undefined })
    expect([it.now(), it.settings.get('engine'), it.settings.get('engine.path')]).toEqual([
      '/opt/zot',
      'zot',
      '/opt/zot',
    ])
  })
})

describe('what zotbar-registry refuses', () => {
  const decide = async (config: object) => {
    const { decision, configFile } = await deciding(own)
    writeFileSync(configFile, JSON.stringify({ storage: { rootDirectory: join(home, 'data') }, ...config }))
    return decision.decide()
  }

  it('is a question of engines where zot may take it', async () => {
    expect(await decide({ http: { auth: { ldap: { address: 'ldap.example.org' } } } })).toMatchObject({
      value: { why: 'config-refused' },
    })
  })

  it.each([
    ['a port', { http: { auth: { ldap: { address: 'ldap.example.org' } }, port: 70_000 } }],
    ['a block', { log: 'debug' }],
  ])('is none where no engine takes %s', async (_, config) => {
    expect(await decide(config)).toEqual({ ok: true, value: undefined })
  })
})

describe('a registry that asks nobody who they are', () => {
  const openAt = '0.0.0.0:5050'
  const anonymous = (...anonymousPolicy: string[]) => ({
    address: '0.0.0.0',
    accessControl: { repositories: { '**': { anonymousPolicy } } },
  })
  const change = (file: string, http: object) =>
    writeFileSync(
      file,
      JSON.stringify({ storage: { rootDirectory: join(home, 'data') }, http: { port: '5050', ...http } }),
    )

  it('waits for somebody to agree, holds for what was agreed to, and asks again for more', async () => {
    const it = await deciding(own, anonymous('read'))
    const open = async () => {
      const decided = await it.decision.decide()
      return decided.ok ? decided.value : decided
    }
    expect(await open()).toMatchObject({
      why: 'open-registry',
      open: { address: openAt, most: 'pull', rights: ['pull in **'] },
      commands: [`zotbar settings set registry.open ${openAt}`],
      config: { refused: [] },
    })
    expect(await it.decision.agreed(own)).toMatchObject({
      error: { code: 'undecided', why: 'open-registry' },
    })
    const target = await readTarget(it.configFile)
    if (!target.ok) throw new Error('no target')
    await it.openRegistry.agree({ openAt, rights: target.value.rights }, 'cli')
    expect(await open()).toMatchObject({ why: 'open-registry' })
    await it.settings.set('registry.open', '0.0.0.0:5050', 'cli')
    expect([await open(), await it.decision.agreed(own)]).toEqual([undefined, ok(null)])
    expect(it.openRegistry.environment()).toEqual({
      ZOTBAR_OPEN_REGISTRY: JSON.stringify({ address: openAt, rights: [['**', ['read']]] }),
    })

    change(it.configFile, anonymous('read', 'create'))
    expect(await open()).toMatchObject({ open: { most: 'push', agreed: ['pull in **'] } })
    change(it.configFile, { ...anonymous('read'), address: '' })
    expect(await open()).toMatchObject({
      open: { address: '[::]:5050' },
      commands: ["zotbar settings set registry.open '[::]:5050'"],
    })
    change(it.configFile, anonymous('read'))
    expect(await open()).toBeUndefined()
    await it.settings.set('registry.open', null, 'cli')
    expect(await open()).toMatchObject({ why: 'open-registry' })
    expect(it.openRegistry.environment()).toEqual({})
  })

  it('is asked about after an engine was chosen too, and never with zot', async () => {
    const it = await deciding(own, { address: '0.0.0.0' })
    await it.choices.choose(it.data, { engine: 'zotbar-registry', by: 'cli', at: 5, why: 'asked' })
    expect(await it.decision.decide()).toMatchObject({
      value: { why: 'open-registry', open: { most: 'push' } },
    })
    expect(await it.decision.agreed(zotEngine('/opt/zot', 'v2.1.15'))).toEqual(ok(null))
    await it.choices.choose(it.data, { engine: 'zot', program: '/opt/zot', by: 'cli', at: 6, why: 'asked' })
    expect(await it.decision.decide()).toEqual(ok(undefined))
  })
})
