import type { ProbeResult, ServiceState } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { catalogProbe } from './catalog-probe.ts'
import { manifestProbe } from './manifest-probe.ts'
import { portProbe } from './port-probe.ts'
import type { Probe, ProbeContext } from './probe.ts'
import { readinessProbe } from './readiness-probe.ts'

export interface HealthOptions
  extends Pick<ProbeContext, 'repositories' | 'digestNow' | 'isCached' | 'authorization'> {
  clock: Clock
  /** Where the registry answers, without a trailing slash; undefined while config.json cannot be read. */
  target(): { url: string } | undefined
  log(message: string): void
  probes?: Probe[]
}

export interface Health {
  state(): ServiceState
  /** Runs every probe now, or joins the round that is under way. */
  check(): Promise<void>
  /** The registry became serving (checked at once, then regularly), or is no longer. */
  setServing(up: boolean): void
  /** Somebody looks: rounds come more often. */
  setWatched(looking: boolean): void
  /** Returns a function that ends the listening. */
  onChange(listener: () => void): () => void
  close(): void
}

const briskMs = 30_000
const calmMs = 60_000
/** How long after a change the rounds stay brisk. */
const settleMs = 5 * 60_000

/** The service axis: the probes in order, on a schedule while the registry serves, never two rounds at once. */
export function createHealth(options: HealthOptions): Health {
  const { clock, log, target, probes = [portProbe, readinessProbe, catalogProbe, manifestProbe] } = options
  const listeners = new Set<() => void>()
  let state: ServiceState = { probes: [] }
  let up = false
  let looking = false
  let round = 0
  let changedAt = clock.now()
  let running: Promise<void> | undefined
  /** Grows when the registry comes or goes: results of a round that began before are worth nothing. */
  let era = 0
  let cancelTimer: (() => void) | undefined

  const publish = (next: ServiceState) => {
    if (outcomes(next.probes) !== outcomes(state.probes)) changedAt = clock.now()
    for (const probe of next.probes)
      if (probe.outcome === 'failed') log(`probe ${probe.id} failed: ${probe.detail}`)
    state = next
    for (const listener of listeners) listener()
  }

  const plan = () => {
    cancelTimer?.()
    cancelTimer = undefined
    if (!up) return
    const brisk = looking || clock.now() - changedAt < settleMs
    cancelTimer = clock.setTimer(clock.now() + (brisk ? briskMs : calmMs), () => void check())
  }

  const runAll = async () => {
    const own = era
    const where = target()
    if (!where) return
    const context: ProbeContext = { ...options, url: where.url, round, monotonic: () => clock.monotonic() }
    round += 1
    const results: ProbeResult[] = []
    for (const probe of probes) {
      if (own !== era) return
      results.push(isDown(results) ? notTried(probe) : await run(probe, context))
    }
    if (own === era) publish({ checkedAt: clock.now(), probes: results })
  }

  const check = (): Promise<void> => {
    running ??= runAll().finally(() => {
      running = undefined
      plan()
    })
    return running
  }

  /** A round of the registry before is waited for, then a fresh one is run. */
  const checkAnew = async () => {
    const own = era
    await running?.catch(() => undefined)
    if (up && own === era) await check()
  }

  return {
    state: () => state,
    check,
    setServing: now => {
      if (now === up) return
      up = now
      era += 1
      changedAt = clock.now()
      if (up) return void checkAnew()
      plan()
      publish({ probes: [] })
    },
    setWatched: now => {
      if (now === looking) return
      looking = now
      if (!up || running) return
      if (looking && clock.now() - (state.checkedAt ?? 0) >= briskMs) void check()
      else plan()
    },
    onChange: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => {
      up = false
      era += 1
      cancelTimer?.()
      listeners.clear()
    },
  }
}

/** A fault of a probe is a probe that failed: the rounds go on, and the app. */
async function run(probe: Probe, context: ProbeContext): Promise<ProbeResult> {
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
