import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProcessState } from '../../../contract/registry-state.ts'
import type { ProcessTable } from '../../../core/platform/process-table.ts'
import {
  createSupervisor,
  type Supervisor,
  type SupervisorDeps,
} from '../../../core/supervisor/supervisor.ts'
import { type FakeClock, fakeClock } from '../../fakes/clock.ts'
import { fakeEngine, fakeZot } from '../../fakes/engine/fake-engine.ts'
import { fakeSpawn } from '../../fakes/engine/fake-spawn.ts'
import { eventually } from '../../fakes/eventually.ts'
import { target } from './drive.ts'

let home: string
let clock: FakeClock
let supervisor: Supervisor
let spawned: ReturnType<typeof fakeSpawn>
let answering: boolean
let signals: [number, string][]
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'zotbar-run-'))
  clock = fakeClock()
  spawned = fakeSpawn()
  answering = true
  signals = []
})
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))

const processes: ProcessTable = {
  alive: () => true,
  startTime: async () => 1,
  executable: async () => process.execPath,
  commandLine: async () => undefined,
  owner: async () => undefined,
  portOwner: async () => undefined,
  holders: async () => [],
  keptBy: async () => undefined,
}

function create(parts: Partial<SupervisorDeps> = {}): Supervisor {
  supervisor = createSupervisor({
    engine: fakeEngine,
    home,
    configFile: join(home, 'config.json'),
    clock,
    processes,
    preflight: async () => ({ ok: true, value: target }),
    uploadsInProgress: async () => [],
    uploadsLeft: async () => [],
    childEnvironment: { PATH: '/bin' },
    log: () => {},
    report: () => {},
    spawn: spawned.spawn,
    probe: async () => (answering ? 200 : undefined),
    kill: (pid, signal) => {
      signals.push([pid, signal])
      return true
    },
    isPortFree: async () => true,
    random: () => 0.5,
    ...parts,
  })
  return supervisor
}

/** Lets time pass in small steps until the state is reached: files are real, so a step may take a moment. */
async function until(kind: ProcessState['kind']): Promise<ProcessState> {
  return eventually(async () => {
    await clock.advance(50)
    const state = supervisor.state()
    return state.kind === kind ? state : undefined
  })
}

const child = (index: number) => spawned.children[index] ?? expect.fail(`there is no process ${index}`)

