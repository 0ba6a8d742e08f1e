import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createOutputLog } from '../../../core/registry-config/output-log.ts'
import { standardPolicy } from '../../../core/supervisor/policy.ts'
import { systemClock } from '../../../lib/clock.ts'
import { fakeEngine, fakeZot } from '../../fakes/engine/fake-engine.ts'
import { eventually } from '../../fakes/eventually.ts'
import { answers, createRig, pidsOf, until } from './rig.ts'

let rig: Awaited<ReturnType<typeof createRig>>
afterEach(() => rig.end())

describe('a supervised process', () => {
  it('starts, answers, restarts and stops, each reported when it is so', async () => {
    rig = await createRig()
    const supervisor = rig.supervise()
    await supervisor.begin()
    const first = await until(supervisor, 'serving')
    expect(await answers(rig.port)).toBe(true)
    expect(first).toMatchObject({ adopted: false })
    expect(supervisor.target()).toEqual(rig.place)

    const restarted = await supervisor.restart({ now: false })
    expect(restarted).toMatchObject({ ok: true, value: { kind: 'serving' } })
    expect(restarted.ok && restarted.value.kind === 'serving' && restarted.value.pid).not.toBe(first.pid)
    expect(supervisor.journal()[0]).toMatchObject({ cause: 'asked-restart', exit: { kind: 'code', code: 0 } })
    expect(supervisor.journal()[0]?.downMs).toBeGreaterThan(0)

    expect(await supervisor.stop()).toMatchObject({ ok: true, value: { kind: 'stopped', why: 'asked' } })
    expect(await answers(rig.port)).toBe(false)
    expect(pidsOf(rig.configFile)).toEqual([])
    expect(await supervisor.start()).toMatchObject({ ok: true, value: { kind: 'serving' } })
    expect(rig.kinds()).toEqual(
      expect.arrayContaining(['starting', 'serving', 'draining', 'stopping', 'stopped']),
    )
    for (const state of rig.states) expect(structuredClone(state)).toEqual(state)
  })

  it('is back within 0.7 s after a kill, and the journal says why', async () => {
    rig = await createRig()
    const supervisor = rig.supervise()
    const began = performance.now()
    await supervisor.begin()
    const { pid } = await until(supervisor, 'serving')
    const startMs = performance.now() - began
    process.kill(pid, 'SIGKILL')
    await eventually(
      () => supervisor.state().kind === 'serving' && supervisor.journal()[0]?.downMs !== undefined,
    )
    const [entry] = supervisor.journal()
    expect(entry).toMatchObject({ cause: 'crashed', exit: { kind: 'signal', signal: 'SIGKILL' }, pid })
    expect(entry?.lastLines.join()).toContain(`start ${pid}`)
    // A start takes as long as this machine needs for one now.
    expect(entry?.downMs).toBeLessThan(700 + 3 * startMs)
  })

  it('writes its output to a file of its own that nobody else reads', async () => {
    rig = await createRig({ says: 'hello' })
    const supervisor = rig.supervise()
    const lines: string[] = []
    supervisor.follow(batch => lines.push(...batch.lines))
    await supervisor.begin()
    await until(supervisor, 'serving')
    await eventually(() => lines.some(line => line.includes('hello')))
    expect(await supervisor.tail(5)).toEqual(['{"level":"info","message":"hello"}'])
    expect(statSync(join(rig.home, 'logs', 'registry.log')).mode & 0o777).toBe(0o600)
    expect(statSync(join(rig.home, 'run', 'registry.json')).mode & 0o777).toBe(0o600)
  })

  it.runIf(process.platform === 'linux')('gets the environment it is given and nothing else', async () => {
    rig = await createRig()
    process.env['SECRET_OF_THE_APP'] = 'x'
    const supervisor = rig.supervise({ childEnvironment: { HOME: '/nowhere' } })
    await supervisor.begin()
    const { pid } = await until(supervisor, 'serving')
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
    expect(environment).toEqual(['HOME=/nowhere'])
  })
})

