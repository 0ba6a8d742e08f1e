import { cpSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type SwitchDeps,
  switchMemory,
  switchName,
  switchRunbook,
} from '../../../core/engine-switch/switch.ts'
import type { RunbookKind } from '../../../core/runbook/runbook-kind.ts'
import { createRunner, type RunbookRunner } from '../../../core/runbook/runner.ts'
import type { UpgradeDeps } from '../../../core/upgrade/deps.ts'
import { createLibrary } from '../../../core/upgrade/library.ts'
import { upgradeMemory, upgradeName } from '../../../core/upgrade/memory.ts'
import { upgradeRunbook } from '../../../core/upgrade/runbook.ts'
import type { SendRegistryRequest } from '../../../core/verify/pull-checks.ts'
import { systemClock } from '../../../lib/clock.ts'
import { digestText } from '../../suites/image.ts'

/** Journals, inventories and a snapshot as the app at commit 8dc5906 left them when it was killed in a gate. */
const journals = join(import.meta.dirname, '../../fakes/journals')
const manifest = '{"schemaVersion":2,"layers":[]}'

let home: string
let data: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-earlier-'))
  data = join(home, 'data')
  const blobs = join(data, 'team/app/blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  mkdirSync(join(home, 'runbooks'))
  writeFileSync(join(data, 'team/app/oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(join(blobs, digestText(manifest).slice('sha256:'.length)), manifest)
  writeFileSync(join(data, 'meta.db'), 'written by the new version')
  writeFileSync(join(home, 'config.json'), '{}')
  holds('1', 'constructor')
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function holds(...tags: string[]): void {
  const manifests = tags.map(tag => ({
    digest: digestText(manifest),
    annotations: { 'org.opencontainers.image.ref.name': tag },
  }))
  writeFileSync(join(data, 'team/app/index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
}
function place(journal: string, inventory: string): void {
  const name = `20261130T120000000Z-${journal}.jsonl`
  const text = readFileSync(join(journals, name), 'utf8').replaceAll('@HOME@', home)
  writeFileSync(join(home, 'runbooks', name), text)
  mkdirSync(join(home, inventory, '..'), { recursive: true })
  cpSync(join(journals, 'census.json'), join(home, inventory))
}

const serving = { kind: 'serving', pid: 7, since: 0, startedBy: 'app' }
const ask: SendRegistryRequest = async path => {
  const body = Buffer.from(path.endsWith('/tags/list') ? '{"tags":["1","constructor"]}' : manifest)
  return { ok: true, value: { status: 200, body, header: () => undefined } }
}
const nothing = async () => ({ ok: true as const, value: null })
const common = () => ({
  clock: systemClock(),
  supervisor: {
    state: () => serving,
    start: nothing,
    stop: nothing,
    onChange: () => () => {},
    tail: async () => [],
  },
  roots: async () => [data],
  layout: async () => ({ isCached: () => false, serves: () => true }),
  known: new Map(),
  ask,
  tail: async () => [],
  verification: () => ({ readySeconds: 1, stableSeconds: 0 }),
  use: () => {},
})
const create = (
  name: string,
  deserialize: RunbookKind['deserialize'],
  resumes: RunbookKind['resumes'],
): RunbookRunner =>
  createRunner({
    home,
    clock: systemClock(),
    kinds: { [name]: { deserialize, resumes } },
    report: () => {},
    log: () => {},
    onChange: () => {},
  })

describe('a run that an earlier Zotbar was in the middle of', () => {
  const switching = (): RunbookRunner => {
    const engine = { id: 'zot', command: join(home, 'zot') }
    const deps = {
      ...common(),
      current: () => engine,
      locate: async () => ({ ok: true, value: engine }),
      choice: () => ({ id: 'zot', path: '' }),
      choose: nothing,
      permit: () => {},
      recordChoice: nothing,
      isChosen: async () => true,
    } as unknown as SwitchDeps
    return create(
      switchName,
      memory => switchRunbook(v.parse(switchMemory, memory), deps),
      begun => begun('switch'),
    )
  }

  it('goes on: a switch proves itself by what was written down then', async () => {
    place('engine-use-4b3d', 'runbooks/census-1.json')
    const interrupted = await switching().interrupted()
    expect(interrupted).toMatchObject({ runbook: 'engine-use', resumes: true })
    expect(await interrupted?.resume()).toEqual({ result: 'done' })
  })

  it('goes back where a tag is gone, whatever it is called', async () => {
    place('engine-use-4b3d', 'runbooks/census-1.json')
    holds('1')
    const interrupted = await switching().interrupted()
    expect(await interrupted?.resume()).toMatchObject({
      result: 'rolled-back',
      error: { code: 'gate-failed', words: expect.stringContaining('team/app:constructor is no longer') },
    })
  })

  it('goes back from an upgrade without its copies, which have no list of what they hold', async () => {
    place('upgrade-24a6', 'upgrades/1/census.json')
    const copies = join(home, 'snapshots/1/root-0')
    mkdirSync(copies, { recursive: true })
    writeFileSync(join(copies, 'meta.db'), 'before')
    for (const [name, text] of [
      ['v2.1.13', 'old'],
      ['v2.1.15', 'new'],
    ] as const) {
      mkdirSync(join(home, 'engines/zot', name), { recursive: true })
      writeFileSync(join(home, 'engines/zot', name, 'zot'), text)
    }
    writeFileSync(join(home, 'zot-old'), 'old')
    holds()
    const reported: unknown[] = []
    const library = createLibrary(home)
    await library.activate('v2.1.15')
    const deps = {
      ...common(),
      home,
      library,
      configFile: join(home, 'config.json'),
      current: () => ({ command: join(home, 'zot-old') }),
      engine: () => ({}),
      setEnginePath: nothing,
      checks: () => [],
      freeSpace: async () => undefined,
      keys: { since: async () => [], ownUser: async () => undefined },
      reportKeys: () => {},
      reportDatabases: (what: unknown) => reported.push(what),
      log: () => {},
    } as unknown as UpgradeDeps
    const deserialize: RunbookKind['deserialize'] = memory =>
      upgradeRunbook(v.parse(upgradeMemory, memory), deps)
    const runbooks = create(upgradeName, deserialize, begun => begun('swap'))
    const interrupted = await runbooks.interrupted()
    expect(interrupted).toMatchObject({ runbook: 'upgrade', resumes: true })
    expect(await interrupted?.resume()).toMatchObject({
      result: 'rolled-back',
      error: { code: 'gate-failed' },
    })
    expect(reported).toEqual([
      { why: expect.stringContaining('no list of what they hold'), snapshot: join(home, 'snapshots/1') },
    ])
    expect(readFileSync(join(data, 'meta.db'), 'utf8')).toBe('written by the new version')
    expect(readFileSync(join(copies, 'meta.db'), 'utf8')).toBe('before')
    expect(readlinkSync(join(home, 'engines/zot/current'))).toBe('v2.1.13')
    const swap = (await runbooks.details(undefined))?.steps.find(({ id }) => id === 'swap')
    expect(swap).toMatchObject({ state: 'undone', words: expect.stringContaining('The databases stay') })
  })
})
