import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { fail, ok, type Result } from '../../../contract/result.ts'
import { configHandlers } from '../../../core/app/config-handlers.ts'
import { zotEngine } from '../../../core/engine/zot.ts'
import { createRuns } from '../../../core/runbook/runs.ts'
import type { Supervisor } from '../../../core/supervisor/supervisor.ts'
import { systemClock } from '../../../lib/clock.ts'
import { servingState } from '../../fakes/host.ts'

const home = mkdtempSync(join(tmpdir(), 'zotbar-restore-'))
afterAll(() => rmSync(home, { recursive: true }))

it('lets no run begin from the drain of the registry until that serves again', async () => {
  const configFile = join(home, 'config.json')
  const begun: Result<unknown>[] = []
  const tryToBegin = async () => {
    begun.push(await runs.start({ name: 'a', title: 'A run', memory: {}, steps: [] }, 'cli'))
    return ok(servingState)
  }
  const supervisor = { state: () => servingState, begin: async () => {}, start: tryToBegin, stop: tryToBegin }
  const nothing = () => {}
  const runs = createRuns({
    home,
    clock: systemClock(),
    supervisor,
    report: nothing,
    notify: nothing,
    log: nothing,
    onChange: nothing,
  })
  const { restore } = configHandlers({
    configFile,
    store: {
      compare: async () => ({ at: 1, engine: 'zot', text: '{}', mode: 0o600, diff: '-', id: 'x' }) as never,
    },
    engine: () => zotEngine('zot', undefined),
    supervisor: supervisor as unknown as Supervisor,
    runs,
    now: () => 1,
    log: nothing,
  })
  expect(await restore({}, 'cli')).toMatchObject({ ok: true })
  expect(readFileSync(configFile, 'utf8')).toBe('{}')
  const refused = fail({ code: 'busy', with: 'the return to the config that last started' })
  expect(begun).toEqual([refused, refused])
  expect(runs.blocked()).toBeUndefined()
})
