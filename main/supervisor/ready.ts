import type { Clock } from '../platform/clock.ts'
import type { Probe } from './http-probe.ts'
import type { Run } from './state.ts'

interface Parts {
  run: Run
  clock: Clock
  probe: Probe
  /** Whether somebody else listens on the run's port: then the yes is not ours. */
  isOthers(run: Run): Promise<boolean>
  onReady(): void
}

/** How long one question may take, ms. */
const limit = 2000
const [closest, farthest] = [20, 250]

/**
 * Asks /readyz (/v2/ where there is none) until it says yes; calls back once.
 * Pauses grow with the time waited: a quick start is seen at once, a slow one costs little.
 * A yes from somebody else on the port does not count.
 */
export function watchReadiness({ run, clock, probe, isOthers, onReady }: Parts): () => void {
  const begun = clock.monotonic()
  let ended = false
  let cancel = () => {}

  async function ask() {
    const ready = (await answersReady(probe, run.place.url)) && !(await isOthers(run))
    if (ended) return
    if (ready) {
      ended = true
      onReady()
      return
    }
    const waited = clock.monotonic() - begun
    cancel = clock.setTimer(clock.now() + Math.min(Math.max(waited / 10, closest), farthest), ask)
  }
  cancel = clock.setTimer(clock.now() + (run.adopted ? 0 : closest), ask)
  return () => {
    ended = true
    cancel()
  }
}

async function answersReady(probe: Probe, url: string): Promise<boolean> {
  const status = await probe(`${url}/readyz`, limit)
  if (status !== 404) return status === 200
  const api = await probe(`${url}/v2/`, limit)
  return api === 200 || api === 401
}