describe('a process that does not do as it should', () => {
  it('exits 0 at once: reported, tried again with pauses, and given up as a crash loop', async () => {
    rig = await createRig({ exitAfter: 0, says: 'no reason' })
    const supervisor = rig.supervise()
    await supervisor.begin()
    const state = await until(supervisor, 'crash-looping', 20_000)
    expect(state).toMatchObject({ exits: 6, exit: { kind: 'code', code: 0 } })
    expect(state.lastLines.join()).toContain('no reason')
    expect(supervisor.journal()[0]).toMatchObject({ cause: 'ended-by-itself' })
    expect(rig.kinds()).toContain('backing-off')
    rig.configure({})
    expect(await supervisor.start()).toMatchObject({ ok: true })
  })

  it('dies with a code: the caller of the start gets the code and the last lines', async () => {
    rig = await createRig({ exitAfter: 0, code: 7, says: 'bad luck' })
    const supervisor = rig.supervise()
    const started = await supervisor.start()
    expect(started).toMatchObject({
      ok: false,
      error: { code: 'start-failed', exit: { kind: 'code', code: 7 } },
    })
    expect(JSON.stringify(started)).toContain('bad luck')
    expect(await supervisor.stop()).toMatchObject({ ok: true })
  })

  it('breaks off for want of something outside: its own word from two logs, and it serves once that is there', async () => {
    rig = await createRig()
    const log = join(rig.home, '..', 'own.log')
    const message = 'failed to initialize new relying party oidc'
    const frames = Array.from({ length: 40 }, (_, n) => [`main.frame${n}(...)`, `\t/zot/main.go:${n} +0x18`])
    rig.configure({
      exitAfter: 0,
      code: 2,
      logs: { file: log, message, error: 'dial tcp 127.0.0.1:9: connect: connection refused' },
      last: [`panic: ${message}`, '', 'goroutine 1 [running]:', ...frames.flat()],
    })
    const outputLog = createOutputLog(
      systemClock(),
      () => {},
      () => {},
    )
    outputLog.use(log)
    const supervisor = rig.supervise({
      outputSince: outputLog.since,
      policy: { throttleMs: 500, minThrottleMs: 50 },
    })
    await supervisor.begin()
    const lastWord = `${message}: dial tcp 127.0.0.1:9: connect: connection refused`
    expect(await supervisor.start()).toMatchObject({
      ok: false,
      error: { code: 'start-failed', lastWord, waitsFor: 'identity-provider' },
    })
    const state = await until(supervisor, 'backing-off')
    expect(state).toMatchObject({ lastWord, waitsFor: 'identity-provider' })
    expect(state.lastLines.at(-1)).toBe(`panic: ${message}`)
    expect(supervisor.journal()[0]).toMatchObject({ cause: 'start-failed', lastWord })
    rig.configure({})
    await until(supervisor, 'serving')
    await outputLog.close()
  })

  it('ignores SIGTERM: killed at its deadline', async () => {
    rig = await createRig({ ignoresTerm: true })
    const supervisor = rig.supervise({ policy: { killAfterMs: 500, drainTimeoutMs: 200 } })
    await supervisor.begin()
    await until(supervisor, 'serving')
    expect(await supervisor.stop()).toMatchObject({ ok: true })
    await eventually(() => supervisor.journal()[0]?.exit)
    expect(supervisor.journal()[0]).toMatchObject({
      cause: 'asked-stop',
      exit: { kind: 'signal', signal: 'SIGKILL' },
    })
  })

  it('hangs while it holds the port: noticed, killed, started again', async () => {
    rig = await createRig({ hangAfter: 300 })
    const supervisor = rig.supervise()
    await supervisor.begin()
    const { pid } = await until(supervisor, 'serving')
    rig.configure({})
    await eventually(() => {
      const state = supervisor.state()
      return state.kind === 'serving' && state.pid !== pid
    })
    expect(supervisor.journal().find(entry => entry.pid === pid && entry.exit)).toMatchObject({
      cause: 'hung',
    })
    // Before the verdict it was not said to serve as if nothing were wrong.
    expect(rig.states).toContainEqual(
      expect.objectContaining({
        kind: 'serving',
        pid,
        silence: { since: expect.any(Number), overloaded: false },
      }),
    )
  })

  it('cuts every connection, as at a limit: it is overloaded, and left alone', async () => {
    rig = await createRig()
    const supervisor = rig.supervise()
    await supervisor.begin()
    const { pid } = await until(supervisor, 'serving')
    process.kill(pid, 'SIGUSR2')
    const cuts = async () => (await supervisor.tail(100)).filter(line => line.includes('"cut"')).length
    const enough = 2 * standardPolicy.hangMisses + 1
    await eventually(async () => (await cuts()) >= enough)
    expect(supervisor.state()).toMatchObject({ kind: 'serving', pid, silence: { overloaded: true } })
    expect(supervisor.journal().filter(entry => entry.exit)).toEqual([])
  })

  it('floods its output: the disk stays bounded, the tail too, and it goes on serving', async () => {
    rig = await createRig({ flood: true })
    const supervisor = rig.supervise({
      logLimits: { maxBytes: 1_000_000, retained: 2, intervalMs: 100 },
      policy: { hangTimeoutMs: 5000 },
    })
    let dropped = 0
    let longest = 0
    supervisor.follow(batch => {
      dropped += batch.dropped
      longest = Math.max(longest, batch.lines.length)
    })
    await supervisor.begin()
    await until(supervisor, 'serving')
    await eventually(() => dropped > 100_000 && existsSync(join(rig.home, 'logs', 'registry.log.2')))
    expect(longest).toBeLessThanOrEqual(2000)
    expect((await supervisor.tail(50)).length).toBe(50)
    expect(await supervisor.stop()).toMatchObject({ ok: true })
    const logs = readdirSync(join(rig.home, 'logs')).filter(name => /^registry\.log(\.\d)?$/.test(name))
    expect(logs.sort()).toEqual(['registry.log', 'registry.log.1', 'registry.log.2'])
    for (const name of logs.filter(each => each !== 'registry.log'))
      expect(statSync(join(rig.home, 'logs', name)).size).toBeLessThanOrEqual(2_100_000)
  })

  it('is not there: engine-missing', async () => {
    rig = await createRig()
    const supervisor = rig.supervise({ engine: { ...fakeEngine, args: ['/nowhere/engine.mjs', 'serve'] } })
    expect(await supervisor.start()).toEqual({
      ok: false,
      error: { code: 'engine-missing', path: '/nowhere/engine.mjs' },
    })
  })
})

