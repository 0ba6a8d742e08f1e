import { describe, expect, it } from 'vitest'
import type { ProbeResult } from '../../../contract/snapshot.ts'
import { createHealth } from '../../../core/health/health.ts'
import type { Probe } from '../../../core/health/probe.ts'
import { fakeClock } from '../../fakes/clock.ts'

function setUp(over: { takes?: number; results?: Partial<Record<Probe['id'], ProbeResult | Error>> } = {}) {
  const clock = fakeClock()
  const start = clock.now()
  const ran: { id: string; at: number; round: number; url: string }[] = []
  const running = { now: 0, most: 0 }
  const results = over.results ?? {}
  const probe = (id: Probe['id']): Probe => ({
    id,
    run: async ({ round, url }) => {
      ran.push({ id, at: clock.now() - start, round, url })
      running.now += 1
      running.most = Math.max(running.most, running.now)
      if (over.takes) {
        const { promise, resolve } = Promise.withResolvers<void>()
        clock.setTimer(clock.now() + over.takes, resolve)
        await promise
      }
      running.now -= 1
      const result = results[id]
      if (result instanceof Error) throw result
      return result ?? { id, outcome: 'passed', tookMs: 1, detail: 'fine' }
    },
  })
  let url: string | undefined = 'http://127.0.0.1:5050'
  const said: string[] = []
  const health = createHealth({
    clock,
    target: () => (url === undefined ? undefined : { url }),
    repositories: () => [],
    digestNow: async () => undefined,
    isCached: () => false,
    log: message => said.push(message),
    probes: [probe('port'), probe('ready'), probe('manifest')],
  })
  const rounds = () => ran.filter(({ id }) => id === 'port').map(({ at }) => at)
  const turn = (next: string | undefined) => {
    url = next
  }
  return { clock, health, ran, rounds, running, results, said, turn }
}

describe('the schedule', () => {
  it('checks at once when the registry serves, briskly after that, calmly once nothing changes', async () => {
    const { clock, health, rounds } = setUp()
    health.setServing(true)
    await clock.advance(10 * 60_000)
    expect(rounds().slice(0, 3)).toEqual([0, 30_000, 60_000])
    expect(rounds().slice(-2)).toEqual([540_000, 600_000])
  })

  it('is frequent while somebody watches, and begins at once if the last round is old', async () => {
    const { clock, health, rounds } = setUp()
    health.setServing(true)
    await clock.advance(600_000 + 40_000)
    const before = rounds().length
    health.setWatched(true)
    await clock.advance(60_000)
    expect(rounds().slice(before)).toEqual([640_000, 670_000, 700_000])
    health.setWatched(false)
    await clock.advance(59_000)
    expect(rounds().at(-1)).toBe(700_000)
  })

  it('is brisk again after a change', async () => {
    const { clock, health, rounds, results } = setUp()
    health.setServing(true)
    await clock.advance(600_000)
    results.ready = { id: 'ready', outcome: 'failed', tookMs: 1, detail: '/readyz 503' }
    await clock.advance(90_000)
    expect(rounds().slice(-2)).toEqual([660_000, 690_000])
  })

  it('goes on where a probe has a fault, which is shown as its failure', async () => {
    const { clock, health, rounds } = setUp({ results: { ready: new TypeError('Invalid URL') } })
    health.setServing(true)
    await clock.advance(70_000)
    expect(rounds()).toEqual([0, 30_000, 60_000])
    const detail = 'it could not be tried: TypeError: Invalid URL'
    expect(health.state().probes).toMatchObject([
      { id: 'port', outcome: 'passed' },
      { id: 'ready', outcome: 'failed', detail },
      { id: 'manifest', outcome: 'passed' },
    ])
  })

  it('stops when the registry does, and shows no old results', async () => {
    const { clock, health, rounds } = setUp()
    health.setServing(true)
    await clock.advance(1000)
    expect(health.state().probes).toHaveLength(3)
    health.setServing(false)
    await clock.advance(600_000)
    expect(health.state()).toEqual({ probes: [] })
    expect(rounds()).toEqual([0])
    expect(clock.pending()).toEqual([])
  })

  it('never runs two rounds at once, and joins a demand to the one under way', async () => {
    const { clock, health, rounds, running } = setUp({ takes: 20_000 })
    health.setServing(true)
    const first = health.check()
    expect(health.check()).toBe(first)
    health.setWatched(true)
    await clock.advance(300_000)
    expect(running.most).toBe(1)
    expect(rounds()[1]).toBe(90_000)
  })

  it('throws away a round that began before a restart, and runs a fresh one', async () => {
    const { clock, health, rounds } = setUp({ takes: 1000 })
    health.setServing(true)
    await clock.advance(1500)
    health.setServing(false)
    health.setServing(true)
    await clock.advance(600)
    expect(health.state()).toEqual({ probes: [] })
    await clock.advance(5000)
    expect(health.state().probes).toHaveLength(3)
    expect(rounds()).toEqual([0, 2000])
  })

  it('does nothing after close', async () => {
    const { clock, health, ran } = setUp()
    health.setServing(true)
    health.close()
    await clock.advance(600_000)
    expect(ran.length).toBeLessThanOrEqual(1)
    expect(health.state()).toEqual({ probes: [] })
  })
})

describe('a round', () => {
  it('runs the probes in order, asks the current address, and counts up', async () => {
    const { clock, health, ran, turn } = setUp()
    health.setServing(true)
    await clock.advance(1)
    turn('http://127.0.0.1:6060')
    await health.check()
    expect(ran.map(({ id, round }) => `${round} ${id}`)).toEqual([
      '0 port',
      '0 ready',
      '0 manifest',
      '1 port',
      '1 ready',
      '1 manifest',
    ])
    expect(ran.at(-1)?.url).toBe('http://127.0.0.1:6060')
    expect(health.state().checkedAt).toBe(clock.now())
  })

  it('tries nothing more when the port does not answer, and says so', async () => {
    const port: ProbeResult = {
      id: 'port',
      outcome: 'failed',
      tookMs: 2,
      detail: 'the connection is refused',
    }
    const { clock, health, ran, said } = setUp({ results: { port } })
    health.setServing(true)
    await clock.advance(1)
    expect(ran.map(({ id }) => id)).toEqual(['port'])
    expect(health.state().probes.map(({ outcome }) => outcome)).toEqual(['failed', 'skipped', 'skipped'])
    expect(said).toEqual(['probe port failed: the connection is refused'])
  })

  it('notifies the listeners, with plain data', async () => {
    const { clock, health } = setUp()
    let told = 0
    const end = health.onChange(() => {
      told += 1
      expect(structuredClone(health.state())).toEqual(health.state())
    })
    health.setServing(true)
    await clock.advance(31_000)
    expect(told).toBe(2)
    end()
    await health.check()
    expect(told).toBe(2)
  })

  it('is empty without an address', async () => {
    const { health, ran, turn } = setUp()
    turn(undefined)
    await health.check()
    expect(ran).toEqual([])
    expect(health.state()).toEqual({ probes: [] })
  })
})
