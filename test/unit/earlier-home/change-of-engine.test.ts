import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { applyEdit, revertEdit } from '../../../core/advisories/apply-edit.ts'
import {
  type SwitchDeps,
  switchMemory,
  switchName,
  switchRunbook,
} from '../../../core/engine-switch/switch.ts'
import { verifyUnchanged } from '../../../core/releases/unchanged-file.ts'
import type { RunbookKind } from '../../../core/runbook/runbook-kind.ts'
import { createRunner, type RunbookRunner } from '../../../core/runbook/runner.ts'
import { openSettings, type Settings } from '../../../core/settings/settings.ts'
import type { UpgradeDeps } from '../../../core/upgrade/deps.ts'
import { createLibrary } from '../../../core/upgrade/library.ts'
import { upgradeMemory, upgradeName } from '../../../core/upgrade/memory.ts'
import { upgradeRunbook } from '../../../core/upgrade/runbook.ts'
import type { SendRegistryRequest } from '../../../core/verify/pull-checks.ts'
import { systemClock } from '../../../lib/clock.ts'
import { filesAt, filesIn, layRun, linesOf, type Machine, type Recording } from '../../setup/earlier-home.ts'

let machine: Machine
let home: string
let settings: Settings
let aside: unknown[]
beforeEach(() => {
  machine = { folder: mkdtempSync(join(tmpdir(), 'zotbar-earlier-')), port: 5050 }
  home = join(machine.folder, 'home')
  aside = []
})
afterEach(() => rmSync(machine.folder, { recursive: true, force: true }))

interface Interruption {
  recording: Recording
  at: number
  line: string
  /** How the run is to end; `nothing`: it had ended. */
  outcome: 'done' | 'cancelled' | 'rolled-back' | 'nothing'
}

/** Every line of a run that went to its end: from the step on that decides it goes on, before that it is taken back. */
const forward = (recording: Recording, decides: string): Interruption[] => {
  const lines = linesOf(recording)
  return lines.map((line, at) => ({
    recording,
    at,
    line,
    outcome: line === 'ended' ? 'nothing' : at < lines.indexOf(decides) ? 'cancelled' : 'done',
  }))
}
/** Every line from the failure on of a run that went back. */
const back = (recording: Recording): Interruption[] => {
  const lines = linesOf(recording)
  return lines
    .map(
      (line, at): Interruption => ({
        recording,
        at,
        line,
        outcome: line === 'ended' ? 'nothing' : 'rolled-back',
      }),
    )
    .slice(lines.indexOf('failed gate'))
}

