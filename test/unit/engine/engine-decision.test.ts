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

async function deciding(first: Engine) {
  const clock = fakeClock()
  const data = join(home, 'data')
  const configFile = join(home, 'config.json')
  mkdirSync(data)
  writeFileSync(
    configFile,
    JSON.stringify({ storage: { rootDirectory: data }, http: { address: '127.0.0.1', port: '5050' } }),
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
  const decision = createEngineDecision({
    configFile,
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
  return { decision, choices, settings, data, now: () => engine.command }
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
