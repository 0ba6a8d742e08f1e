import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { fail, ok } from '../../../contract/result.ts'
import { createOpenSetting } from '../../../core/app/open-setting.ts'
import type { Settings } from '../../../core/settings/settings.ts'
import type { Supervisor } from '../../../core/supervisor/supervisor.ts'

const home = mkdtempSync(join(tmpdir(), 'zotbar-open-'))
afterAll(() => rmSync(home, { recursive: true }))

it('agrees in the app to nothing but the rights that were shown, and on the command line to those of now', async () => {
  const configFile = join(home, 'config.json')
  const repositories = { '**': { anonymousPolicy: ['read', 'create'] } }
  const http = { address: '0.0.0.0', port: '5000', accessControl: { repositories } }
  writeFileSync(configFile, JSON.stringify({ storage: { rootDirectory: home }, http }))
  const open = { address: '0.0.0.0:5000', rights: ['pull in **'] }
  const start = vi.fn(async () => fail({ code: 'cancelled' }))
  const agree = vi.fn(async () => ok(null))
  const set = createOpenSetting({
    configFile,
    openRegistry: { agree },
    settings: { set: async () => ok({}) } as unknown as Settings,
    supervisor: {
      state: () => ({ kind: 'undecided', why: 'open-registry', open }),
      start,
    } as unknown as Pick<Supervisor, 'state' | 'start'>,
    runs: { exclusively: (_, work) => work() },
    log: () => {},
  })
  expect(await set(open.address, 'window')).toEqual(
    fail({ code: 'config-edited-meanwhile', file: configFile }),
  )
  expect(agree).not.toHaveBeenCalled()
  expect(start).toHaveBeenCalledTimes(1)
  await set(open.address, 'cli')
  expect(agree).toHaveBeenCalledWith({ openAt: open.address, rights: [['**', ['read', 'create']]] }, 'cli')
  open.rights = ['pull, push in **']
  await set(open.address, 'window')
  expect(agree).toHaveBeenCalledTimes(2)
})