/** What a registry answers that serves the one image of the store. */
const ask: SendRegistryRequest = async path => {
  const folder = join(machine.folder, 'zot/team/app')
  const { manifests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as {
    manifests: { digest: string }[]
  }
  const wanted = /sha256:\w+/.exec(path)?.[0] ?? manifests[0]?.digest ?? ''
  const body = path.endsWith('/tags/list')
    ? Buffer.from('{"name":"team/app","tags":["1"]}')
    : readFileSync(join(folder, 'blobs', wanted.replace(':', '/')))
  return { ok: true, value: { status: 200, body, header: () => undefined } }
}
const nothing = async () => ({ ok: true as const, value: null })

/** A process that starts and stops as asked, and the engine that it is. */
function world(engine: { id: string; command: string }) {
  const now = { serving: false, engine }
  const state = () =>
    now.serving ? { kind: 'serving', pid: 7, since: 0, startedBy: 'app' } : { kind: 'stopped' }
  const turn = (serving: boolean) => async () => {
    now.serving = serving
    return { ok: true, value: state() }
  }
  const common = {
    clock: systemClock(),
    supervisor: {
      state,
      start: turn(true),
      stop: turn(false),
      onChange: () => () => {},
      tail: async () => [],
    },
    roots: async () => [join(machine.folder, 'zot')],
    layout: async () => ({ isCached: () => false, serves: () => true }),
    known: new Map(),
    ask,
    tail: async () => [],
    verification: () => ({ readySeconds: 1, stableSeconds: 0 }),
    current: () => now.engine,
    use: (next: typeof engine) => {
      now.engine = next
    },
  }
  return { now, common }
}

const open = (name: string, kind: RunbookKind): RunbookRunner =>
  createRunner({
    home,
    clock: systemClock(),
    kinds: { [name]: kind },
    report: what => aside.push(what),
    log: () => {},
    onChange: () => {},
  })

async function begin({ recording, at }: Interruption): Promise<void> {
  layRun(recording, at, machine)
  settings = await openSettings({ home, clock: systemClock(), report: what => aside.push(what) })
}

/** Brings the run to its end, and looks whether it says so. */
async function bringToItsEnd(runbooks: RunbookRunner, { outcome, recording }: Interruption): Promise<void> {
  const interrupted = await runbooks.interrupted()
  expect(aside).toEqual([])
  if (outcome === 'nothing') expect(interrupted).toBeUndefined()
  else {
    expect(interrupted).toMatchObject({ resumes: outcome === 'done' })
    const ended = await interrupted?.resume()
    if (outcome === 'done') expect(ended).toEqual({ result: 'done' })
    expect(ended).toMatchObject({ result: outcome })
  }
  const [record] = await runbooks.history()
  const result = outcome !== 'nothing' ? outcome : recording.endsWith('back') ? 'rolled-back' : 'done'
  expect(record).toMatchObject({ result })
  expect(await runbooks.details(record?.run)).toMatchObject({ result, undoing: result !== 'done' })
}

/** The run itself brings the registry up: what is behind its stop was not yet taken back. */
const takesUp = ({ recording, at, outcome }: Interruption): boolean => {
  const lines = linesOf(recording)
  const before = (line: string): boolean => at < lines.indexOf(line) || !lines.includes(line)
  if (outcome === 'done') return before('applied gate')
  return outcome !== 'nothing' && !before('applying stop') && before('undone stop')
}

/** The settings, the programs and config.json are as 0.1.0 had them at a line. */
function isAs(recording: Recording, line: string): void {
  const what = /^(home\/settings\.json|home\/engines\/|\.config\/zot\/config\.json$)/
  const only = (files: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(files)
        .filter(([name, text]) => what.test(name) && !isLoose(name, text, files))
        .map(([name, text]) => [name, name.endsWith('settings.json') ? JSON.parse(text) : text]),
    )
  const wanted = filesAt(recording, linesOf(recording).indexOf(line), machine)
  expect(only(filesIn(machine.folder))).toEqual(only(wanted))
}

/** 0.1.0 leaves the link `current` behind too where it takes a first upgrade back. */
const isLoose = (name: string, text: string, files: Record<string, string>): boolean =>
  text.startsWith('-> ') &&
  !Object.keys(files).some(other => other.startsWith(join(name, '..', text.slice(3), '/')))

describe('an upgrade that 0.1.0 was in the middle of', () => {
  function upgrading() {
    const { now, common } = world({ id: 'zot', command: join(machine.folder, 'opt/zot') })
    const deps = {
      ...common,
      home,
      library: createLibrary(home),
      configFile: join(machine.folder, '.config/zot/config.json'),
      verifyAgain: verifyUnchanged,
      engine: (command: string) => ({ id: 'zot', command }),
      setEnginePath: (path: string) => settings.set('engine.path', path, 'cli'),
      applyEdit,
      revertEdit,
      checks: () => [],
      freeSpace: async () => undefined,
      keys: { since: async () => [], ownUser: async () => undefined },
      reportKeys: () => {},
      reportDatabases: () => {},
      log: () => {},
    } as unknown as UpgradeDeps
    return { now, deps }
  }

  it.each([...forward('upgrade-forward', 'applying swap'), ...back('upgrade-back')])(
    '$recording, interrupted at $line: $outcome',
    async one => {
      await begin(one)
      const { now, deps } = upgrading()
      await bringToItsEnd(
        open(upgradeName, {
          deserialize: memory => upgradeRunbook(v.parse(upgradeMemory, memory), deps),
          resumes: begun => begun('swap'),
        }),
        one,
      )
      isAs(one.recording, one.outcome === 'cancelled' ? 'begun' : 'ended')
      if (takesUp(one)) expect(now.serving).toBe(true)
    },
  )
})

describe('a switch of the engine that 0.1.0 was in the middle of', () => {
  it.each([...forward('switch-forward', 'applying switch'), ...back('switch-back')])(
    '$recording, interrupted at $line: $outcome',
    async one => {
      await begin(one)
      const engines = {
        'zotbar-registry': { id: 'zotbar-registry', command: process.execPath },
        zot: { id: 'zot', command: join(home, 'engines/zot/v2.1.15/zot') },
      }
      const { now, common } = world(engines[settings.get('engine')])
      const deps = {
        ...common,
        locate: async ({ id }: { id: keyof typeof engines }) => ({ ok: true, value: engines[id] }),
        choice: () => ({ id: settings.get('engine'), path: settings.get('engine.path') }),
        async choose({ id, path }: { id: string; path: string }) {
          await settings.set('engine.path', path, 'cli')
          return settings.set('engine', id, 'cli')
        },
        permit: () => {},
        recordChoice: nothing,
        isChosen: async () => true,
      } as unknown as SwitchDeps
      await bringToItsEnd(
        open(switchName, {
          deserialize: memory => switchRunbook(v.parse(switchMemory, memory), deps),
          resumes: begun => begun('switch'),
        }),
        one,
      )
      isAs(one.recording, one.outcome === 'cancelled' ? 'begun' : 'ended')
      if (takesUp(one)) expect(now.serving).toBe(true)
      expect(Object.keys(filesIn(home)).filter(name => name.includes('census'))).toEqual([])
    },
  )
})