describe('the supervisor', () => {
  it('leaves a registry stopped that was stopped before a hand-over, and starts it when asked', async () => {
    create()
    await supervisor.begin({ stopped: true })
    expect(supervisor.state()).toMatchObject({ kind: 'stopped', why: 'asked' })
    expect(spawned.children).toEqual([])
    const started = supervisor.start()
    await until('serving')
    expect((await started).ok).toBe(true)
    await supervisor.close({ keepServing: true })
  })

  it('starts the engine with its config last and only the environment it is given', async () => {
    await create({ engine: { ...fakeEngine, environment: { MORE: '1' } } }).begin()
    await until('serving')
    expect(spawned.asked).toEqual([
      {
        command: process.execPath,
        args: [...fakeEngine.args, join(home, 'config.json')],
        env: { PATH: '/bin', MORE: '1' },
      },
    ])
    const record = JSON.parse(readFileSync(join(home, 'run', 'registry.json'), 'utf8'))
    expect(record).toMatchObject({
      pid: 5000,
      startTime: 1,
      place: target,
      engine: 'zotbar-registry',
      version: '1.2.3',
    })
  })

  it('reports changes together, as plain data that may be stored', async () => {
    create()
    const told: ProcessState[] = []
    const end = supervisor.onChange(() => told.push(supervisor.state()))
    await supervisor.begin()
    await until('serving')
    expect(told.map(state => state.kind)).toContain('serving')
    for (const state of told) expect(structuredClone(state)).toEqual(state)
    end()
    const heard = told.length
    answering = false
    child(0).end(1)
    await until('starting')
    expect(told).toHaveLength(heard)
  })

  it('kills the whole group at the deadline, and no process that is gone', async () => {
    await create().begin()
    await until('serving')
    const stopping = supervisor.stop()
    await until('stopping')
    expect(child(0).signals).toEqual(['SIGTERM'])
    expect(signals).toEqual([])
    await clock.advance(20_000)
    expect(signals).toEqual([[-5000, 'SIGKILL']])
    child(0).end(null, 'SIGKILL')
    expect(await stopping).toMatchObject({ ok: true })
    expect(existsSync(join(home, 'run', 'registry.json'))).toBe(false)
    await clock.advance(60_000)
    expect(signals).toHaveLength(1)
  })

  it('waits quietly for a data volume and starts when it is back', async () => {
    let there = false
    const error = { code: 'data-volume-missing' as const, path: '/v/zot', parent: '/v' }
    create({ preflight: async () => (there ? { ok: true, value: target } : { ok: false, error }) })
    await supervisor.begin()
    expect(await until('failed')).toMatchObject({ error })
    expect(await supervisor.start()).toEqual({ ok: false, error })
    const before = supervisor.state()
    await clock.advance(30_000)
    expect(supervisor.state()).toMatchObject({ kind: 'failed', since: 'since' in before && before.since })
    there = true
    await clock.advance(10_000)
    await until('serving')
    expect(supervisor.journal()[0]).toMatchObject({ cause: 'retry' })
  })

  it('is not held up by a check of the config that never ends, or throws', async () => {
    create({ preflight: () => new Promise(() => {}) })
    await supervisor.begin()
    await clock.advance(20_000)
    expect(supervisor.state()).toMatchObject({ kind: 'failed', error: { code: 'unexpected' } })
    create({ preflight: () => Promise.reject(new Error('a bug')) })
    await supervisor.begin()
    expect(await until('failed')).toMatchObject({ error: { code: 'unexpected' } })
  })

  it('goes on when the uploads cannot be seen', async () => {
    await create({ uploadsInProgress: () => Promise.reject(new Error('gone')) }).begin()
    await until('serving')
    const stopping = supervisor.stop()
    await until('stopping')
    child(0).end(0)
    expect(await stopping).toMatchObject({ ok: true })
  })

  it('restarts what hangs, and does not mistake sleep for it', async () => {
    await create().begin()
    await until('serving')
    await clock.jump(8 * 3_600_000)
    supervisor.woke()
    await clock.advance(30_000)
    expect(supervisor.state()).toMatchObject({ kind: 'serving', pid: 5000 })
    answering = false
    await clock.advance(20_000)
    expect(signals).toEqual([[-5000, 'SIGKILL']])
    answering = true
    child(0).end(null, 'SIGKILL')
    await eventually(() => spawned.children.length === 2)
    await until('serving')
    expect(supervisor.journal()[0]).toMatchObject({ cause: 'hung', lastLines: ['process 5000'] })
    expect(supervisor.journal()[0]?.downMs).toBeGreaterThanOrEqual(15_000)
  })

  it('neither signals nor gives up an adopted process that it cannot inspect', async () => {
    const configFile = join(home, 'config.json')
    const record = { pid: 70, startTime: 1, spawnedAt: clock.now(), executable: process.execPath, configFile }
    mkdirSync(join(home, 'run'))
    writeFileSync(
      join(home, 'run', 'registry.json'),
      JSON.stringify({ ...record, engine: 'zotbar-registry', place: target, logFrom: 0 }),
    )
    let startTime: number | undefined = 1
    let alive = true
    const looks: Partial<ProcessTable> = {
      alive: () => alive,
      startTime: async () => startTime,
      commandLine: async () => ['node', configFile],
      portOwner: async () => ({ pid: 70 }),
    }
    await create({ processes: { ...processes, ...looks } }).begin()
    expect(await until('serving')).toMatchObject({ pid: 70, adopted: true })
    startTime = undefined
    const stopping = supervisor.stop()
    await until('stopping')
    await clock.advance(10_000)
    expect([supervisor.state().kind, signals]).toEqual(['stopping', []])
    startTime = 1
    await clock.advance(10_000)
    expect(signals).toEqual([[-70, 'SIGKILL']])
    alive = false
    await until('stopped')
    expect(await stopping).toMatchObject({ ok: true })
  })

  it('answers everybody who asked when the app quits, and starts nothing more', async () => {
    await create().begin()
    await until('serving')
    const restarting = supervisor.restart({ now: false })
    const closing = supervisor.close({ keepServing: false })
    expect(supervisor.close({ keepServing: true })).toBe(closing)
    expect(await restarting).toEqual({ ok: false, error: { code: 'quitting' } })
    expect(await supervisor.start()).toEqual({ ok: false, error: { code: 'quitting' } })
    child(0).end(0)
    await closing
    expect(supervisor.state()).toMatchObject({ kind: 'stopped', why: 'quit' })
    expect(spawned.children).toHaveLength(1)
    expect(clock.pending()).toEqual([])
  })

  it.each([
    ['that waits for pushes itself is told at once', fakeEngine, 0],
    ['that does not is told when pushes had their 5 s', fakeZot, 5000],
  ])(
    'ends an engine for the end of the session, 1 s after those at most: one %s',
    async (_, engine, toldAt) => {
      const pushes = async () => [{ repository: 'a', bytes: clock.now() }]
      await create({ engine, uploadsInProgress: pushes }).begin()
      await until('serving')
      // The user had quit already, and logs out while that waits.
      const quitting = supervisor.close({ keepServing: false })
      await clock.advance(0)
      expect(supervisor.close({ keepServing: false, pushesMs: 5000 })).toBe(quitting)
      const before = Math.max(0, toldAt - 1)
      await clock.advance(before)
      expect(child(0).signals).toEqual(toldAt === 0 ? ['SIGTERM'] : [])
      await clock.advance(5999 - before)
      expect([child(0).signals, signals]).toEqual([['SIGTERM'], []])
      await clock.advance(1)
      expect(signals).toEqual([[-5000, 'SIGKILL']])
      child(0).end(null, 'SIGKILL')
      await quitting
      expect(clock.pending()).toEqual([])
    },
  )

  it('leaves no timer behind when it leaves the process running', async () => {
    await create().begin()
    await until('serving')
    await supervisor.close({ keepServing: true })
    expect(clock.pending()).toEqual([])
    expect(existsSync(join(home, 'run', 'registry.json'))).toBe(true)
    expect(child(0).signals).toEqual([])
  })
})
