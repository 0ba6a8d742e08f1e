import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { ProcessState } from '../../../contract/registry-state.ts'
import { writeRecord } from '../../../core/supervisor/process-record.ts'
import { fakeEngine } from '../../fakes/engine/fake-engine.ts'
import { eventually } from '../../fakes/eventually.ts'
import { answers, createRig, pidsOf, processes, until } from './rig.ts'

const script = fileURLToPath(new URL('../../fakes/engine/supervising.ts', import.meta.url))

let rig: Awaited<ReturnType<typeof createRig>>
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rig.end()
})

/** Runs a supervisor elsewhere, kills it while its registry serves, and answers the registry's state then. */
async function leftBehind() {
  const app = spawn(process.execPath, [script, rig.home, rig.configFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(app)
  let output = ''
  app.stdout.on('data', chunk => {
    output += chunk
  })
  const serving = await eventually(() => {
    const states: ProcessState[] = output
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line))
    return states.find(state => state.kind === 'serving')
  })
  await eventually(() => rig.record().startTime !== undefined)
  const ended = new Promise(resolve => app.once('exit', resolve))
  app.kill('SIGKILL')
  await ended
  return serving as Extract<ProcessState, { kind: 'serving' }>
}

describe('a registry that a killed app left', () => {
  it('keeps serving, is adopted, watched, and started again after it dies', async () => {
    rig = await createRig()
    const left = await leftBehind()
    expect(await answers(rig.port)).toBe(true)

    const supervisor = rig.supervise()
    const asked = Date.now()
    await supervisor.begin()
    const adopted = await until(supervisor, 'serving')
    expect(Date.now() - asked).toBeLessThan(5000)
    expect(adopted).toMatchObject({ pid: left.pid, adopted: true, startedAt: left.startedAt })
    expect(supervisor.journal()[0]).toMatchObject({ cause: 'adopted', pid: left.pid })

    process.kill(left.pid, 'SIGKILL')
    const next = await eventually(() => {
      const state = supervisor.state()
      return state.kind === 'serving' && !state.adopted ? state : undefined
    })
    expect(next.pid).not.toBe(left.pid)
    expect(supervisor.journal()[0]).toMatchObject({
      cause: 'crashed',
      exit: { kind: 'unknown-adopted' },
      pid: left.pid,
    })
  })

  it('is stopped like one of our own', async () => {
    rig = await createRig()
    const left = await leftBehind()
    const supervisor = rig.supervise()
    await supervisor.begin()
    await until(supervisor, 'serving')
    expect(await supervisor.restart({ now: false })).toMatchObject({
      ok: true,
      value: { kind: 'serving', adopted: false },
    })
    expect(processes.alive(left.pid)).toBe(false)
    expect(supervisor.journal()[0]).toMatchObject({
      cause: 'asked-restart',
      exit: { kind: 'unknown-adopted' },
    })
    expect(pidsOf(rig.configFile)).toHaveLength(1)
  })

  it('is killed when it hangs', async () => {
    rig = await createRig()
    const left = await leftBehind()
    process.kill(left.pid, 'SIGSTOP')
    const supervisor = rig.supervise({ policy: { adoptTimeoutMs: 500 } })
    await supervisor.begin()
    const next = await until(supervisor, 'serving')
    expect(next.pid).not.toBe(left.pid)
    expect(processes.alive(left.pid)).toBe(false)
    expect(supervisor.journal()[0]).toMatchObject({ cause: 'hung', pid: left.pid })
  })

  it('is adopted as it is while it is overloaded and cuts every connection', async () => {
    rig = await createRig()
    const left = await leftBehind()
    process.kill(left.pid, 'SIGUSR2')
    const supervisor = rig.supervise({ policy: { adoptTimeoutMs: 500 } })
    await supervisor.begin()
    expect(await until(supervisor, 'serving')).toMatchObject({ pid: left.pid, adopted: true })
    const cuts = async () => (await supervisor.tail(100)).filter(line => line.includes('"cut"')).length
    await eventually(async () => (await cuts()) >= 6)
    expect(supervisor.state()).toMatchObject({ kind: 'serving', pid: left.pid })
  })

  it('is left running by an app that keeps it serving, and found by the next', async () => {
    rig = await createRig()
    const first = rig.supervise()
    await first.begin()
    const { pid } = await until(first, 'serving')
    await eventually(() => rig.record().startTime !== undefined)
    await first.close({ keepServing: true })
    expect(await first.start()).toEqual({ ok: false, error: { code: 'quitting' } })
    expect(await answers(rig.port)).toBe(true)
    const second = rig.supervise()
    await second.begin()
    expect(await until(second, 'serving')).toMatchObject({ pid, adopted: true })
    await second.close({ keepServing: false })
    expect(second.state()).toMatchObject({ kind: 'stopped', why: 'quit' })
    expect(processes.alive(pid)).toBe(false)
    expect(existsSync(join(rig.home, 'run', 'registry.json'))).toBe(false)
  })
})

