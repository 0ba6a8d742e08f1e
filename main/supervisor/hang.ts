import type { Clock } from '../platform/clock.ts'
import type { Probe } from './http-probe.ts'
import type { Policy } from './policy.ts'

interface Parts {
  /** Full address of the question. */
  url: string
  clock: Clock
  probe: Probe
  policy: Pick<Policy, 'hangEvery' | 'hangLimit' | 'hangMisses'>
  /** `answeredAt`: ms since the epoch of the last answer. */
  onHung(answeredAt: number): void
}

/**
 * Asks a living process whether it still answers; calls back once after enough misses in a row.
 * Any answer counts, an error too: this is about hanging, not about health.
 * Time that the computer slept through is not held against the process.
 */
export function watchForHang({ url, clock, probe, policy, onHung }: Parts): () => void {
  const { hangEvery, hangLimit, hangMisses } = policy
  let answeredAt = clock.now()
  let misses = 0
  let ended = false
  let cancel = () => {}

  function wait(due: number) {
    cancel = clock.setTimer(due, () => void ask(due))
  }
  async function ask(due: number) {
    const asked = clock.now()
    if (asked - due > hangEvery) misses = 0
    const status = await probe(url, hangLimit)
    if (ended) return
    const now = clock.now()
    const slept = now - asked > hangLimit + hangEvery
    if (status !== undefined) {
      misses = 0
      answeredAt = now
    } else misses = slept ? 0 : misses + 1
    if (misses < hangMisses) return wait(Math.max(now, asked + hangEvery))
    ended = true
    onHung(answeredAt)
  }
  wait(clock.now() + hangEvery)
  return () => {
    ended = true
    cancel()
  }
}
