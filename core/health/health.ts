import type { ProbeResult, ServiceState } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { catalogProbe } from './catalog-probe.ts'
import { manifestProbe } from './manifest-probe.ts'
import { portProbe } from './port-probe.ts'
import type { Probe, ProbeContext } from './probe.ts'
import { readinessProbe } from './readiness-probe.ts'

export interface HealthOptions
  extends Pick<ProbeContext, 'repositories' | 'digestNow' | 'isCached' | 'authorization' | 'whyNone'> {
  clock: Clock
  /** Where the registry answers, without a trailing slash; undefined while config.json is unreadable. */
  target(): { url: string } | undefined
  log(message: string): void
  probes?: Probe[]
}

export interface Health {
  state(): ServiceState
  /** Runs every probe now, or joins a round that is under way. */
  check(): Promise<void>
  /** A registry that begins to serve is checked at once, then regularly. */
  setServing(isServing: boolean): void
  /** Rounds come more often while somebody watches. */
  setWatched(isWatched: boolean): void
  /** Answers how to end the subscription. */
  onChange(listener: () => void): () => void
  close(): void
}

const shortIntervalMs = 30_000
const longIntervalMs = 60_000
/** The short interval lasts this long after a change. */
const settlingMs = 5 * 60_000

/** Runs the probes in order, on a schedule while the registry serves, never two rounds at once. */
export function createHealth(options: HealthOptions): Health {
  const { clock, log, target, probes = [portProbe, readinessProbe, catalogProbe, manifestProbe] } = options
  const listeners = new Set<() => void>()
  let state: ServiceState = { probes: [] }
  let isServing = false
  let isWatched = false
  let round = 0
  let changedAt = clock.now()
  let running: Promise<void> | undefined
  /** Grows when the registry begins or ends to serve: results of a round that began before are discarded. */
  let generation = 0
  let cancelTimer: (() => void) | undefined

  const publish = (next: ServiceState) => {
    if (outcomes(next.probes) !== outcomes(state.probes)) changedAt = clock.now()
    for (const probe of next.probes)
      if (probe.outcome === 'failed') log(`probe ${probe.id} failed: ${probe.detail}`)
    state = next
    for (const listener of listeners) listener()
  }

  const schedule = () => {
    cancelTimer?.()
    cancelTimer = undefined
    if (!isServing) return
    const isShort = isWatched || clock.now() - changedAt < settlingMs
    const intervalMs = isShort ? shortIntervalMs : longIntervalMs
    cancelTimer = clock.setTimer(clock.now() + intervalMs, () => void check())
  }

  const runAll = async () => {
    const begun = generation
    const registry = target()
    if (!registry) return
    const context: ProbeContext = { ...options, url: registry.url, round, monotonic: () => clock.monotonic() }
    round += 1
    const results: ProbeResult[] = []
    for (const probe of probes) {
      if (begun !== generation) return
      results.push(isDown(results) ? notTried(probe) : await runProbe(probe, context))
    }
    if (begun === generation) publish({ checkedAt: clock.now(), probes: results })
  }

  function check(): Promise<void> {
    running ??= runAll().finally(() => {
      running = undefined
      schedule()
    })
    return running
  }

  /** Waits for a round that began before, then runs a fresh one. */
  const checkAfresh = async () => {
    const begun = generation
    await running?.catch(() => undefined)
    if (isServing && begun === generation) await check()
  }

  return {
    state: () => state,
    check,
    setServing: next => {
      if (next === isServing) return
      isServing = next
      generation += 1
      changedAt = clock.now()
      if (isServing) return void checkAfresh()
      schedule()
      publish({ probes: [] })
    },
    setWatched: next => {
      if (next === isWatched) return
      isWatched = next
      if (!isServing || running) return
      if (isWatched && clock.now() - (state.checkedAt ?? 0) >= shortIntervalMs) void check()
      else schedule()
    },
    onChange: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => {
      isServing = false
      generation += 1
      cancelTimer?.()
      listeners.clear()
    },
  }
}

/** A probe that throws counts as failed, so that the rounds go on. */
async function runProbe(probe: Probe, context: ProbeContext): Promise<ProbeResult> {
  const started = context.monotonic()
  try {
    return await probe.run(context)
  } catch (error) {
    const tookMs = context.monotonic() - started
    return { id: probe.id, outcome: 'failed', tookMs, detail: `it could not be tried: ${String(error)}` }
  }
}

const outcomes = (probes: ProbeResult[]): string => probes.map(({ id, outcome }) => `${id}:${outcome}`).join()

const isDown = (results: ProbeResult[]): boolean =>
  results.some(({ id, outcome }) => id === 'port' && outcome === 'failed')

const notTried = ({ id }: Probe): ProbeResult => ({
  id,
  outcome: 'skipped',
  detail: 'not tried, because the port does not answer',
})
