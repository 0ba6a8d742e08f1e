import { expect, it } from 'vitest'
import type { Caller } from '../../../contract/caller.ts'
import { fail, ok } from '../../../contract/result.ts'
import { zotEngine } from '../../../core/engine/zot.ts'
import { createEngineControl } from '../../../core/engine-switch/engine-control.ts'
import { createUpgradeControl } from '../../../core/upgrade/upgrade-control.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { servingState } from '../../fakes/host.ts'

type EngineOptions = Parameters<typeof createEngineControl>[0]
type UpgradeOptions = Parameters<typeof createUpgradeControl>[0]

/** What an upgrade is refused with last, before it looks at anything. */
const busy = { code: 'busy', with: 'a scan' } as const
const shared = {
  home: '/nowhere',
  clock: fakeClock(),
  settings: { get: () => '' },
  supervisor: { state: () => servingState },
  current: () => ({ ...zotEngine('/opt/old/zot', undefined), version: 'v2.1.15' }),
  running: () => 'v2.1.15',
  log: () => {},
}
const upgrade = createUpgradeControl({
  ...shared,
  runs: { blocked: () => busy },
} as unknown as UpgradeOptions)
const engine = createEngineControl({
  ...shared,
  runs: { blocked: () => undefined },
  engines: { locate: async () => ok({ ...zotEngine('/opt/new/zot', undefined), version: 'v2.1.18' }) },
  folder: { servedBy: async () => '/opt/new/zot' },
  changeVersion: upgrade.changeVersion,
} as unknown as EngineOptions)

it.each<Caller>(['full', 'agreed', 'cli'])(
  'becomes an upgrade from the path that was found, also for %s',
  async by => {
    const use = { engine: 'zot', yes: true, dryRun: false } as const
    expect(await engine.handlers.engine.use(use, by)).toEqual(fail(busy))
  },
)

it.each<Caller>(['full', 'agreed', 'app', 'page'])('is no path that %s names', async by => {
  const use = { engine: 'zot', path: '/tmp/zot', yes: true, dryRun: false } as const
  expect(await engine.handlers.engine.use(use, by)).toEqual(
    fail({ code: 'setting-not-allowed-here', key: 'engine.path' }),
  )
  const begin = { from: '/tmp/zot', yes: true, dryRun: false, undo: false, allowDowngrade: false }
  expect(await upgrade.handlers.upgrade.begin(begin, by)).toEqual(
    fail({ code: 'setting-not-allowed-here', key: 'from' }),
  )
})
