import type { Clock } from '../../lib/clock.ts'
import type { Probe } from './http-probe.ts'
import type { RegistryProcess } from './state.ts'

interface Parts {
  run: RegistryProcess
  clock: Clock
  probe: Probe
  /** Whether somebody else listens on the run's port: then the yes is not ours. */
  isOthers(run: RegistryProcess): Promise<boolean>
  /** Whether a connection to its port that was cut can only have been cut by this process. */
  isCutBy(run: RegistryProcess): Promise<boolean>
  onReady(): void
}

/** How long one question may take, ms. */
const limit = 2000
const [closest, farthest] = [20, 250]

/**
 * Asks /readyz (/v2/ where there is none) until it says yes; calls back once.
 * Pauses grow with the time waited: a quick start is seen at once, a slow one costs little.
 * A yes from somebody else on the port does not count. An adopted process that cuts the connection is overloaded, and
 * was ready before: both engines open the port only then.
 */
export function watchReadiness({ run, clock, probe, isOthers, isCutBy, onReady }: Parts): () => void {
  const begun = clock.monotonic()
  let ended = false
  let cancel = () => {}

  async function ask() {
    const ready = await isReady().catch(() => false)
    if (ended) return
    if (ready) {
      ended = true
      onReady()
      return
    }
    const waited = clock.monotonic() - begun
    cancel = clock.setTimer(clock.now() + Math.min(Math.max(waited / 10, closest), farthest), ask)
  }
  async function isReady(): Promise<boolean> {
    const said = await askReady(probe, run.target.url)
    if (said === 'cut') return run.adopted && isCutBy(run)
    return said && !(await isOthers(run))
  }
  cancel = clock.setTimer(clock.now() + (run.adopted ? 0 : closest), ask)
  return () => {
    ended = true
    cancel()
  }
}

async function askReady(probe: Probe, url: string): Promise<boolean | 'cut'> {
  const status = await probe(`${url}/readyz`, limit)
  if (status === 'cut') return status
  if (status !== 404) return status === 200
  const api = await probe(`${url}/v2/`, limit)
  return api === 200 || api === 401
}