describe('the port in other hands', () => {
  it('is named, left alone, and used when it is free', async () => {
    rig = await createRig()
    const other = createServer((_, response) => response.end('me')).listen(rig.port, '127.0.0.1')
    const supervisor = rig.supervise()
    await supervisor.begin()
    const started = await supervisor.start()
    expect(started).toMatchObject({
      ok: false,
      error: { code: 'port-in-use', port: rig.port, pid: process.pid },
    })
    expect(supervisor.state()).toMatchObject({ kind: 'foreign', pid: process.pid })
    expect(pidsOf(rig.configFile)).toEqual([])
    other.closeAllConnections()
    await new Promise(resolve => other.close(resolve))
    await until(supervisor, 'serving')
    expect(supervisor.journal()[0]).toMatchObject({ cause: 'retry' })
  })

  it('taken in the instant before a zot listens, which then exits 0, is no crash', async () => {
    rig = await createRig({ kind: 'zot' })
    const other = createServer((_, response) => response.end('me')).listen(rig.port, '127.0.0.1')
    let looks = 0
    // The first look came too early to see it.
    const isPortFree = async () => looks++ === 0
    const supervisor = rig.supervise({ engine: fakeZot, isPortFree })
    await supervisor.begin()
    expect(await supervisor.start()).toMatchObject({
      ok: false,
      error: { code: 'port-in-use', pid: process.pid },
    })
    expect(supervisor.state()).toMatchObject({ kind: 'foreign' })
    expect(supervisor.journal()[0]).toMatchObject({
      cause: 'ended-by-itself',
      exit: { kind: 'code', code: 0 },
    })
    expect(supervisor.journal()[0]?.lastLines.join()).toContain('failed to start controller')
    expect(rig.kinds()).not.toContain('serving')
    other.close()
  })
})

describe('a drain', () => {
  const push = (bytes: number) => [{ repository: 'a/b', bytes }]

  it('of an engine without one waits for pushes, can be called back, and costs nothing without any', async () => {
    rig = await createRig({ kind: 'zot' })
    let bytes = 0
    let pushing = true
    const supervisor = rig.supervise({
      engine: fakeZot,
      uploadsInProgress: async () => {
        bytes += 10
        return pushing ? push(bytes) : []
      },
      policy: { drainTimeoutMs: 20_000 },
    })
    const began = performance.now()
    await supervisor.begin()
    const { pid } = await until(supervisor, 'serving')
    const startMs = performance.now() - began
    const restarting = supervisor.restart({ now: false })
    expect(await until(supervisor, 'draining')).toMatchObject({ cancellable: true })
    await eventually(() => bytes > 30)
    expect(supervisor.cancel()).toEqual({ ok: true, value: null })
    expect(await restarting).toEqual({ ok: false, error: { code: 'cancelled' } })
    expect(supervisor.state()).toMatchObject({ kind: 'serving', pid })
    expect(supervisor.cancel()).toEqual({ ok: false, error: { code: 'nothing-to-cancel' } })

    pushing = false
    const asked = performance.now()
    expect(await supervisor.restart({ now: false })).toMatchObject({ ok: true })
    // A stop, and a start as long as this machine needs for one now.
    expect(performance.now() - asked).toBeLessThan(1500 + 3 * startMs)

    pushing = true
    const slow = supervisor.restart({ now: false })
    await until(supervisor, 'draining')
    expect(await supervisor.restart({ now: true })).toMatchObject({ ok: true })
    expect(await slow).toMatchObject({ ok: true })
    pushing = false
  })

  it('of an engine with one begins at once; a restart that does not wait kills it', async () => {
    rig = await createRig({ drainMs: 60_000 })
    const supervisor = rig.supervise({
      uploadsInProgress: async () => push(1),
      uploadsLeft: async () => ['a/b'],
      policy: { drainTimeoutMs: 30_000, killAfterMs: 40_000 },
    })
    await supervisor.begin()
    const { pid } = await until(supervisor, 'serving')
    const restarting = supervisor.restart({ now: false })
    const draining = await eventually(() => {
      const state = supervisor.state()
      return state.kind === 'draining' && state.pushes.length > 0 ? state : undefined
    })
    expect(draining).toMatchObject({ cancellable: false, pid })
    expect(supervisor.cancel()).toMatchObject({ ok: false })
    rig.configure({})
    expect(await supervisor.restart({ now: true })).toMatchObject({ ok: true })
    expect(await restarting).toMatchObject({ ok: true })
    expect(supervisor.journal()[0]).toMatchObject({
      cause: 'asked-restart',
      pushesCut: 1,
      cutRepositories: ['a/b'],
      exit: { kind: 'signal' },
    })
  })
})