describe('an app that is killed at any moment of a start', () => {
  it('leaves at most one registry, and the next life of the app has exactly one', async () => {
    rig = await createRig({ startAfter: 50 })
    let adopted = 0
    for (let round = 0; round < 12; round++) {
      const app = spawn(process.execPath, [script, rig.home, rig.configFile], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.push(app)
      const ended = new Promise(resolve => app.once('exit', resolve))
      // From the first state that is told on: the interesting instants follow the spawn.
      await new Promise(resolve => app.stdout.once('data', resolve))
      await new Promise(resolve => setTimeout(resolve, round * 8))
      app.kill('SIGKILL')
      await ended
      const next = rig.supervise()
      await next.begin()
      const serving = await until(next, 'serving', 20_000)
      expect(pidsOf(rig.configFile)).toEqual([serving.pid])
      adopted += serving.adopted ? 1 : 0
      await next.close({ keepServing: false })
      expect(pidsOf(rig.configFile)).toEqual([])
    }
    expect(adopted).toBeGreaterThan(0)
  })
})

describe('a process that is not the recorded one', () => {
  it.each([
    ['another start time', { startTime: 1 }],
    ['another executable', { executable: '/bin/false' }],
    ['another config', { configFile: '/elsewhere/config.json' }],
    ['another port owner', { port: true }],
  ])('is never signalled: %s', async (_, different) => {
    rig = await createRig()
    // An innocent process that looks like ours in everything but one thing.
    const innocent = spawn(process.execPath, [...fakeEngine.args, rig.configFile], { stdio: 'ignore' })
    children.push(innocent)
    const pid = innocent.pid ?? 0
    await eventually(() => answers(rig.port))
    const startTime = await processes.startTime(pid)
    const elsewhere = 'port' in different ? { ...rig.place, port: await busyPort() } : rig.place
    writeRecord(join(rig.home, 'run', 'registry.json'), {
      pid,
      ...(startTime === undefined ? {} : { startTime }),
      spawnedAt: Date.now(),
      executable: process.execPath,
      configFile: rig.configFile,
      engine: 'zotbar-registry',
      logFrom: 0,
      ...different,
      place: elsewhere,
    })
    const signals: number[] = []
    const supervisor = rig.supervise({
      kill: target => {
        signals.push(target)
        return true
      },
    })
    await supervisor.begin()
    expect(await until(supervisor, 'foreign')).toMatchObject({ pid })
    expect(await supervisor.stop()).toMatchObject({ ok: true })
    await supervisor.close({ keepServing: false })
    expect(signals).toEqual([])
    expect(processes.alive(pid)).toBe(true)
  })

  it('does not stand in the way when its record cannot be read', async () => {
    rig = await createRig()
    const supervisor = rig.supervise()
    writeRecord(join(rig.home, 'run', 'registry.json'), {} as never)
    writeFileSync(join(rig.home, 'journal.jsonl'), 'not json\n')
    await supervisor.begin()
    await until(supervisor, 'serving')
    expect(rig.facts.map(fact => fact.file)).toEqual([
      join(rig.home, 'journal.jsonl'),
      join(rig.home, 'run', 'registry.json'),
    ])
    for (const { keptAs } of rig.facts) expect(existsSync(keptAs)).toBe(true)
  })
})

/** A port that this test process itself listens on until the test ends. */
async function busyPort(): Promise<number> {
  const { createServer } = await import('node:net')
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
    server.unref()
  })
}
